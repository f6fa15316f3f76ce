//! Responses in API Gateway's own words.

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

/// A JSON body with a status.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `{"message": …}` with a status, as the HTTP API answers for itself.
pub(super) fn message(status: StatusCode, message: &str) -> Response {
    json_response(status, &json!({"message": message}))
}

/// The same as the WebSocket API answers for itself, to a request or on the socket.
pub(super) fn socket_message(message: &str, connection_id: &str, request_id: &str) -> Value {
    json!({"message": message, "connectionId": connection_id, "requestId": request_id})
}
