//! Opening a WebSocket: authorizer, `$connect`, then the upgrade. A refusal is an HTTP response.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{
    Shared,
    connections::{Peer, new_connection_id},
    http_result, policy, reply,
    request::header,
    session::Session,
    socket_event::Context,
};
use crate::{functions::InvokeError, template::WebSocketApi};

/// Bytes that are read at once, and kept per socket.
const READ_BUFFER: usize = 16 * 1024;

/// Serves the path of the WebSocket API.
pub(super) async fn connect(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let Some(api) = shared.websocket.clone() else {
        return reply::message(StatusCode::NOT_FOUND, "Not Found");
    };
    let key = match handshake_key(&request) {
        Ok(key) => key,
        Err(response) => return *response,
    };
    let peer = Peer {
        source_ip: peer.ip().to_string(),
        user_agent: header(request.headers(), "user-agent").map(str::to_owned),
    };
    let mut context = Context::new(&api, new_connection_id(), shared.connections.now_ms(), peer);
    let request_id = new_connection_id();
    // The body of a request is not `Sync`, so what is looked at is taken out of it.
    let asked = (request.headers().clone(), request.uri().clone());
    let protocol = match admit(&shared, &api, &mut context, &asked, &request_id).await {
        Ok(protocol) => protocol,
        Err(refusal) => {
            let status = refusal.status();
            tracing::info!(socket.status = status.as_u16(), "connection refused");
            return *refusal;
        }
    };
    let session = Session::open(shared.clone(), api, context);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_frame_size(Some(shared.limits.frame_bytes))
        .max_message_size(Some(shared.limits.message_bytes));
    tokio::spawn(async move {
        match hyper::upgrade::on(request).await {
            Ok(upgraded) => {
                let stream = TokioIo::new(upgraded);
                let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
                session.run(socket).await;
            }
            Err(_) => session.never_opened().await,
        }
    });
    switching_protocols(&key, protocol)
}

/// The client's key, if the request asks for a WebSocket.
fn handshake_key(request: &Request) -> Result<String, Box<Response>> {
    let headers = request.headers();
    let has = |name: &str, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    if !has("connection", "upgrade") || !has("upgrade", "websocket") {
        return Err(Box::new(reply::message(StatusCode::UPGRADE_REQUIRED, "Upgrade Required")));
    }
    match header(headers, "sec-websocket-key") {
        Some(key) if request.method() == Method::GET && has("sec-websocket-version", "13") => Ok(key.to_owned()),
        _ => Err(Box::new(reply::message(StatusCode::BAD_REQUEST, "Bad Request"))),
    }
}

fn switching_protocols(key: &str, protocol: Option<HeaderValue>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

/// Asks the authorizer and the `$connect` integration; gives the subprotocol that the latter chose.
async fn admit(
    shared: &Shared,
    api: &WebSocketApi,
    context: &mut Context,
    (headers, uri): &(HeaderMap, Uri),
    request_id: &str,
) -> Result<Option<HeaderValue>, Box<Response>> {
    let connection_id = context.connection_id.clone();
    let refuse = |status: StatusCode, message: &str| {
        let body = reply::socket_message(message, &connection_id, request_id);
        Box::new(reply::json_response(status, &body))
    };
    if let Some(authorizer) = &api.authorizer {
        let event = context.authorizer_event(headers, uri, request_id);
        match invoke(shared, authorizer, event).await {
            Ok(result) => {
                let judged = policy::judge(&result, &context.method_arn(), shared.limits.authorizer_bytes);
                context.authorizer = Some(judged.map_err(|refused| match refused {
                    policy::Refused::Denied => {
                        refuse(StatusCode::FORBIDDEN, "User is not authorized to access this resource")
                    }
                    policy::Refused::Malformed(reason) => {
                        tracing::error!(function = authorizer, reason, "the authorizer's result is wrong");
                        refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
                    }
                })?);
            }
            Err(Some(InvokeError::Handler(message))) if message == "Unauthorized" => {
                return Err(refuse(StatusCode::UNAUTHORIZED, "Unauthorized"));
            }
            Err(_) => {
                return Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"));
            }
        }
    }
    let Some(function) = api.routes.get("$connect") else {
        return Ok(None);
    };
    let result = invoke(shared, function, context.connect_event(headers, uri, request_id)).await;
    let status = result.as_ref().ok().and_then(http_result::status);
    match (result, status) {
        (Ok(result), Some(status)) if status.is_success() => Ok(chosen_protocol(&result)),
        (Ok(result), Some(status)) => {
            let own = http_result::response(&result).ok().filter(|_| result["body"].is_string());
            Err(own.map_or_else(|| refuse(status, status.canonical_reason().unwrap_or_default()), Box::new))
        }
        _ => Err(refuse(StatusCode::BAD_GATEWAY, "Internal server error")),
    }
}

/// A function's result within the time that the gateway gives it; an error of none is the gateway's own timeout.
pub(super) async fn invoke(shared: &Shared, function: &str, event: Value) -> Result<Value, Option<InvokeError>> {
    let invoked = tokio::time::timeout(shared.limits.integration, shared.functions.invoke(function, event));
    invoked.await.map_err(|_| None)?.map_err(Some)
}

/// The subprotocol in a `$connect` integration's response headers.
fn chosen_protocol(result: &Value) -> Option<HeaderValue> {
    let mut headers = HeaderMap::new();
    http_result::copy_headers(result, &mut headers);
    headers.remove(header::SEC_WEBSOCKET_PROTOCOL)
}
