//! The audio door: one message in, one record of the frame stream out. Reads no database; what it needs to know of
//! the call came with the connection.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use callboard_adapters::{ServiceError, frames::FrameStream, gateway::Gateway};
use callboard_runtime::{
    SettingError, Start,
    watch::{call_span, trace},
};
use callboard_wire::{
    messages::{ErrorCode, ServerMessage},
    record::{Event, Header, MAX_SEQ, Record},
    socket_event::{SocketAnswer, SocketEvent},
};
use serde_json::Value;
use tracing::Instrument as _;

/// What the function needs.
#[derive(Debug)]
pub struct Context {
    /// Where records go.
    pub frames: FrameStream,
    /// Where errors about messages go.
    pub gateway: Gateway,
}

impl Context {
    /// Reads `FRAME_STREAM` and `SOCKET_ENDPOINT`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let stream = start.settings.required("FRAME_STREAM")?;
        let management = aws_sdk_apigatewaymanagement::config::Builder::from(&start.sdk);
        Ok(Self {
            frames: FrameStream::new(aws_sdk_kinesis::Client::new(&start.sdk), stream),
            gateway: Gateway::new(&management, &start.settings.address("SOCKET_ENDPOINT")?),
        })
    }
}

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Its stable name.
    pub code: ErrorCode,
    /// What was wrong with what, in words for the person who wrote the client.
    pub message: String,
}

fn complaint(code: ErrorCode, message: impl Into<String>) -> Complaint {
    Complaint { code, message: message.into() }
}

/// Handles one message: a record is appended, or the sender is told what was wrong. The connection lives either way.
///
/// # Errors
/// The stream did not take the record; the client was not told that it did, and sends it again.
pub async fn handle(event: SocketEvent, context: &Context) -> Result<SocketAnswer, ServiceError> {
    let connection = &event.request_context.connection_id;
    let body: Option<Value> = event.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
    let action = body.as_ref().and_then(|body| body["action"].as_str()).map(str::to_owned);
    match read(&event, body) {
        Ok(mut record) => {
            let span = call_span(&record.header.org, &record.header.call, []);
            record.header.trace = span.in_scope(trace);
            context.frames.append(&record).instrument(span).await?;
        }
        Err(Complaint { code, message }) => {
            let auth = &event.request_context.authorizer;
            tracing::info!(error.code = ?code, org.id = auth.org, call.id = auth.call, "message refused");
            let answer = ServerMessage::error(code, message, action.as_deref().map(brief).as_deref());
            context.gateway.post(connection, &answer).await?;
        }
    }
    Ok(SocketAnswer::ok())
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The record that a message stands for; none of its body where that is no JSON.
pub fn read(event: &SocketEvent, body: Option<Value>) -> Result<Record, Complaint> {
    let Some(Value::Object(body)) = body else {
        return Err(complaint(
            ErrorCode::BadJson,
            "the message is no JSON object: send one such as {\"action\":\"ping\"}",
        ));
    };
    let context = &event.request_context;
    let legacy = body.contains_key("audio_data") && !body.contains_key("action");
    let (kind, payload) = if legacy {
        let message = context.message_id.clone().unwrap_or_default();
        (Event::Unnumbered { message }, Some(data(&body, "audio_data")?))
    } else {
        match body.get("action") {
            Some(Value::String(action)) => match action.as_str() {
                "audio" => (Event::Audio { seq: seq(&body, "seq")? }, Some(data(&body, "data")?)),
                "stop" => (Event::Stop { seq: seq(&body, "seq")? }, None),
                "gone" => gone(&body)?,
                other => {
                    let known = "audio, stop, gone, watch, unwatch, feedback and ping";
                    let message = format!("there is no action \"{}\": the actions are {known}", brief(other));
                    return Err(complaint(ErrorCode::UnknownAction, message));
                }
            },
            Some(_) => return Err(complaint(ErrorCode::UnknownAction, "action must be a string")),
            None => return Err(complaint(ErrorCode::UnknownAction, "the message names no action")),
        }
    };
    let header = Header::of(&context.authorizer, &context.connection_id, context.request_time_epoch, kind)
        .map_err(|e| complaint(ErrorCode::BadMessage, e.to_string()))?;
    let Some(header) = header else {
        let message = "this connection captures no call: connect with role=capture and a call id";
        return Err(complaint(ErrorCode::Forbidden, message));
    };
    if let Some(payload) = &payload {
        header.format.validate_frame(payload.len()).map_err(|e| complaint(ErrorCode::BadFrame, e.to_string()))?;
    }
    Ok(Record { header, payload: payload.unwrap_or_default() })
}

fn gone(body: &serde_json::Map<String, Value>) -> Result<(Event, Option<Vec<u8>>), Complaint> {
    let (from, to) = (seq(body, "from")?, seq(body, "to")?);
    if from > to {
        return Err(complaint(ErrorCode::BadSeq, format!("from {from} is behind to {to}")));
    }
    Ok((Event::Gone { from, to }, None))
}

fn seq(body: &serde_json::Map<String, Value>, name: &str) -> Result<u32, Complaint> {
    let value = body.get(name).ok_or_else(|| complaint(ErrorCode::BadMessage, format!("{name} is missing")))?;
    value
        .as_u64()
        .filter(|seq| *seq <= u64::from(MAX_SEQ))
        .and_then(|seq| u32::try_from(seq).ok())
        .ok_or_else(|| complaint(ErrorCode::BadSeq, format!("{name} must be a whole number from 0 to {MAX_SEQ}")))
}

fn data(body: &serde_json::Map<String, Value>, name: &str) -> Result<Vec<u8>, Complaint> {
    let text = body
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| complaint(ErrorCode::BadMessage, format!("{name} must be a string of base64")))?;
    STANDARD.decode(text).map_err(|e| complaint(ErrorCode::BadBase64, format!("{name} is no base64: {e}")))
}

#[cfg(test)]
mod tests;
