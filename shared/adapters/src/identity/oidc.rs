//! Another issuer's people: any OpenID Connect provider, found by its discovery document.
//!
//! Its keys are kept for an hour, and read again at most once a minute when a token names one that is not known. While the
//! issuer cannot be reached, the keys that are known go on to count.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use callboard_domain::{OrgId, permissions::Role};
use callboard_wire::connection::{AuthContext, PrincipalKind};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::Jwk};
use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::signatures;
use crate::{
    ServiceError,
    http::{Unread, read, told},
};

/// What was read counts for so long, in milliseconds.
const KEEP_MS: i64 = 3_600_000;
/// It is read so often at most, in milliseconds.
const PAUSE_MS: i64 = 60_000;
/// Two clocks may differ by so much, in seconds.
const LEEWAY_S: f64 = 30.0;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Largest document that is read, in bytes.
const MOST_BYTES: usize = 512 * 1024;
/// Longest name of somebody at their issuer, in bytes.
const SUBJECT_BYTES: usize = 200;

/// Whose tokens are taken, and what they must say.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// The issuer, exactly as its tokens name it.
    pub issuer: String,
    /// What this deployment is to it: the token's `aud`, or `client_id` where it has none.
    pub audience: String,
    /// The claim that names the organization.
    pub org_claim: String,
    /// The claim that names the role, or groups of which one is called like it.
    pub role_claim: String,
}

/// Why no issuer can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The issuer is no address that can be trusted.
    #[error("use an address that begins with https:// and has no query, as the issuer's tokens name it in iss")]
    Issuer,
}

/// What an issuer tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Provider {
    /// Itself.
    pub issuer: String,
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Where a code is exchanged for tokens.
    pub token_endpoint: String,
    /// Where its keys are.
    jwks_uri: String,
}

/// An issuer.
#[derive(Debug)]
pub struct Oidc {
    config: OidcConfig,
    client: Client,
    known: Mutex<Known>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    provider: Option<Provider>,
    keys: HashMap<String, Jwk>,
    read_ms: Option<i64>,
    tried_ms: Option<i64>,
}

impl Oidc {
    /// An issuer that is asked when it is needed.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn new(config: OidcConfig, client: Client) -> Result<Self, OidcError> {
        trusted(&config.issuer).ok_or(OidcError::Issuer)?;
        signatures::install();
        Ok(Self { config, client, known: Mutex::default() })
    }

    /// Its name.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// What this deployment is to it.
    pub fn audience(&self) -> &str {
        &self.config.audience
    }

    /// What it tells of itself; none while it cannot be reached and never was.
    pub async fn provider(&self, now_ms: i64) -> Option<Provider> {
        self.refresh(now_ms, |known| known.provider.is_some()).await.provider
    }

    /// Who shows this token of it; none if it is none, is over, is for others, or names no organization or role here.
    pub async fn holder(&self, token: &str, now_ms: i64) -> Result<Option<AuthContext>, ServiceError> {
        let Some((kid, algorithm)) = decode_header(token).ok().and_then(|it| Some((it.kid?, it.alg))) else {
            return Ok(None);
        };
        let known = self.refresh(now_ms, |known| known.keys.contains_key(&kid)).await;
        if known.read_ms.is_none() {
            let reason = "it could not be read".to_owned();
            return Err(ServiceError::Unavailable { service: "oidc", operation: "discovery", reason });
        }
        let claims = known.keys.get(&kid).and_then(|key| self.verify(token, key, algorithm, now_ms));
        Ok(claims.and_then(|claims| self.person(&claims)))
    }

    /// What is known, read again where it is old or does not hold what is needed, unless that was tried just now.
    async fn refresh(&self, now_ms: i64, is_enough: impl Fn(&Known) -> bool) -> Known {
        let known = match self.known.lock() {
            Ok(mut known) => {
                let is_fresh = known.read_ms.is_some_and(|read_ms| now_ms - read_ms < KEEP_MS);
                let was_tried = known.tried_ms.is_some_and(|tried_ms| now_ms - tried_ms < PAUSE_MS);
                if (is_fresh && is_enough(&known)) || was_tried {
                    return known.clone();
                }
                known.tried_ms = Some(now_ms);
                known.clone()
            }
            Err(_) => return Known::default(),
        };
        match self.read().await {
            Ok((provider, keys)) => {
                let (read_ms, tried_ms) = (Some(now_ms), Some(now_ms));
                let read = Known { provider: Some(provider), keys, read_ms, tried_ms };
                if let Ok(mut known) = self.known.lock() {
                    known.clone_from(&read);
                }
                read
            }
            Err(reason) => {
                tracing::warn!(oidc.issuer = self.config.issuer, reason, "the issuer could not be read");
                known
            }
        }
    }

    async fn read(&self) -> Result<(Provider, HashMap<String, Jwk>), String> {
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<Value>,
        }
        let issuer = self.config.issuer.trim_end_matches('/');
        let provider: Provider = self.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        if provider.issuer != self.config.issuer {
            return Err("its document is of another issuer".to_owned());
        }
        let keys: Keys = self.get(&provider.jwks_uri).await?;
        // A key of a kind that is not known here takes nothing from the others.
        let keys = keys.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys = keys.filter_map(|key| Some((key.common.key_id.clone()?, key)));
        Ok((provider, keys.collect()))
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, address: &str) -> Result<T, String> {
        let url = trusted(address).ok_or("it names an address that is not to be trusted")?;
        let answer = self.client.get(url).timeout(PATIENCE).send().await.map_err(told)?;
        if !answer.status().is_success() {
            return Err(format!("HTTP {}", answer.status().as_u16()));
        }
        let body = read(answer, MOST_BYTES).await.map_err(|unread| match unread {
            Unread::Broken(error) => told(error),
            Unread::TooLarge => "its answer is too large".to_owned(),
        })?;
        serde_json::from_slice(&body).map_err(|_| "its answer is not what it should be".to_owned())
    }

    fn verify(&self, token: &str, key: &Jwk, algorithm: Algorithm, now_ms: i64) -> Option<Map<String, Value>> {
        if key.common.key_algorithm.is_some_and(|own| own.to_string() != format!("{algorithm:?}")) {
            return None;
        }
        // The key's family must be that of the algorithm, and no shared secret is a key here.
        let key = DecodingKey::from_jwk(key).ok()?;
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.set_issuer(&[self.issuer()]);
        // Below: Cognito's access tokens have none, and the time is handed in.
        validation.validate_aud = false;
        validation.validate_exp = false;
        let claims = decode::<Map<String, Value>>(token, &key, &validation).ok()?.claims;
        let now_s = now_ms.div_euclid(1_000) as f64;
        let seconds = |name: &str| claims.get(name).map(|at| at.as_f64().unwrap_or(f64::NAN));
        // What is no number is neither later nor earlier than now, and so neither good nor begun.
        let is_good = seconds("exp").is_some_and(|at| at + LEEWAY_S > now_s);
        let has_begun = seconds("nbf").is_none_or(|at| at - LEEWAY_S <= now_s);
        (is_good && has_begun && self.is_for_us(&claims)).then_some(claims)
    }

    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        let is_us = |value: &Value| value.as_str() == Some(self.audience());
        match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(is_us),
            Some(one) => is_us(one),
            None => claims.get("client_id").is_some_and(is_us),
        }
    }

    fn person(&self, claims: &Map<String, Value>) -> Option<AuthContext> {
        let org = OrgId::parse(claims.get(&self.config.org_claim)?.as_str()?).ok()?;
        let role = role(claims.get(&self.config.role_claim)?)?;
        let subject = claims.get("sub")?.as_str().filter(|subject| is_name(subject))?;
        let auth = AuthContext::new(org.as_str(), &format!("oidc_{subject}"), role);
        Some(auth.of_person(PrincipalKind::Federated, None))
    }
}

/// The most that a claim allows: a role, several in one text, or a list of groups.
fn role(claim: &Value) -> Option<Role> {
    let names: Vec<&str> = match claim {
        Value::String(text) => text.split([' ', ',']).collect(),
        Value::Array(entries) => entries.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    [Role::Admin, Role::Supervisor, Role::Agent].into_iter().find(|role| names.contains(&role.as_str()))
}

/// Whether a subject can be a part of a key and of a principal's name.
fn is_name(subject: &str) -> bool {
    (1..=SUBJECT_BYTES).contains(&subject.len()) && subject.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

/// An address that keys can be read from: over TLS, or on this machine.
fn trusted(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let is_local = matches!(url.host_str()?, "127.0.0.1" | "localhost" | "[::1]");
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_safe && is_bare && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn oidc() -> Oidc {
        let config = OidcConfig {
            issuer: "https://issuer.example/pool".into(),
            audience: "us".into(),
            org_claim: "custom:org".into(),
            role_claim: "cognito:groups".into(),
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        Oidc::new(config, Client::new()).unwrap()
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_token_is_for_whom_its_audience_or_else_its_client_says() {
        for (claims, expected) in [
            (json!({"aud": "us"}), true),
            (json!({"aud": ["them", "us"]}), true),
            (json!({"client_id": "us"}), true),
            (json!({"aud": "them"}), false),
            (json!({"aud": "them", "client_id": "us"}), false),
            (json!({"aud": []}), false),
            (json!({"aud": null, "client_id": "us"}), false),
            (json!({}), false),
        ] {
            assert_eq!(oidc().is_for_us(&map(claims.clone())), expected, "{claims}");
        }
    }

    #[test]
    fn organization_and_role_come_from_claims() {
        for (org, groups, subject, expected) in [
            (json!("acme"), json!(["staff", "supervisor"]), "a-1", Some(Role::Supervisor)),
            (json!("acme"), json!(["agent", "admin"]), "a-1", Some(Role::Admin)),
            (json!("acme"), json!("agent"), "auth0|1", Some(Role::Agent)),
            (json!("acme"), json!("staff, agent"), "a-1", Some(Role::Agent)),
            (json!("acme"), json!(["capture"]), "a-1", None),
            (json!("acme"), json!(["Admin"]), "a-1", None),
            (json!("acme"), json!(7), "a-1", None),
            (json!("A#B"), json!("agent"), "a-1", None),
            (json!(null), json!("agent"), "a-1", None),
            (json!("acme"), json!("agent"), "a#1", None),
            (json!("acme"), json!("agent"), "", None),
        ] {
            let claims = json!({"custom:org": org, "cognito:groups": groups, "sub": subject});
            let found = oidc().person(&map(claims.clone()));
            assert_eq!(found.as_ref().map(|auth| auth.role), expected, "{claims}");
            if let Some(auth) = found {
                assert_eq!((auth.org.as_str(), auth.principal), ("acme", format!("oidc_{subject}")));
            }
        }
    }

    #[test]
    fn keys_are_read_over_tls_or_on_this_machine() {
        for (address, expected) in [
            ("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc", true),
            ("http://127.0.0.1:9000", true),
            ("http://issuer.example", false),
            ("https://user@issuer.example", false),
            ("https://issuer.example?x=1", false),
            ("issuer.example", false),
            ("", false),
        ] {
            assert_eq!(trusted(address).is_some(), expected, "{address}");
        }
    }
}
