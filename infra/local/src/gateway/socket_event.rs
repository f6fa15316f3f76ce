//! Events of the WebSocket API: authorizer, `$connect`, messages, `$disconnect`.

use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

use super::{
    calendar::request_time,
    connections::{Peer, new_connection_id},
    policy::Authorized,
    request::{query_pairs, single_and_multi, title_case_headers},
};
use crate::template::WebSocketApi;

/// What all events of one connection have in common.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) connection_id: String,
    pub(super) connected_at_ms: u64,
    pub(super) peer: Peer,
    pub(super) api_id: String,
    pub(super) stage: String,
    pub(super) authorizer: Option<Authorized>,
}

impl Context {
    pub(super) fn new(api: &WebSocketApi, connection_id: String, connected_at_ms: u64, peer: Peer) -> Context {
        Context {
            connection_id,
            connected_at_ms,
            peer,
            api_id: api.id.clone(),
            stage: api.stage.clone(),
            authorizer: None,
        }
    }

    pub(super) fn method_arn(&self) -> String {
        format!("arn:aws:execute-api:local:000000000000:{}/{}/$connect", self.api_id, self.stage)
    }

    /// The request context that AWS documents, for one event.
    fn request_context(&self, route_key: &str, event_type: &str, request_id: &str, now_ms: u64) -> Map<String, Value> {
        let mut context = Map::new();
        for (name, value) in [
            ("routeKey", json!(route_key)),
            ("eventType", json!(event_type)),
            ("messageDirection", json!("IN")),
            ("stage", json!(self.stage)),
            ("apiId", json!(self.api_id)),
            ("domainName", json!(format!("{}.execute-api.local.amazonaws.com", self.api_id))),
            ("connectionId", json!(self.connection_id)),
            ("connectedAt", json!(self.connected_at_ms)),
            ("requestId", json!(request_id)),
            ("extendedRequestId", json!(request_id)),
            ("requestTime", json!(request_time(now_ms))),
            ("requestTimeEpoch", json!(now_ms)),
            ("identity", json!({"sourceIp": self.peer.source_ip, "userAgent": self.peer.user_agent})),
        ] {
            context.insert(name.to_owned(), value);
        }
        if let Some(authorizer) = &self.authorizer {
            context.insert("authorizer".to_owned(), Value::Object(authorizer.clone()));
        }
        context
    }

    /// What the request authorizer gets.
    pub(super) fn authorizer_event(&self, headers: &HeaderMap, uri: &Uri, request_id: &str) -> Value {
        let mut event = self.connect_event(headers, uri, request_id);
        event["type"] = json!("REQUEST");
        event["methodArn"] = json!(self.method_arn());
        event["stageVariables"] = Value::Null;
        if let Some(event) = event.as_object_mut() {
            event.remove("isBase64Encoded");
        }
        event
    }

    /// What the `$connect` integration gets.
    pub(super) fn connect_event(&self, headers: &HeaderMap, uri: &Uri, request_id: &str) -> Value {
        let (headers, multi_headers) = single_and_multi(&title_case_headers(headers));
        let pairs = query_pairs(uri.query().unwrap_or_default());
        let (query, multi_query) = single_and_multi(&pairs);
        let mut event = json!({
            "headers": headers,
            "multiValueHeaders": multi_headers,
            "requestContext": self.request_context("$connect", "CONNECT", request_id, self.connected_at_ms),
            "isBase64Encoded": false,
        });
        if !pairs.is_empty() {
            event["queryStringParameters"] = query;
            event["multiValueQueryStringParameters"] = multi_query;
        }
        event
    }

    /// What a route's integration gets.
    pub(super) fn message_event(&self, route_key: &str, body: &str, request_id: &str, now_ms: u64) -> Value {
        let mut context = self.request_context(route_key, "MESSAGE", request_id, now_ms);
        context.insert("messageId".to_owned(), json!(new_connection_id()));
        json!({"requestContext": context, "body": body, "isBase64Encoded": false})
    }

    /// What the `$disconnect` integration gets.
    pub(super) fn disconnect_event(&self, code: u16, reason: &str, now_ms: u64) -> Value {
        let request_id = new_connection_id();
        let mut context = self.request_context("$disconnect", "DISCONNECT", &request_id, now_ms);
        context.insert("disconnectStatusCode".to_owned(), json!(code));
        context.insert("disconnectReason".to_owned(), json!(reason));
        json!({"headers": {}, "multiValueHeaders": {}, "requestContext": context, "isBase64Encoded": false})
    }
}
