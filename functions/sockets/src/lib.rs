//! Sockets: they open, close, watch, say what one thinks of a card, and are pinged.
//!
//! A capture connection claims its call here; all that then happens to the call goes through the frame stream.

use callboard_adapters::{
    ServiceError,
    accounts::Accounts,
    calls::{Calls, Claim},
    connections::Connections,
    feedback::{Given, give},
    frames::FrameStream,
    gateway::Gateway,
    live::Live,
    table::{Table, Written},
};
use callboard_domain::{Call, CallId, CallStatus, OrgId, feedback::Verdict, permissions::Action};
use callboard_runtime::{Clock, SettingError, Start};
use callboard_wire::{
    connection::AuthContext,
    items::{CallItem, ConnectionItem, call_pk, calls_pk, connection_pk, sk},
    messages::{ClientMessage, ErrorCode, ServerMessage, WatchTarget},
    record::{Event, Header, Record},
    socket_event::{SocketAnswer, SocketEvent},
};

/// A connection lives two hours at most; its items a little longer.
const KEEP_S: i64 = 3 * 3_600;
/// How long a message may be on its way when its connection closes.
const IN_FLIGHT: std::time::Duration = std::time::Duration::from_millis(500);
/// The subprotocol that is chosen when a browser offers it beside its token.
const SUBPROTOCOL: &str = "callboard.v1";
use tracing::Instrument as _;

/// What the function needs.
#[derive(Debug)]
pub struct Context {
    /// Who may still get in, playbooks, and what is learned from feedback.
    pub accounts: Accounts,
    /// Calls.
    pub calls: Calls,
    /// What the sweeper looks through.
    pub live: Live,
    /// Connections and watches.
    pub connections: Connections,
    /// Where a call's beginning and a disconnect go.
    pub frames: FrameStream,
    /// Where answers go.
    pub gateway: Gateway,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `LIVE_TABLE`, `SOCKETS_TABLE`, `FRAME_STREAM` and `SOCKET_ENDPOINT`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name: &str| Ok(Table::new(client.clone(), start.settings.required(name)?));
        let management = aws_sdk_apigatewaymanagement::config::Builder::from(&start.sdk);
        Ok(Self {
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?),
            live: Live::new(table("LIVE_TABLE")?),
            connections: Connections::new(table("SOCKETS_TABLE")?),
            frames: FrameStream::new(
                aws_sdk_kinesis::Client::new(&start.sdk),
                start.settings.required("FRAME_STREAM")?,
            ),
            gateway: Gateway::new(&management, &start.settings.address("SOCKET_ENDPOINT")?),
            clock: start.clock.clone(),
        })
    }
}

/// Handles one event of a socket.
///
/// # Errors
/// A table or the stream failed. An opening socket is refused then; a message is answered by API Gateway's error.
pub async fn handle(event: SocketEvent, context: &Context) -> Result<SocketAnswer, ServiceError> {
    let auth = &event.request_context.authorizer;
    let span = tracing::info_span!("socket", org.id = auth.org, call.id = auth.call);
    Box::pin(happened(&event, context)).instrument(span).await
}

async fn happened(event: &SocketEvent, context: &Context) -> Result<SocketAnswer, ServiceError> {
    match event.request_context.route_key.as_str() {
        "$connect" => Box::pin(connect(event, context)).await,
        "$disconnect" => Box::pin(disconnect(event, context)).await,
        _ => {
            let answer = Box::pin(message(event, context)).await?;
            context.gateway.post(&event.request_context.connection_id, &answer).await?;
            Ok(SocketAnswer::ok())
        }
    }
}

async fn connect(event: &SocketEvent, context: &Context) -> Result<SocketAnswer, ServiceError> {
    let socket = &event.request_context;
    let auth = &socket.authorizer;
    if let Some(refusal) = &auth.refusal {
        return Ok(SocketAnswer::refused(403, refusal));
    }
    let Ok(org) = OrgId::parse(&auth.org) else {
        return Ok(SocketAnswer::refused(403, "the organization of this key is not valid"));
    };
    let header = match Header::of(auth, &socket.connection_id, socket.request_time_epoch, Event::Connected) {
        Ok(header) => header,
        Err(error) => return Ok(SocketAnswer::refused(403, &error.to_string())),
    };
    let item = ConnectionItem {
        pk: connection_pk(&socket.connection_id),
        sk: sk::SELF.into(),
        connection: socket.connection_id.clone(),
        org,
        principal: auth.principal.clone(),
        role: auth.role,
        watches: Vec::new(),
        expires_at: context.clock.now_ms() / 1_000 + KEEP_S,
    };
    context.connections.open(&item).await?;
    // Whoever takes a key or a person back closes the connections that it finds then. This one stands among them by now,
    // or it is seen here that it must not.
    let refusal = if context.accounts.still_holds(auth).await? {
        match header {
            Some(header) => begin(&header, context).await?,
            None => None,
        }
    } else {
        Some("this key or account was taken back: use another".to_owned())
    };
    if let Some(refusal) = refusal {
        context.connections.close(&socket.connection_id).await?;
        return Ok(SocketAnswer::refused(403, &refusal));
    }
    let mut answer = SocketAnswer::ok();
    let offered = event.header("sec-websocket-protocol").unwrap_or_default();
    if offered.split(',').any(|protocol| protocol.trim() == SUBPROTOCOL) {
        answer.headers.insert("Sec-WebSocket-Protocol".into(), SUBPROTOCOL.into());
    }
    Ok(answer)
}

/// Claims the call of a capture connection and tells the session of it. Returns why it is refused, if it is.
async fn begin(header: &Header, context: &Context) -> Result<Option<String>, ServiceError> {
    if !context.accounts.has_playbook(&header.org, &header.playbook).await? {
        return Ok(Some(format!("parameter playbook: there is no playbook \"{}\"", header.playbook)));
    }
    // A client that cannot come back to its call becomes one when its first audio comes.
    if !header.resumable {
        return Ok(None);
    }
    let call = Call {
        id: header.call.clone(),
        org: header.org.clone(),
        principal: header.principal.clone(),
        playbook: header.playbook.clone(),
        channels: header.channels.clone(),
        status: CallStatus::Live,
        started_at_ms: header.received_ms,
        ended_at_ms: None,
        end_reason: None,
        duration_ms: 0,
        file_name: None,
    };
    // First, so that a call whose client is never heard of again after this is found by the sweeper.
    context.live.note_claimed(header).await?;
    if context.calls.claim(&call, &header.parameters()).await? == Claim::Refused {
        let reason = "this call id is taken by another client, or with other parameters: use a new one";
        return Ok(Some(reason.to_owned()));
    }
    context.frames.append(&Record { header: header.clone(), payload: Vec::new() }).await?;
    Ok(None)
}

async fn disconnect(event: &SocketEvent, context: &Context) -> Result<SocketAnswer, ServiceError> {
    let socket = &event.request_context;
    let header = Header::of(&socket.authorizer, &socket.connection_id, socket.request_time_epoch, Event::Disconnected);
    if let Ok(Some(header)) = header {
        if !header.resumable {
            // This ends the call, and its last messages may still be on their way through the ingest function.
            tokio::time::sleep(IN_FLIGHT).await;
        }
        context.frames.append(&Record { header, payload: Vec::new() }).await?;
    }
    context.connections.close(&socket.connection_id).await?;
    Ok(SocketAnswer::ok())
}

async fn message(event: &SocketEvent, context: &Context) -> Result<ServerMessage, ServiceError> {
    let action = event.request_context.route_key.as_str();
    let body = event.body.as_deref().unwrap_or_default();
    match serde_json::from_str(body) {
        Ok(ClientMessage::Ping {}) => Ok(ServerMessage::Pong {}),
        Ok(ClientMessage::Watch(target)) => watch(event, target, true, context).await,
        Ok(ClientMessage::Unwatch(target)) => watch(event, target, false, context).await,
        Ok(ClientMessage::Feedback { call, card, verdict }) => feedback(event, (&call, &card), verdict, context).await,
        Ok(_) => Ok(ServerMessage::error(ErrorCode::UnknownAction, "this action is not for this route", Some(action))),
        Err(error) => Ok(ServerMessage::error(ErrorCode::BadMessage, error, Some(action))),
    }
}

async fn watch(
    event: &SocketEvent,
    target: WatchTarget,
    on: bool,
    context: &Context,
) -> Result<ServerMessage, ServiceError> {
    let socket = &event.request_context;
    let key = match watched(&socket.authorizer, &target, context).await? {
        Ok(key) => key,
        Err((code, message)) => return Ok(ServerMessage::error(code, message, Some(&socket.route_key))),
    };
    if on {
        let expires_at = context.clock.now_ms() / 1_000 + KEEP_S;
        if context.connections.watch(&socket.connection_id, &key, expires_at).await? == Written::No {
            let message = "this connection is being closed: connect again";
            return Ok(ServerMessage::error(ErrorCode::NotFound, message, Some(&socket.route_key)));
        }
    } else {
        context.connections.unwatch(&socket.connection_id, &key).await?;
    }
    Ok(ServerMessage::Watching { target, active: on })
}

/// Stores what somebody thinks of a card. The stored card is pushed like any other change.
async fn feedback(
    event: &SocketEvent,
    (call, card): (&str, &str),
    verdict: Verdict,
    context: &Context,
) -> Result<ServerMessage, ServiceError> {
    let auth = &event.request_context.authorizer;
    let action = Some(event.request_context.route_key.as_str());
    let found = match Box::pin(judged(auth, call, context)).await? {
        Ok(found) => found,
        Err((code, message)) => return Ok(ServerMessage::error(code, message, action)),
    };
    let given = Given { card, principal: &auth.principal, verdict: Some(verdict), now_ms: context.clock.now_ms() };
    if !Box::pin(give(&context.calls, &context.accounts, &found, given)).await? {
        let brief: String = card.chars().take(64).collect();
        let message = format!("the call {call} has no card \"{brief}\"");
        return Ok(ServerMessage::error(ErrorCode::NotFound, message, action));
    }
    Ok(ServerMessage::Feedback { call: call.to_owned(), card: card.to_owned(), verdict })
}

/// The call whose cards this principal may judge, or why they may not.
async fn judged(
    auth: &AuthContext,
    call: &str,
    context: &Context,
) -> Result<Result<CallItem, (ErrorCode, String)>, ServiceError> {
    let Ok(org) = OrgId::parse(&auth.org) else {
        return Ok(Err((ErrorCode::Forbidden, "the organization of this key is not valid".into())));
    };
    if !auth.role.may(Action::GiveFeedback, true) {
        return Ok(Err((ErrorCode::Forbidden, format!("the role {} may not give feedback", auth.role.as_str()))));
    }
    let id = match CallId::parse(call) {
        Ok(id) => id,
        Err(error) => return Ok(Err((ErrorCode::BadMessage, error.to_string()))),
    };
    let Some(found) = context.calls.call(&org, &id).await? else {
        return Ok(Err((ErrorCode::NotFound, format!("there is no call {id}"))));
    };
    if !auth.role.may(Action::GiveFeedback, found.principal == auth.principal) {
        let message = format!("the role {} may only give feedback on its own calls", auth.role.as_str());
        return Ok(Err((ErrorCode::Forbidden, message)));
    }
    Ok(Ok(found))
}

/// The key of what is watched, or why this principal may not watch it.
async fn watched(
    auth: &AuthContext,
    target: &WatchTarget,
    context: &Context,
) -> Result<Result<String, (ErrorCode, String)>, ServiceError> {
    let Ok(org) = OrgId::parse(&auth.org) else {
        return Ok(Err((ErrorCode::Forbidden, "the organization of this key is not valid".into())));
    };
    match (&target.call, target.calls) {
        (None, Some(true)) if auth.role.may(Action::ReadAllCalls, false) => Ok(Ok(calls_pk(&org))),
        (None, Some(true)) => {
            Ok(Err((ErrorCode::Forbidden, format!("the role {} may not watch all calls", auth.role.as_str()))))
        }
        (Some(id), None) => {
            let call = match CallId::parse(id) {
                Ok(call) => call,
                Err(error) => return Ok(Err((ErrorCode::BadMessage, error.to_string()))),
            };
            let captured_here = auth.call.as_deref() == Some(id);
            let known = context.calls.call(&org, &call).await?;
            if known.is_none() && !captured_here {
                return Ok(Err((ErrorCode::NotFound, format!("there is no call {call}"))));
            }
            let own = captured_here || known.is_some_and(|known| known.principal == auth.principal);
            if !auth.role.may(Action::ReadCall, own) {
                return Ok(Err((
                    ErrorCode::Forbidden,
                    format!("the role {} may only watch its own calls", auth.role.as_str()),
                )));
            }
            Ok(Ok(call_pk(&org, &call)))
        }
        _ => Ok(Err((
            ErrorCode::BadMessage,
            "name what to watch: either {\"call\":\"<id>\"} or {\"calls\":true}".into(),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_opens_a_capture_socket() {
        let event: SocketEvent = serde_json::from_str(include_str!("../../../events/sockets.json")).unwrap();
        assert_eq!(event.request_context.route_key, "$connect");
        assert_eq!(event.header("sec-websocket-protocol"), Some("callboard.v1, bearer.example"));
        let header = Header::of(&event.request_context.authorizer, "c", 0, Event::Connected).unwrap().unwrap();
        assert_eq!(header.parameters(), "pcm_s16le 16000 agent,customer sales");
    }
}
