//! Calls as they stand: the list, one call's snapshot, its transcript.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use callboard_domain::{CallId, permissions::Action};
use callboard_wire::{
    items::{CallItem, ModelUse, SegmentItem},
    rest::{CallList, CallSnapshot, Revised, Transcript},
};
use serde::Deserialize;

use crate::{
    Context,
    caller::Caller,
    problem::{Refused, refused},
};

/// Calls a page, unless the request says otherwise, and at most.
const PAGE: usize = 50;
/// See [`PAGE`].
const MAX_PAGE: usize = 200;

#[derive(Deserialize)]
pub(crate) struct ListQuery {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// `GET /v1/calls`.
pub(crate) async fn list(
    State(context): State<Context>,
    caller: Caller,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let wrong_limit = || refused(StatusCode::BAD_REQUEST, "limit must be a whole number from 1 to 200");
    let Query(query) = query.map_err(|_| wrong_limit())?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(wrong_limit());
    }
    let after = query.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let page = context.calls.list(&caller.org, limit, after).await?;
    let visible = |item: &&CallItem| {
        caller.may(Action::ReadAllCalls, false) || caller.may(Action::ReadCall, item.principal == caller.principal)
    };
    let calls = page.items.iter().filter(visible).map(CallItem::message).collect();
    Ok(Json(CallList { calls, next: page.next }).into_response())
}

/// `GET /v1/calls/{id}`.
pub(crate) async fn snapshot(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let call = readable(&context, &caller, &id).await?;
    let org = &caller.org;
    // The revision first: what changes while the rest is read is pushed as well. The call last: where notes are, its end
    // is, too.
    let revision = context.calls.revision(org, &call.call).await?;
    let segments = context.calls.segments(org, &call.call).await?;
    let recording = context.calls.recording(org, &call.call).await?;
    let progress = context.calls.progress(org, &call.call).await?;
    let cards = context.calls.cards(org, &call.call).await?;
    let notes = context.calls.notes(org, &call.call).await?;
    let model = context.calls.model_use(org, &call.call).await?;
    let call = context.calls.call(org, &call.call).await?.unwrap_or(call);
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
    Ok(Json(body).into_response())
}

/// `GET /v1/calls/{id}/transcript`.
pub(crate) async fn transcript(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let call = readable(&context, &caller, &id).await?;
    let segments = context.calls.segments(&caller.org, &call.call).await?;
    // A transcript is for reading; a snapshot holds what turned out to be silence, too, since it replaces a placeholder.
    let segments = segments.iter().map(SegmentItem::message).filter(|segment| !segment.is_silence()).collect();
    Ok(Json(Transcript { call: call.call.to_string(), segments }).into_response())
}

/// A call that this caller may read. One of another organization is as absent as one that never was.
pub(crate) async fn readable(context: &Context, caller: &Caller, id: &str) -> Result<CallItem, Refused> {
    let id = CallId::parse(id).map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    let found = context.calls.call(&caller.org, &id).await?;
    let found = found.filter(|call| caller.may(Action::ReadCall, call.principal == caller.principal));
    found.ok_or_else(|| refused(StatusCode::NOT_FOUND, format!("there is no call {id}")))
}
