//! The REST API, for pages and scripts: calls as they stand, feedback on their cards, playbooks, and accounts.
//!
//! Owns the routes; what each does stands in its module. Who somebody is, the authorizer found out before.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post, put},
};
use callboard_adapters::{
    accounts::Accounts,
    audio::{AudioStore, client as bucket_client},
    calls::Calls,
    connections::Connections,
    gateway::Gateway,
    orgs::Orgs,
    queue::ArchiveQueue,
    table::Table,
};
use callboard_domain::CallId;
use callboard_runtime::{Clock, SettingError, Start};
use callboard_wire::{ASYNCAPI, OPENAPI, rest::Health};
use tracing::Instrument as _;

mod accounts;
mod audio;
mod body;
mod caller;
mod calls;
mod compat;
mod cursor;
mod deletion;
mod feedback;
mod hooks;
mod limit;
mod path;
mod playbooks;
mod problem;
mod query;
mod recordings;
mod settings;
mod tags;

pub use accounts::{Doors, Sockets};
pub use hooks::Hooks;
use problem::problem;
use tags::represent;

/// How long addresses of kept audio are good unless a setting says otherwise, in seconds.
const PLAYBACK_S: u64 = 900;
/// A role's session on Lambda does not last longer, and so no address does.
const LONGEST_PLAYBACK_S: u64 = 43_200;

/// What the function needs.
#[derive(Debug, Clone)]
pub struct Context {
    /// People, keys, playbooks, and what is learned from feedback.
    pub accounts: Accounts,
    /// How people get in.
    pub doors: Arc<Doors>,
    /// Which connections are whose.
    pub sockets: Sockets,
    /// How many requests a minute a principal has; 0 for any number.
    pub requests_per_minute: u32,
    /// Settings of organizations.
    pub orgs: Orgs,
    /// Calls.
    pub calls: Calls,
    /// Audio.
    pub audio: AudioStore,
    /// What a transcription service may tell by itself; none where it may not.
    pub hooks: Option<Hooks>,
    /// Where the removal of calls is asked for.
    pub archive: ArchiveQueue,
    /// How long addresses of kept audio are good, in seconds.
    pub playback_s: u64,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `SOCKETS_TABLE`, `SOCKET_ENDPOINT`, `AUDIO_BUCKET`, `ARCHIVE_QUEUE_URL`,
    /// `PLAYBACK_SECONDS` (900 by default, at most 43,200), `RATE_LIMIT_PER_MINUTE` (300 by default), and what [`Hooks`] and
    /// [`Doors`] need.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let playback_s = start.settings.parsed("PLAYBACK_SECONDS", PLAYBACK_S)?;
        if !(1..=LONGEST_PLAYBACK_S).contains(&playback_s) {
            let problem = format!("use 1 to {LONGEST_PLAYBACK_S} seconds");
            return Err(SettingError::malformed("PLAYBACK_SECONDS", problem));
        }
        let table = |name: &str| Ok(Table::new(client.clone(), start.settings.required(name)?));
        let management = aws_sdk_apigatewaymanagement::config::Builder::from(&start.sdk);
        Ok(Self {
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            doors: Arc::new(Doors::start(start)?),
            sockets: Sockets {
                connections: Connections::new(table("SOCKETS_TABLE")?),
                gateway: Gateway::new(&management, &start.settings.address("SOCKET_ENDPOINT")?),
            },
            requests_per_minute: start.settings.parsed("RATE_LIMIT_PER_MINUTE", limit::PER_MINUTE)?,
            orgs: Orgs::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?),
            hooks: Hooks::start(start)?,
            audio: AudioStore::new(bucket_client(&start.sdk), start.settings.required("AUDIO_BUCKET")?),
            archive: ArchiveQueue::new(
                aws_sdk_sqs::Client::new(&start.sdk),
                start.settings.required("ARCHIVE_QUEUE_URL")?,
            ),
            playback_s,
            clock: start.clock.clone(),
        })
    }
}

/// All routes, for what knows each path of its own.
pub fn router(context: Context) -> Router {
    let absent = "there is no such resource: see /v1/calls, /v1/playbooks and /openapi.json";
    let counted = middleware::from_fn_with_state(context.clone(), limit::count);
    let not_allowed = "this resource does not know this method: see the header Allow";
    routes()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .method_not_allowed_fallback(move || async move { problem(StatusCode::METHOD_NOT_ALLOWED, not_allowed) })
        .fallback(move || async move { problem(StatusCode::NOT_FOUND, absent) })
        .layer(counted)
        .layer(middleware::from_fn(preflight))
        .layer(middleware::from_fn(told))
        .with_state(context)
}

/// Says yes to a browser that asks whether it may ask: for which pages that holds, the gateway's headers tell.
async fn preflight(request: Request, next: Next) -> Response {
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && asks {
        return StatusCode::NO_CONTENT.into_response();
    }
    next.run(request).await
}

/// Logs of a request say whose it is, and which call it is about.
async fn told(request: Request, next: Next) -> Response {
    let org = caller::auth(request.extensions()).map(|auth| auth.org);
    let call = request.uri().path().split('/').find_map(|part| CallId::parse(part).ok());
    let call = call.as_ref().map(tracing::field::display);
    let span = tracing::info_span!("request", org.id = org, call.id = call);
    next.run(request).instrument(span).await
}

/// Every path with its methods: those that the OpenAPI document describes, and no other.
fn routes() -> Vec<(&'static str, MethodRouter<Context>)> {
    use playbooks::{trial, write};
    vec![
        ("/health", get(health)),
        ("/openapi.json", get(|headers: HeaderMap| async move { document(&headers, OPENAPI) })),
        ("/asyncapi.json", get(|headers: HeaderMap| async move { document(&headers, ASYNCAPI) })),
        ("/v1/calls", get(calls::list)),
        ("/v1/calls/{id}", get(calls::snapshot).delete(deletion::delete)),
        ("/v1/calls/{id}/audio", get(audio::pieces)),
        ("/v1/calls/{id}/transcript", get(calls::transcript)),
        ("/v1/calls/{id}/cards/{card}/feedback", put(feedback::give).delete(feedback::take_back)),
        ("/v1/calls/{id}/result", get(recordings::result)),
        ("/hooks/assemblyai", post(hooks::assemblyai)),
        ("/v1/recordings", post(recordings::create)),
        ("/v1/recordings/{id}/upload", get(recordings::upload)),
        ("/v1/recordings/{id}/complete", post(recordings::complete)),
        ("/v1/settings", get(settings::read).put(settings::replace)),
        ("/v1/playbooks", get(playbooks::list).post(write::create)),
        ("/v1/playbooks/validate", post(write::validate)),
        ("/v1/playbooks/try", post(trial::run)),
        ("/v1/playbooks/{id}", get(playbooks::read).put(write::replace).delete(write::delete)),
    ]
    .into_iter()
    .chain(accounts::routes())
    .chain(compat::routes())
    .collect()
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok".into(), version: env!("CARGO_PKG_VERSION").into() })
}

fn document(headers: &HeaderMap, text: &str) -> Response {
    represent(headers, "application/json", text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use lambda_http::{http::Request, request::LambdaRequest};
    use serde_json::{Map, Value, json};
    use tower::ServiceExt as _;

    use super::*;

    /// Tables that nobody can reach, for what reads none.
    fn context() -> Context {
        let config = aws_sdk_dynamodb::Config::builder().behavior_version_latest().build();
        let table = Table::new(aws_sdk_dynamodb::Client::from_conf(config), "none");
        let sdk = aws_types::SdkConfig::builder().behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest());
        let sdk = sdk.build();
        Context {
            accounts: Accounts::new(table.clone()),
            doors: Arc::new(Doors::shut()),
            sockets: Sockets {
                connections: Connections::new(table.clone()),
                gateway: Gateway::new(&aws_sdk_apigatewaymanagement::config::Builder::from(&sdk), "http://127.0.0.1:1"),
            },
            requests_per_minute: limit::PER_MINUTE,
            orgs: Orgs::new(table.clone()),
            calls: Calls::new(table),
            audio: AudioStore::new(bucket_client(&sdk), "none"),
            hooks: Some(Hooks::deaf(aws_sdk_sqs::Client::new(&sdk))),
            archive: ArchiveQueue::new(aws_sdk_sqs::Client::new(&sdk), "none"),
            playback_s: PLAYBACK_S,
            clock: Clock::from_fn(|| 0),
        }
    }

    async fn ask(method: &str, path: &str) -> Response {
        let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
        router(context()).oneshot(request).await.unwrap()
    }

    /// What the document says of each path, but for streams: those are answered by the `feed` function.
    fn described() -> BTreeMap<String, Map<String, Value>> {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let paths = document["paths"].as_object().unwrap().clone().into_iter();
        let paths = paths.map(|(path, members)| (path, members.as_object().unwrap().clone()));
        let stream = "/responses/200/content/text~1event-stream";
        paths.filter(|(_, members)| !members.values().any(|it| it.pointer(stream).is_some())).collect()
    }

    #[tokio::test]
    async fn the_document_describes_every_route_and_no_other() {
        let described = described();
        let routed: BTreeSet<&str> = routes().into_iter().map(|(path, _)| path).collect();
        assert_eq!(described.keys().map(String::as_str).collect::<BTreeSet<_>>(), routed);
        for (path, operations) in &described {
            let refused = ask("BREW", &path.replace(['{', '}'], "")).await;
            assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json", "{path}");
            let allowed = refused.headers()[header::ALLOW].to_str().unwrap().to_ascii_lowercase();
            let allowed: BTreeSet<&str> = allowed.split(',').filter(|method| *method != "head").collect();
            let operations = operations.keys().map(String::as_str);
            assert_eq!(operations.filter(|name| *name != "parameters").collect::<BTreeSet<_>>(), allowed, "{path}");
        }
    }

    #[tokio::test]
    async fn a_browser_may_ask_whether_it_may_ask() {
        for (header, expected) in [("access-control-request-method", 204), ("origin", 405)] {
            let request = Request::builder().method("OPTIONS").uri("/v1/calls").header(header, "GET");
            let request = request.body(axum::body::Body::empty()).unwrap();
            assert_eq!(router(context()).oneshot(request).await.unwrap().status().as_u16(), expected, "{header}");
        }
    }

    #[tokio::test]
    async fn without_a_token_nothing_is_told_but_what_the_document_says() {
        for (path, operations) in described() {
            for (method, operation) in operations.iter().filter(|(name, _)| *name != "parameters") {
                let is_open = operation.get("security") == Some(&json!([]));
                let answer = ask(&method.to_ascii_uppercase(), &path.replace(['{', '}'], "")).await;
                let status = answer.status().as_u16();
                let told = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
                let told: Value = serde_json::from_slice(&told).unwrap_or_default();
                let asks = told["detail"].as_str().is_some_and(|detail| detail.starts_with("send a token"));
                // What is open to all is done, or complains of something else: the tables, which nobody can reach here.
                let expected = if is_open { !asks } else { status == 401 };
                assert!(expected, "{method} {path}: {status} {told}");
            }
        }
    }

    #[test]
    fn the_sample_event_is_a_request() {
        let event = include_str!("../../../events/api.json");
        let request: LambdaRequest = serde_json::from_str(event).unwrap();
        let request: Request<lambda_http::Body> = request.into();
        assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/health"));
    }
}
