//! Events of the HTTP API in payload format 2.0: for its authorizer and for its integration.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::{
    calendar::request_time,
    request::{header, joined, lower_case_headers, query_pairs},
};
use crate::template::{HttpApi, HttpRoute};

/// A request that found its route.
pub(super) struct Routed<'a> {
    pub(super) api: &'a HttpApi,
    pub(super) route: &'a HttpRoute,
    pub(super) path_parameters: Map<String, Value>,
    pub(super) parts: &'a Parts,
    pub(super) source_ip: String,
    pub(super) request_id: String,
    pub(super) now_ms: u64,
}

impl Routed<'_> {
    fn route_key(&self) -> String {
        match &*self.route.path {
            "$default" => "$default".to_owned(),
            path => format!("{} {path}", self.route.method),
        }
    }

    /// What both events have.
    fn common(&self) -> Value {
        let Parts { method, uri, headers, version, .. } = self.parts;
        let mut pairs = lower_case_headers(headers);
        pairs.retain(|(name, _)| name != "cookie");
        pairs.push(("x-forwarded-for".to_owned(), self.source_ip.clone()));
        pairs.push(("x-forwarded-proto".to_owned(), "http".to_owned()));
        let cookies: Vec<_> = headers
            .get_all("cookie")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';').map(str::trim))
            .collect();
        let query = uri.query().unwrap_or_default();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route_key(),
            "rawPath": uri.path(),
            "rawQueryString": query,
            "headers": joined(&pairs),
            "requestContext": {
                "accountId": "000000000000",
                "apiId": self.api.id,
                "domainName": format!("{}.execute-api.local.amazonaws.com", self.api.id),
                "domainPrefix": self.api.id,
                "http": {
                    "method": method.as_str(),
                    "path": uri.path(),
                    "protocol": format!("{version:?}"),
                    "sourceIp": self.source_ip,
                    "userAgent": header(headers, "user-agent").unwrap_or_default(),
                },
                "requestId": self.request_id,
                "routeKey": self.route_key(),
                "stage": "$default",
                "time": request_time(self.now_ms),
                "timeEpoch": self.now_ms,
            },
        });
        if !cookies.is_empty() {
            event["cookies"] = json!(cookies);
        }
        if !query.is_empty() {
            event["queryStringParameters"] = Value::Object(joined(&query_pairs(query)));
        }
        if !self.path_parameters.is_empty() {
            event["pathParameters"] = Value::Object(self.path_parameters.clone());
        }
        event
    }

    /// What the request authorizer gets.
    pub(super) fn authorizer_event(&self) -> Value {
        let Parts { method, uri, .. } = self.parts;
        let mut event = self.common();
        event["type"] = json!("REQUEST");
        event["identitySource"] = Value::Null;
        event["routeArn"] =
            json!(format!("arn:aws:execute-api:local:000000000000:{}/$default/{method}{}", self.api.id, uri.path()));
        event
    }

    /// What the integration gets; `authorized` is the authorizer's context.
    pub(super) fn integration_event(&self, body: &Bytes, authorized: Option<Value>) -> Value {
        let mut event = self.common();
        if let Some(context) = authorized {
            event["requestContext"]["authorizer"] = json!({"lambda": context});
        }
        let text = if self.is_text() { std::str::from_utf8(body).ok() } else { None };
        event["isBase64Encoded"] = json!(text.is_none() && !body.is_empty());
        match text {
            _ if body.is_empty() => {}
            Some(text) => event["body"] = json!(text),
            None => event["body"] = json!(STANDARD.encode(body)),
        }
        event
    }

    /// Whether the HTTP API hands this body on as text; all else, forms included, comes as base64.
    fn is_text(&self) -> bool {
        let headers = &self.parts.headers;
        if headers.contains_key("content-encoding") {
            return false;
        }
        let Some(kind) = header(headers, "content-type") else {
            return true;
        };
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind.starts_with("text/")
            || kind.ends_with("+json")
            || kind.ends_with("+xml")
            || matches!(&*kind, "application/json" | "application/xml" | "application/javascript")
    }
}
