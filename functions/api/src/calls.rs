//! Calls as they stand: the list, one call's snapshot, its transcript.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use callboard_adapters::calls::{CallFilter, CallPage};
use callboard_domain::{CallId, CallStatus, PlaybookId, permissions::Action};
use callboard_wire::{
    items::{CallItem, ModelUse, SegmentItem},
    rest::{CallList, CallSnapshot, Revised, Transcript},
};

use crate::{
    Context,
    caller::Caller,
    cursor,
    path::Places,
    problem::{Refused, refused},
    query::Parameters,
    tags::represent_json,
};

/// Calls a page, unless the request says otherwise, and at most.
const PAGE: u32 = 50;
/// See [`PAGE`].
const MAX_PAGE: u32 = 200;

/// Parameters of the list.
const PARAMETERS: [&str; 8] = ["limit", "cursor", "from", "to", "status", "agent", "playbook", "objection"];
/// Longest name of an agent, and longest id of an objection, in characters.
const LONGEST_NAME: usize = 256;

/// `GET /v1/calls`.
pub(crate) async fn list(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let given = Parameters::read(query.as_deref(), &PARAMETERS)?;
    let limit = given.number("limit", 1, MAX_PAGE)?.unwrap_or(PAGE) as usize;
    let position = match given.text("cursor") {
        Some(cursor) => Some(cursor::read(&caller.org, cursor).ok_or_else(wrong_cursor)?),
        None => None,
    };
    let playbook = given.text("playbook").map(PlaybookId::parse).transpose();
    let playbook = playbook.map_err(|error| wrong(error.to_string()))?;
    let agent = name(&given, "agent")?;
    let sees_all = caller.may(Action::ReadAllCalls, false);
    let filter = CallFilter {
        from_ms: given.time_ms("from")?,
        to_ms: given.time_ms("to")?,
        status: given.text("status").map(|text| CallStatus::parse(text).ok_or_else(wrong_status)).transpose()?,
        principal: if sees_all { agent } else { Some(caller.principal.as_str()) },
        playbook: playbook.as_ref(),
        objection: name(&given, "objection")?,
    };
    if let (Some(from), Some(to)) = (filter.from_ms, filter.to_ms)
        && from >= to
    {
        return Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "from is not before to: no call starts in between"));
    }
    // Whoever asks for another's calls, and may see their own only, is shown none.
    let is_hidden = !sees_all && agent.is_some_and(|agent| agent != caller.principal);
    let page = if is_hidden || !caller.may(Action::ReadCall, true) {
        CallPage { calls: Vec::new(), next: None }
    } else {
        context.calls.list(&caller.org, &filter, limit, position.as_deref()).await?
    };
    let calls = page.calls.iter().map(CallItem::message).collect();
    let next = page.next.map(|position| cursor::write(&caller.org, &position));
    Ok(represent_json(&headers, &CallList { calls, next }))
}

fn wrong(detail: impl Into<String>) -> Refused {
    refused(StatusCode::BAD_REQUEST, detail)
}

fn wrong_cursor() -> Refused {
    wrong("cursor is none that this list gave: pass the next of a page as it is, or begin without one")
}

fn wrong_status() -> Refused {
    wrong(format!("status must be one of {}", CallStatus::ALL.map(CallStatus::as_str).join(", ")))
}

/// A parameter that names somebody or something.
fn name<'a>(given: &'a Parameters, parameter: &str) -> Result<Option<&'a str>, Refused> {
    match given.text(parameter) {
        Some(name) if !(1..=LONGEST_NAME).contains(&name.chars().count()) => {
            Err(wrong(format!("{parameter} must have 1 to {LONGEST_NAME} characters, or be left out")))
        }
        name => Ok(name),
    }
}

/// `GET /v1/calls/{id}`.
pub(crate) async fn snapshot(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let call = readable(&context, &caller, &id).await?;
    let org = &caller.org;
    // The revision first: what changes while the rest is read is pushed as well. Then what is written last comes first,
    // so that all that a part builds on is there: notes after the end, the end after what became of a recording, that
    // after its segments.
    let revision = context.calls.revision(org, &call.call).await?;
    let notes = context.calls.notes(org, &call.call).await?;
    let call = context.calls.call(org, &call.call).await?.unwrap_or(call);
    let recording = context.calls.recording(org, &call.call).await?;
    let model = context.calls.model_use(org, &call.call).await?;
    let cards = context.calls.cards(org, &call.call).await?;
    let progress = context.calls.progress(org, &call.call).await?;
    let segments = context.calls.segments(org, &call.call).await?;
    let body = CallSnapshot {
        revision,
        call: call.message(),
        segments: segments.iter().map(SegmentItem::message).collect(),
        recording: recording.map(|item| Revised { revision: item.revision, value: item.view }),
        progress: progress.map(|item| Revised { revision: item.revision, value: item.view }),
        cards: cards.into_iter().map(|item| Revised { revision: item.revision, value: item.shown() }).collect(),
        notes: notes.map(|item| Revised { revision: item.revision, value: item.notes }),
        model: Some(model).filter(|model| *model != ModelUse::default()),
    };
    Ok(represent_json(&headers, &body))
}

/// `GET /v1/calls/{id}/transcript`.
pub(crate) async fn transcript(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let call = readable(&context, &caller, &id).await?;
    let segments = context.calls.segments(&caller.org, &call.call).await?;
    // A transcript is for reading; a snapshot holds what turned out to be silence, too, since it replaces a placeholder.
    let segments = segments.iter().map(SegmentItem::message).filter(|segment| !segment.is_silence()).collect();
    Ok(represent_json(&headers, &Transcript { call: call.call.to_string(), segments }))
}

/// A call that this caller may read. One of another organization is as absent as one that never was.
pub(crate) async fn readable(context: &Context, caller: &Caller, id: &str) -> Result<CallItem, Refused> {
    let id = CallId::parse(id).map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    let found = context.calls.call(&caller.org, &id).await?;
    let found = found.filter(|call| caller.may(Action::ReadCall, call.principal == caller.principal));
    found.ok_or_else(|| refused(StatusCode::NOT_FOUND, format!("there is no call {id}")))
}
