//! The HTTP API: route, authorizer, integration, response.

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{
    Shared, connections::new_connection_id, cors, http_event::Routed, http_result, reply, routes, socket::invoke,
};
use crate::functions::InvokeError;

/// How much of a body that is too large is read on, so that the client gets its answer rather than a reset.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;

/// Answers a request: the template's routes first, then the extra ones.
pub(super) async fn serve(shared: &Shared, peer: SocketAddr, request: Request) -> Response {
    let Some(api) = &shared.http else {
        return extra(shared, request).await;
    };
    let origin = request.headers().get(header::ORIGIN).cloned();
    if let Some(cors) = &api.cors
        && let Some(response) = cors::preflight(cors, &request)
    {
        return response;
    }
    let Some((route, path_parameters)) = routes::of_request(api, request.method(), request.uri().path()) else {
        return extra(shared, request).await;
    };
    let (parts, body) = request.into_parts();
    let routed = Routed {
        api,
        route,
        path_parameters,
        parts: &parts,
        source_ip: peer.ip().to_string(),
        request_id: new_connection_id(),
        now_ms: shared.connections.now_ms(),
    };
    let mut response = match answer(shared, &routed, body).await {
        Ok(response) => response,
        Err((status, message)) => reply::message(status, message),
    };
    if let (Some(cors), Some(origin)) = (&api.cors, origin) {
        cors::allow(cors, &origin, response.headers_mut());
    }
    response
}

pub(super) type Refusal = (StatusCode, &'static str);
const INTERNAL: Refusal = (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
const TOO_LARGE: Refusal = (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");

async fn answer(shared: &Shared, routed: &Routed<'_>, body: Body) -> Result<Response, Refusal> {
    let body = read(body, shared.limits.request_bytes).await?;
    let authorized = match &routed.route.authorizer {
        Some(authorizer) => Some(authorize(shared, routed, authorizer).await?),
        None => None,
    };
    let event = routed.integration_event(&body, authorized);
    // Measured only where it can matter: writing an event out costs as much as making it.
    let may_exceed = body.len() > shared.limits.payload_bytes / 2;
    if may_exceed && event.to_string().len() > shared.limits.payload_bytes {
        return Err(TOO_LARGE);
    }
    let within = Duration::from_millis(routed.route.timeout_ms);
    let invoked = tokio::time::timeout(within, shared.functions.invoke(&routed.route.function, event)).await;
    let result = match invoked {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => return Err(INTERNAL),
        Err(_) => return Err((StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")),
    };
    let body_bytes = result["body"].as_str().map_or(0, str::len);
    let response = http_result::response(&result);
    match response {
        Ok(response) if body_bytes <= shared.limits.payload_bytes => Ok(response),
        Ok(_) => {
            tracing::error!(function = routed.route.function, "the response is larger than Lambda allows");
            Err(INTERNAL)
        }
        Err(reason) => {
            tracing::error!(function = routed.route.function, reason, "the result is no HTTP response");
            Err(INTERNAL)
        }
    }
}

/// Asks a request authorizer with simple responses; gives its context.
async fn authorize(shared: &Shared, routed: &Routed<'_>, authorizer: &str) -> Result<Value, Refusal> {
    match invoke(shared, authorizer, routed.authorizer_event()).await {
        Ok(result) if result["isAuthorized"] == true => Ok(match &result["context"] {
            Value::Null => Value::Object(Default::default()),
            context => context.clone(),
        }),
        Ok(result) if result["isAuthorized"] == false => Err((StatusCode::FORBIDDEN, "Forbidden")),
        Ok(_) => {
            tracing::error!(function = authorizer, "the authorizer's result has no isAuthorized");
            Err(INTERNAL)
        }
        Err(Some(InvokeError::Handler(message))) if message == "Unauthorized" => {
            Err((StatusCode::UNAUTHORIZED, "Unauthorized"))
        }
        Err(_) => Err(INTERNAL),
    }
}

/// Reads a body up to the limit, and past it without keeping it.
pub(super) async fn read(mut body: Body, most: usize) -> Result<Bytes, Refusal> {
    let mut kept = BytesMut::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| (StatusCode::BAD_REQUEST, "Bad Request"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        total += data.len();
        if total > most {
            kept = BytesMut::new();
        } else {
            kept.extend_from_slice(&data);
        }
        if total > most.saturating_add(DRAIN_BYTES) {
            break;
        }
    }
    if total > most { Err(TOO_LARGE) } else { Ok(kept.freeze()) }
}

/// What is served on this machine only, or API Gateway's word for what is not there.
async fn extra(shared: &Shared, request: Request) -> Response {
    let response = match shared.extra.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let is_default =
        response.status() == StatusCode::NOT_FOUND && !response.headers().contains_key(header::CONTENT_TYPE);
    if is_default { reply::message(StatusCode::NOT_FOUND, "Not Found") } else { response }
}
