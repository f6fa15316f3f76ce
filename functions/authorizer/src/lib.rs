//! Who is this, and what may they do: asked at `$connect` and for every HTTP request.
//!
//! The answer's context travels with every message of the connection, so nobody behind it looks a principal up.
//! A secret is a key, or an access token of a person. A socket presents it as a bearer token, in a header or, from a
//! browser, as a subprotocol; clients that can set nothing but the URL use a capture key, which may only send audio. A
//! request presents it in `Authorization` or, as some older clients do, in `X-API-Key`. Nobody is remembered: whoever was
//! taken back is out with their next request.

use std::collections::BTreeMap;

use callboard_adapters::{ServiceError, accounts::Accounts, identity::Identity, table::Table};
use callboard_domain::{
    OrgId,
    permissions::{Action, Role},
};
use callboard_runtime::{Clock, SettingError, Start, identity};
use callboard_wire::{
    connection::{AuthContext, Capture, PrincipalKind},
    credentials,
    socket_event::header,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub use callboard_wire::credentials::secret_hash as hash;

/// What the function needs.
#[derive(Debug)]
pub struct Context {
    /// Keys and people.
    pub identity: Identity,
    /// Organization of captures without a key; none refuses them.
    pub anonymous_capture: Option<OrgId>,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `ANONYMOUS_CAPTURE_ORG`, and what [`identity::connect`] does.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let name = "ANONYMOUS_CAPTURE_ORG";
        let anonymous = start.settings.optional(name).map(OrgId::parse).transpose();
        let accounts = Accounts::new(Table::new(client, start.settings.required("ACCOUNTS_TABLE")?));
        Ok(Self {
            identity: identity::connect(&start.settings, accounts)?,
            anonymous_capture: anonymous.map_err(|e| SettingError::malformed(name, e))?,
            clock: start.clock.clone(),
        })
    }
}

/// The routes of older clients, which hand recordings in and ask what came of them. A capture key may do that and, where
/// captures need no key, so may whoever shows none.
const RECORDING_ROUTES: [&str; 5] = [
    "ANY /upload-audio",
    "ANY /upload-audio/{proxy+}",
    "ANY /transcribe",
    "ANY /status/{job_id}",
    "ANY /result/{job_id}",
];

/// The part of both authorizer events that is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerEvent {
    /// `2.0` for HTTP requests.
    #[serde(default)]
    pub version: Option<String>,
    /// The route of an HTTP request, as the template spells it.
    #[serde(default)]
    pub route_key: Option<String>,
    /// The socket's `$connect`.
    #[serde(default)]
    pub method_arn: Option<String>,
    /// Headers.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// Query.
    #[serde(default)]
    pub query_string_parameters: Option<BTreeMap<String, String>>,
}

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No secret, or one that is not known. API Gateway answers 401 to this very word.
    #[error("Unauthorized")]
    Unauthorized,
    /// The keys could not be read.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Answers one question.
///
/// # Errors
/// Nobody is let in: see [`AuthError`].
pub async fn handle(event: AuthorizerEvent, context: &Context) -> Result<Value, AuthError> {
    if event.version.as_deref() == Some("2.0") {
        let auth = requesting(&event, context).await?;
        let allowed = auth.role != Role::Capture || takes_recordings(&event);
        return Ok(json!({ "isAuthorized": allowed, "context": auth }));
    }
    let auth = connecting(&event, context).await?;
    let resource = event.method_arn.as_deref().unwrap_or("*");
    let effect = if auth.is_some() { "Allow" } else { "Deny" };
    let mut answer = json!({
        "principalId": auth.as_ref().map_or("none", |auth| auth.principal.as_str()),
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Action": "execute-api:Invoke", "Effect": effect, "Resource": resource }],
        },
    });
    if let Some(auth) = auth {
        answer["context"] = json!(auth);
    }
    Ok(answer)
}

/// Who shows this secret.
async fn holder(secret: &str, context: &Context) -> Result<AuthContext, AuthError> {
    let now_ms = context.clock.now_ms();
    let auth = context.identity.holder(secret, now_ms).await?.ok_or(AuthError::Unauthorized)?;
    if let Err(error) = context.identity.note(&auth, now_ms).await {
        tracing::warn!(%error, org.id = auth.org, "when a key was last used could not be noted");
    }
    Ok(auth)
}

/// Who makes an HTTP request.
async fn requesting(event: &AuthorizerEvent, context: &Context) -> Result<AuthContext, AuthError> {
    if let Some(secret) = bearer(event).or_else(|| api_key(event)) {
        return holder(secret, context).await;
    }
    match &context.anonymous_capture {
        Some(org) if takes_recordings(event) && !shows_something(event) => Ok(anonymous(org)),
        _ => Err(AuthError::Unauthorized),
    }
}

fn takes_recordings(event: &AuthorizerEvent) -> bool {
    event.route_key.as_deref().is_some_and(|key| RECORDING_ROUTES.contains(&key))
}

/// Whoever shows nothing, where that is allowed: all of them are one principal.
fn anonymous(org: &OrgId) -> AuthContext {
    AuthContext::new(org.as_str(), "anonymous", Role::Capture).of_person(PrincipalKind::Anonymous, None).unlimited()
}

/// The context of a socket that opens; none when the principal may not do what it asks for.
async fn connecting(event: &AuthorizerEvent, context: &Context) -> Result<Option<AuthContext>, AuthError> {
    let query =
        |name: &str| event.query_string_parameters.as_ref().and_then(|query| query.get(name)).map(String::as_str);
    let capture_key = query("capture_key");
    let auth = match bearer(event).or(capture_key) {
        Some(secret) => holder(secret, context).await?,
        None => match &context.anonymous_capture {
            // Whoever shows something that is no token means to be somebody.
            _ if shows_something(event) => return Err(AuthError::Unauthorized),
            Some(org) => anonymous(org),
            None => return Err(AuthError::Unauthorized),
        },
    };
    // A URL gets logged: what stands in one may send audio and nothing else.
    if bearer(event).is_none() && auth.role != Role::Capture {
        return Ok(None);
    }
    let captures = query("role") == Some("capture") || auth.role == Role::Capture;
    if let Some(role) = query("role").filter(|role| *role != "capture") {
        let problem = format!("parameter role: \"{role:.20}\" does not fit: use role=capture or leave it out");
        return Ok(Some(AuthContext { refusal: Some(problem), ..auth }));
    }
    if !captures {
        return Ok(Some(auth));
    }
    if !auth.role.may(Action::CaptureCall, true) {
        return Ok(None);
    }
    Ok(Some(match Capture::from_query(query) {
        Ok(capture) => {
            let call = capture.call.clone().unwrap_or_else(|| context.clock.call_id());
            auth.capturing(&capture, &call)
        }
        Err(error) => AuthContext { refusal: Some(error.to_string()), ..auth },
    }))
}

/// The bearer token: from the header, else from the subprotocol `bearer.<token>`.
fn bearer(event: &AuthorizerEvent) -> Option<&str> {
    let headers = event.headers.as_ref()?;
    let from_header = header(headers, "authorization").and_then(credentials::bearer);
    let from_protocol = || {
        let protocols = header(headers, "sec-websocket-protocol")?;
        protocols.split(',').find_map(|protocol| protocol.trim().strip_prefix("bearer."))
    };
    from_header.or_else(from_protocol).filter(|token| !token.is_empty())
}

/// The key in `X-API-Key`.
fn api_key(event: &AuthorizerEvent) -> Option<&str> {
    header(event.headers.as_ref()?, "x-api-key").map(str::trim).filter(|key| !key.is_empty())
}

/// Whether there is anything where a token belongs.
fn shows_something(event: &AuthorizerEvent) -> bool {
    let Some(headers) = &event.headers else { return false };
    let protocols = header(headers, "sec-websocket-protocol").unwrap_or_default();
    header(headers, "authorization").is_some()
        || header(headers, "x-api-key").is_some()
        || protocols.split(',').any(|protocol| protocol.trim().starts_with("bearer."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(pairs: &[(&str, &str)]) -> AuthorizerEvent {
        let headers = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        AuthorizerEvent { headers: Some(headers), ..AuthorizerEvent::default() }
    }

    #[test]
    fn requests_may_show_an_api_key() {
        for (headers, expected) in [
            (vec![("X-API-Key", "abc")], Some("abc")),
            (vec![("x-api-key", " abc ")], Some("abc")),
            (vec![("x-api-key", "")], None),
        ] {
            let event = event(&headers);
            assert_eq!((api_key(&event), shows_something(&event)), (expected, true), "{headers:?}");
        }
        assert_eq!(api_key(&event(&[("authorization", "Bearer abc")])), None);
    }

    #[test]
    fn only_older_clients_routes_take_recordings_without_a_token() {
        for (key, expected) in [
            (Some("ANY /upload-audio"), true),
            (Some("ANY /status/{job_id}"), true),
            (Some("ANY /upload-audio/{proxy}"), false),
            (Some("ANY /v1/{proxy+}"), false),
            (None, false),
        ] {
            let event = AuthorizerEvent { route_key: key.map(str::to_owned), ..AuthorizerEvent::default() };
            assert_eq!(takes_recordings(&event), expected, "{key:?}");
        }
    }

    #[test]
    fn the_sample_event_carries_a_token_and_parameters() {
        let event: AuthorizerEvent = serde_json::from_str(include_str!("../../../events/authorizer.json")).unwrap();
        assert_eq!(bearer(&event), Some("example"));
        assert_eq!(event.query_string_parameters.unwrap()["role"], "capture");
    }

    #[test]
    fn tokens_come_by_header_or_subprotocol() {
        for (headers, expected) in [
            (vec![("Authorization", "Bearer abc")], Some("abc")),
            (vec![("authorization", "bearer abc")], Some("abc")),
            (vec![("Sec-WebSocket-Protocol", "callboard.v1, bearer.abc")], Some("abc")),
            (vec![("Authorization", "Basic abc")], None),
            (vec![("Authorization", "Bearer ")], None),
            (vec![("Sec-WebSocket-Protocol", "callboard.v1, bearer.")], None),
        ] {
            let event = event(&headers);
            assert_eq!(bearer(&event), expected, "{headers:?}");
            assert!(shows_something(&event), "{headers:?}");
        }
        for headers in [vec![("Sec-WebSocket-Protocol", "callboard.v1")], vec![]] {
            let event = event(&headers);
            assert_eq!((bearer(&event), shows_something(&event)), (None, false), "{headers:?}");
        }
    }
}
