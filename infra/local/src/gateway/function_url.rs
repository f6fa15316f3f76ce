//! Function URLs that stream, where a distribution leads to them: no authorizer, none of API Gateway's limits.

use std::net::SocketAddr;

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use serde_json::json;

use super::{Shared, connections::new_connection_id, http_api, http_event::Routed, http_result, reply};
use crate::{
    functions::{InvokeError, StreamedBody},
    template::{Behavior, HttpApi, HttpRoute},
};

/// The function whose URL takes this path, if one does.
pub(super) fn of_path<'a>(front: &'a [Behavior], path: &str) -> Option<&'a str> {
    let behavior = front.iter().find(|behavior| fits(behavior.pattern.as_bytes(), path.as_bytes()))?;
    behavior.function.as_deref()
}

/// Whether a path fits a pattern, in which `*` stands for any text and `?` for any character; the leading slash may be
/// left out.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    fn rest(pattern: &[u8], path: &[u8]) -> bool {
        match (pattern.split_first(), path.split_first()) {
            (None, None) => true,
            (Some((b'*', after)), _) => (0..=path.len()).any(|taken| rest(after, &path[taken..])),
            (Some((b'?', after)), Some((_, path))) => rest(after, path),
            (Some((expected, after)), Some((found, path))) => expected == found && rest(after, path),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
    let bare = |text: &'_ [u8]| text.strip_prefix(b"/").map_or(text.to_vec(), <[u8]>::to_vec);
    rest(&bare(pattern), &bare(path))
}

/// Answers a request. The response's body is what the function writes, as it writes it.
pub(super) async fn serve(shared: &Shared, function: &str, peer: SocketAddr, request: Request) -> Response {
    match answer(shared, function, peer, request).await {
        Ok(response) => response,
        Err((status, message)) => reply::message(status, message),
    }
}

async fn answer(
    shared: &Shared,
    function: &str,
    peer: SocketAddr,
    request: Request,
) -> Result<Response, http_api::Refusal> {
    let (parts, body) = request.into_parts();
    let body = http_api::read(body, shared.limits.payload_bytes).await?;
    let now_ms = shared.connections.now_ms();
    // A URL's events are those of an HTTP API that has one route.
    let api = HttpApi { id: function.to_lowercase(), routes: Vec::new(), cors: None };
    let route = HttpRoute {
        method: "ANY".to_owned(),
        path: "$default".to_owned(),
        function: function.to_owned(),
        authorizer: None,
        timeout_ms: 0,
    };
    let routed = Routed {
        api: &api,
        route: &route,
        path_parameters: Default::default(),
        parts: &parts,
        source_ip: peer.ip().to_string(),
        request_id: new_connection_id(),
        now_ms,
    };
    let mut event = routed.integration_event(&body, None);
    let domain = format!("{}.lambda-url.local.on.aws", api.id);
    event["headers"]["host"] = json!(domain);
    event["requestContext"]["domainName"] = json!(domain);
    event["requestContext"]["accountId"] = json!("anonymous");
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let streamed = shared.functions.stream(function, event, now_ms).await.map_err(refusal)?;
    let prelude = http_result::response(&streamed.prelude).map_err(|reason| {
        tracing::error!(function, reason, "the prelude is no HTTP response");
        (StatusCode::BAD_GATEWAY, "Internal Server Error")
    })?;
    let (parts, _) = prelude.into_parts();
    Ok(Response::from_parts(parts, until_stopped(shared, streamed.body)))
}

/// What a URL answers for itself.
fn refusal(error: InvokeError) -> http_api::Refusal {
    match error {
        InvokeError::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
        InvokeError::TimedOut(_) => (StatusCode::GATEWAY_TIMEOUT, "Gateway Timeout"),
        InvokeError::Handler(_) | InvokeError::Panicked | InvokeError::Init(_) | InvokeError::Unknown(_) => {
            (StatusCode::BAD_GATEWAY, "Internal Server Error")
        }
    }
}

/// A body that ends when the gateway stops, which would wait for it otherwise.
fn until_stopped(shared: &Shared, body: StreamedBody) -> Body {
    let mut stopping = shared.stopping.clone();
    let stopped = async move {
        // An error means that the gateway was dropped.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let body = body.map(|part: Result<Bytes, String>| part.map_err(std::io::Error::other));
    Body::from_stream(body.take_until(Box::pin(stopped)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fit_patterns() {
        for (pattern, path, expected) in [
            ("/v1/calls/*/events", "/v1/calls/1/events", true),
            ("/v1/calls/*/events", "/v1/calls/1/2/events", true),
            ("/v1/calls/*/events", "/v1/calls/1/events/", false),
            ("/v1/calls/*/events", "/v1/calls/1", false),
            ("v1/*", "/v1/", true),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("*", "/", true),
            ("*.js", "/x/y.js", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_first_behavior_that_fits_counts() {
        let behavior = |pattern: &str, function: Option<&str>| Behavior {
            pattern: pattern.to_owned(),
            function: function.map(str::to_owned),
        };
        let front = [behavior("/a/b/*", None), behavior("/a/*", Some("Feed")), behavior("/a/c", Some("Other"))];
        for (path, expected) in [("/a/b/c", None), ("/a/c", Some("Feed")), ("/b", None)] {
            assert_eq!(of_path(&front, path), expected, "{path}");
        }
    }
}
