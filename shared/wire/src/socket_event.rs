//! The events that API Gateway hands to the integrations of a WebSocket API, as far as they are read.

use serde::{Deserialize, Serialize};

use crate::connection::AuthContext;

/// One event of a socket: it opened, it closed, or a message came.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    /// What API Gateway knows about it.
    pub request_context: SocketContext,
    /// The message as it came.
    #[serde(default)]
    pub body: Option<String>,
    /// Headers of the request that opened the socket; only at `$connect`.
    #[serde(default)]
    pub headers: Option<std::collections::BTreeMap<String, String>>,
}

/// The part of the request context that is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketContext {
    /// `$connect`, `audio`, …
    pub route_key: String,
    /// The connection.
    pub connection_id: String,
    /// Number of the message; absent when the socket opens or closes.
    #[serde(default)]
    pub message_id: Option<String>,
    /// When the gateway received it: wall clock, milliseconds since the Unix epoch.
    pub request_time_epoch: i64,
    /// What the authorizer returned.
    pub authorizer: AuthContext,
}

impl SocketEvent {
    /// A header by name, whatever its spelling.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.headers.as_ref()?, name)
    }
}

/// A header by name, whatever its spelling.
pub fn header<'a>(headers: &'a std::collections::BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// What an integration returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketAnswer {
    /// Below 400: accepted.
    pub status_code: u16,
    /// Headers; at `$connect` the chosen subprotocol.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty", default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// At a refused `$connect`, why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub body: Option<String>,
}

impl SocketAnswer {
    /// Accepted.
    pub fn ok() -> Self {
        Self { status_code: 200, headers: Default::default(), body: None }
    }

    /// Refused, with the reason for the person who wrote the client.
    pub fn refused(status_code: u16, message: &str) -> Self {
        let body = serde_json::json!({ "message": message }).to_string();
        Self { status_code, headers: Default::default(), body: Some(body) }
    }
}
