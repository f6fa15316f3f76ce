//! An OpenID Connect issuer on loopback: a discovery document, keys that change, and tokens signed by them.
//!
//! It signs by itself, with nothing of what it tests. Its RSA key is of these tests alone (`openssl genpkey`).

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// An issuer that answers until it is dropped.
pub struct Issuer {
    /// Its name, and where it is found.
    pub url: String,
    state: Shared,
    server: JoinHandle<()>,
}

type Shared = Arc<Mutex<Inner>>;

struct Inner {
    url: String,
    rsa: RsaKeyPair,
    elliptic: EcdsaKeyPair,
    shown: Vec<&'static str>,
    is_down: bool,
    reads: usize,
}

impl Issuer {
    /// Starts one that shows its RSA key, named `rsa`.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let elliptic = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let inner = Inner {
            url: url.clone(),
            rsa: RsaKeyPair::from_pkcs8(include_bytes!("issuer/rsa.pk8")).unwrap(),
            elliptic: EcdsaKeyPair::from_pkcs8(algorithm, elliptic.as_ref(), &random).unwrap(),
            shown: vec!["rsa"],
            is_down: false,
            reads: 0,
        };
        let state = Arc::new(Mutex::new(inner));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(state.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, server }
    }

    /// Shows these of its keys from now on: `rsa`, `elliptic`.
    pub fn show(&self, keys: &[&'static str]) {
        self.state.lock().unwrap().shown = keys.to_vec();
    }

    /// Fails from now on, whatever it is asked.
    pub fn fail(&self) {
        self.state.lock().unwrap().is_down = true;
    }

    /// How often its keys were read.
    pub fn reads(&self) -> usize {
        self.state.lock().unwrap().reads
    }

    /// A token of these claims, signed by the key of this name.
    pub fn token(&self, key: &str, claims: &Value) -> String {
        let inner = self.state.lock().unwrap();
        let algorithm = if key == "rsa" { "RS256" } else { "ES256" };
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&json!({"alg": algorithm, "kid": key, "typ": "JWT"})), encode(claims));
        let random = SystemRandom::new();
        let signature = if key == "rsa" {
            let mut signature = vec![0; inner.rsa.public().modulus_len()];
            inner.rsa.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
            signature
        } else {
            inner.elliptic.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec()
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn discovery(State(state): State<Shared>) -> Result<Json<Value>, StatusCode> {
    let inner = state.lock().unwrap();
    let url = &inner.url;
    let document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
    });
    if inner.is_down { Err(StatusCode::BAD_GATEWAY) } else { Ok(Json(document)) }
}

async fn keys(State(state): State<Shared>) -> Result<Json<Value>, StatusCode> {
    let mut inner = state.lock().unwrap();
    inner.reads += 1;
    // A key of a kind that nobody knows must not hide the others.
    let mut keys = vec![json!({"kty": "XYZ", "kid": "odd"})];
    for name in &inner.shown {
        keys.push(match *name {
            "rsa" => {
                let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(inner.rsa.public());
                let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
                json!({"kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "n": n, "e": e})
            }
            _ => {
                let point = &inner.elliptic.public_key().as_ref()[1..];
                let (x, y) = (URL_SAFE_NO_PAD.encode(&point[..32]), URL_SAFE_NO_PAD.encode(&point[32..]));
                json!({"kty": "EC", "kid": name, "use": "sig", "alg": "ES256", "crv": "P-256", "x": x, "y": y})
            }
        });
    }
    if inner.is_down { Err(StatusCode::BAD_GATEWAY) } else { Ok(Json(json!({ "keys": keys }))) }
}
