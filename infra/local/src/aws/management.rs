//! The API Gateway management API: `@connections`, onto the sockets that the gateway holds open.

use bytes::Bytes;
use http::{Method, request::Parts};
use percent_encoding::percent_decode_str;
use s3s::Body;
use serde_json::{Value, json};

use super::{
    clock::iso_time,
    reply::{ApiError, Response, respond},
};
use crate::gateway::connections::{ConnectionInfo, Connections, PostError};

/// Whether a request is meant for the management API: by its host, or by its path.
pub(crate) fn is_for(request: &http::Request<Body>) -> bool {
    let host = request.uri().host().or_else(|| request.headers().get("host")?.to_str().ok());
    request.uri().path().contains("/@connections")
        || request.uri().path().contains("/%40connections")
        || host.is_some_and(|host| host.contains(".execute-api."))
}

/// Answers `POST`, `GET` and `DELETE` of one connection.
pub(crate) fn answer(connections: &Connections, parts: &Parts, body: &Bytes) -> Response {
    match handle(connections, parts, body) {
        Ok(response) => response,
        Err(error) => super::reply::answer(Err(error)),
    }
}

fn handle(connections: &Connections, parts: &Parts, body: &Bytes) -> Result<Response, ApiError> {
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    let Some((_, id)) = path.split_once("/@connections/") else {
        return Err(ApiError::unknown("API Gateway management API", &path));
    };
    match parts.method {
        Method::POST => {
            connections.post(id, body.clone()).map_err(refusal)?;
            Ok(respond(200, String::new()))
        }
        Method::GET => {
            let info = connections.get(id).ok_or_else(gone)?;
            Ok(respond(200, description(&info).to_string()))
        }
        Method::DELETE => {
            if !connections.delete(id) {
                return Err(gone());
            }
            Ok(respond(204, String::new()))
        }
        _ => Err(ApiError::unknown("API Gateway management API", parts.method.as_str())),
    }
}

fn description(info: &ConnectionInfo) -> Value {
    json!({
        "connectedAt": iso_time(info.connected_at_ms),
        "lastActiveAt": iso_time(info.last_active_ms),
        "identity": {"sourceIp": info.source_ip, "userAgent": info.user_agent.as_deref().unwrap_or_default()},
    })
}

fn gone() -> ApiError {
    ApiError::with_status(410, "GoneException", "the connection is gone")
}

fn refusal(error: PostError) -> ApiError {
    match error {
        PostError::Gone => gone(),
        PostError::LimitExceeded => {
            ApiError::with_status(429, "LimitExceededException", "the client takes messages slower than they come")
        }
        PostError::PayloadTooLarge => {
            ApiError::with_status(413, "PayloadTooLargeException", "the message is larger than 128 KiB")
        }
    }
}
