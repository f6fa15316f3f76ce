//! Requests to the REST interface.

use std::sync::OnceLock;

use serde_json::Value;

use crate::{PATIENCE, dashboard::Heard, dashboard::heard, until};

/// A client; the first installs the TLS provider that all in this process share.
pub fn client() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        // Refused where somebody else was first, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

/// The REST interface of a stack, as the holder of a token sees it.
#[derive(Debug, Clone)]
pub struct Rest {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Rest {
    /// Of the stack at this address.
    pub fn new(url: &str, token: &str) -> Self {
        Self { client: client(), url: url.to_owned(), token: token.to_owned() }
    }

    /// The status and JSON of an answer; null where the body is none.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    /// A call's snapshot.
    pub async fn snapshot(&self, call: &str) -> Value {
        let (status, snapshot) = self.get(&format!("/v1/calls/{call}")).await;
        assert_eq!(status, 200, "{snapshot}");
        snapshot
    }

    /// All calls.
    pub async fn calls(&self) -> Vec<Value> {
        let (status, list) = self.get("/v1/calls").await;
        assert_eq!(status, 200, "{list}");
        list["calls"].as_array().unwrap().clone()
    }

    /// Waits for a call's notes; gives its snapshot with them.
    pub async fn noted(&self, call: &str) -> Value {
        let done = async || {
            let (_, snapshot) = self.get(&format!("/v1/calls/{call}")).await;
            (!snapshot["notes"].is_null()).then_some(snapshot)
        };
        until("the call's notes", done).await
    }

    /// A call's segments, by its transcript.
    pub async fn transcript(&self, call: &str) -> Vec<Heard> {
        let (status, transcript) = self.get(&format!("/v1/calls/{call}/transcript")).await;
        assert_eq!(status, 200, "{transcript}");
        transcript["segments"].as_array().unwrap().iter().map(heard).collect()
    }
}
