//! Requests to the REST interface.

use std::sync::OnceLock;

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

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

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A header; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer itself, if it has this status.
    ///
    /// # Panics
    /// It has another.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
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

    /// Any request: its method, path, headers and body.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let method = method.parse::<Method>().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_owned()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// A request with a JSON body.
    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.ask(method, path, &[("content-type", "application/json")], &body.to_string()).await
    }

    /// Hands in a recording: what is said of it, and its bytes, which go to where the answer says. Returns the call.
    pub async fn hand_in(&self, about: &Value, bytes: &[u8]) -> String {
        let ticket = self.send("POST", "/v1/recordings", about).await.expect(201).json();
        let call = ticket["call"].as_str().unwrap().to_owned();
        self.send_audio(&ticket["upload"], bytes).await;
        if ticket["upload"]["kind"] == "parts" {
            let complete = format!("/v1/recordings/{call}/complete");
            assert_eq!(self.send("POST", &complete, &json!({})).await.expect(200).json()["upload"]["kind"], "complete");
        }
        call
    }

    /// Puts the bytes of a recording, or what is missing of them, where they are expected.
    pub async fn send_audio(&self, upload: &Value, bytes: &[u8]) {
        let put = async |url: &Value, bytes: &[u8]| {
            let sent = self.client.put(url.as_str().unwrap()).body(bytes.to_vec()).send().await.unwrap();
            assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
        };
        if upload["kind"] == "put" {
            return put(&upload["url"], bytes).await;
        }
        let size = usize::try_from(upload["part_bytes"].as_u64().unwrap()).unwrap();
        for part in upload["parts"].as_array().unwrap() {
            let number = usize::try_from(part["number"].as_u64().unwrap()).unwrap();
            put(&part["url"], bytes.chunks(size).nth(number - 1).unwrap()).await;
        }
    }

    /// Waits until nothing more is expected of a recorded call; gives its snapshot, with its notes if there will be some.
    pub async fn transcribed(&self, call: &str) -> Value {
        let done = async || {
            let snapshot = self.snapshot(call).await;
            let over = snapshot["call"]["status"] == "failed"
                || (snapshot["call"]["status"] == "ended" && !snapshot["notes"].is_null());
            over.then_some(snapshot)
        };
        until("the recording's end", done).await
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
