//! Recordings that are handed in: the call that each becomes, and where its audio is sent.
//!
//! What becomes of the audio then is the `recordings` function's matter, which its bucket tells of it.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use callboard_adapters::{
    audio::{UploadedPart, Validity},
    calls::Claim,
    table::Written,
};
use callboard_domain::{
    Call, CallId, CallStatus, Channel, PlaybookId,
    permissions::Action,
    recording::{MOST_BYTES, RecordingState},
};
use callboard_wire::{
    items::{RecordingItem, SegmentItem, source_key},
    messages::SegmentMessage,
    rest::{CallResult, LATEST_START_MS, NewRecording, RecordingTicket, Upload, UploadPart},
};

use crate::{
    Context,
    body::JsonObject,
    caller::Caller,
    calls::readable,
    path::Places,
    problem::{Refused, refused},
    tags::represent_json,
};

/// The playbook of recordings that name none.
const DEFAULT_PLAYBOOK: &str = "sales";
/// What claims a call's id for a recording: no live connection has these parameters.
pub(crate) const PARAMETERS: &str = "recorded";
/// Up to so many bytes are sent in one piece: 32 MiB.
const WHOLE_BYTES: u64 = 32 << 20;
/// Bytes of a part at least: 16 MiB.
const PART_BYTES: u64 = 16 << 20;
/// So many parts at most, of which S3 would take 10,000: an answer holds a signed address for each, which takes time.
const MOST_PARTS: u64 = 500;
/// How long addresses are good, in seconds. Those of a Lambda function end with its role's session in any case.
const VALID_S: u64 = 3_600;

/// `POST /v1/recordings`.
pub(crate) async fn create(
    State(context): State<Context>,
    caller: Caller,
    JsonObject(body): JsonObject,
) -> Result<Response, Refused> {
    let new: NewRecording = serde_json::from_value(serde_json::Value::Object(body)).map_err(|error| {
        let shape = r#"send {"file_name":"call.wav","bytes":123456} and what else there is to say"#;
        refused(StatusCode::BAD_REQUEST, format!("the recording is not understood: {error}; {shape}"))
    })?;
    let item = begin(&context, &caller, new).await?;
    let place = format!("/v1/calls/{}", item.call);
    let ticket = ticket(&context, &item).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(ticket)).into_response())
}

/// `GET /v1/recordings/{id}/upload`.
pub(crate) async fn upload(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<Json<RecordingTicket>, Refused> {
    let item = own(&context, &caller, &id).await?;
    Ok(Json(ticket(&context, &item).await?))
}

/// `POST /v1/recordings/{id}/complete`: all parts are there.
pub(crate) async fn complete(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<Json<RecordingTicket>, Refused> {
    let item = own(&context, &caller, &id).await?;
    if item.recording.state == RecordingState::Awaited {
        put_together(&context, &item).await?;
        let now_ms = context.clock.now_ms();
        context.calls.change_recording((&item.org, &item.call), now_ms, |it| it.uploaded()).await?;
    }
    Ok(Json(RecordingTicket { call: item.call.to_string(), upload: Upload::Complete {} }))
}

/// Makes the object of the parts that were sent.
async fn put_together(context: &Context, item: &RecordingItem) -> Result<(), Refused> {
    let key = source_key(&item.org, &item.call);
    let conflict = |detail: String| refused(StatusCode::CONFLICT, detail);
    let sent = match item.upload.as_deref() {
        Some(upload) => context.audio.uploaded_parts(&key, upload).await?.map(|parts| (upload, parts)),
        None => None,
    };
    let Some((upload, parts)) = sent else {
        // It was sent whole, or this very request came twice.
        return match context.audio.length(&key).await? {
            Some(_) => Ok(()),
            None => Err(conflict("no audio was sent yet: see GET /v1/recordings/{id}/upload".to_owned())),
        };
    };
    let wanted = sizes(item.recording.wish.bytes.unwrap_or_default());
    let wrong: Vec<String> = wanted
        .iter()
        .filter(|(number, bytes)| !parts.iter().any(|part| part.number == *number && part.bytes == *bytes))
        .map(|(number, bytes)| format!("{number} ({bytes} bytes)"))
        .collect();
    if !wrong.is_empty() {
        let some = wrong.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
        return Err(conflict(format!("{} parts are missing or of another length: {some}", wrong.len())));
    }
    let parts: Vec<UploadedPart> = parts.into_iter().filter(|part| part.number as usize <= wanted.len()).collect();
    context.audio.complete_upload(&key, upload, &parts).await?;
    Ok(())
}

/// Creates the call of a recording, and what is known of it; finds both where the same was asked for before.
pub(crate) async fn begin(context: &Context, caller: &Caller, new: NewRecording) -> Result<RecordingItem, Refused> {
    caller.must(Action::UploadRecording, true, "hand in recordings")?;
    let wrong = |detail: String| refused(StatusCode::UNPROCESSABLE_ENTITY, detail);
    new.wish.check().map_err(|error| wrong(error.to_string()))?;
    let playbook = PlaybookId::parse(new.playbook.as_deref().unwrap_or(DEFAULT_PLAYBOOK));
    let playbook = playbook.map_err(|error| wrong(error.to_string()))?;
    if !context.accounts.has_playbook(&caller.org, &playbook).await? {
        return Err(wrong(format!("there is no playbook \"{playbook}\": see GET /v1/playbooks")));
    }
    let id = match new.call.as_deref() {
        Some(id) => CallId::parse(id).map_err(|error| wrong(error.to_string()))?,
        None => context.clock.call_id(),
    };
    let now_ms = context.clock.now_ms();
    let started_at_ms = new.started_at_ms.unwrap_or(now_ms);
    if !(0..=LATEST_START_MS).contains(&started_at_ms) {
        return Err(wrong("started_at_ms must be milliseconds since the Unix epoch".to_owned()));
    }
    if let Some(known) = known(context, caller, &id).await? {
        return same(known, caller, &new);
    }
    let channels = if new.wish.channels.is_empty() { vec![Channel::Agent] } else { new.wish.channels.clone() };
    let call = Call {
        id,
        org: caller.org.clone(),
        principal: caller.principal.clone(),
        playbook,
        channels,
        status: CallStatus::Processing,
        started_at_ms,
        ended_at_ms: None,
        end_reason: None,
        duration_ms: 0,
        file_name: Some(new.wish.file_name.clone()),
    };
    if context.calls.claim(&call, PARAMETERS).await? == Claim::Refused {
        return Err(refused(StatusCode::CONFLICT, "this call id is taken: use a new one, or none"));
    }
    let key = source_key(&call.org, &call.id);
    let in_parts = new.wish.bytes.is_some_and(|bytes| bytes > WHOLE_BYTES);
    let upload = if in_parts { Some(context.audio.begin_upload(&key).await?) } else { None };
    let written = context.calls.put_recording(&call, new.wish.clone(), upload.clone(), now_ms).await?;
    if let (Written::No, Some(upload)) = (written, &upload) {
        // Another request was first, and its upload is the one that counts.
        context.audio.abort_upload(&key, upload).await?;
    }
    match context.calls.recording(&call.org, &call.id).await? {
        Some(known) => same(known, caller, &new),
        None => Err(refused(StatusCode::CONFLICT, "the call was removed meanwhile")),
    }
}

/// The recording of a call that was not removed: the recording itself goes a little later.
async fn known(context: &Context, caller: &Caller, id: &CallId) -> Result<Option<RecordingItem>, Refused> {
    let Some(found) = context.calls.recording(&caller.org, id).await? else { return Ok(None) };
    Ok(context.calls.call(&caller.org, id).await?.map(|_| found))
}

/// What was begun before, if it is the same.
fn same(known: RecordingItem, caller: &Caller, new: &NewRecording) -> Result<RecordingItem, Refused> {
    if known.principal == caller.principal && known.recording.wish == new.wish {
        return Ok(known);
    }
    Err(refused(StatusCode::CONFLICT, "this call id is taken by another recording: use a new one, or none"))
}

/// The recording of a call that this caller may go on with.
async fn own(context: &Context, caller: &Caller, id: &str) -> Result<RecordingItem, Refused> {
    let id = CallId::parse(id).map_err(|error| refused(StatusCode::BAD_REQUEST, error.to_string()))?;
    let found = known(context, caller, &id).await?;
    let may = |item: &RecordingItem| {
        let own = item.principal == caller.principal;
        caller.may(Action::UploadRecording, own) && (own || caller.may(Action::ReadAllCalls, false))
    };
    found.filter(may).ok_or_else(|| refused(StatusCode::NOT_FOUND, format!("there is no recording {id}")))
}

/// Where what is missing of a recording is sent.
async fn ticket(context: &Context, item: &RecordingItem) -> Result<RecordingTicket, Refused> {
    let call = item.call.to_string();
    if item.recording.state != RecordingState::Awaited {
        return Ok(RecordingTicket { call, upload: Upload::Complete {} });
    }
    let validity = Validity { from_ms: context.clock.now_ms(), seconds: VALID_S };
    let (key, expires_at_ms) = (source_key(&item.org, &item.call), validity.until_ms());
    let Some(id) = &item.upload else {
        let url = context.audio.presign_put(&key, validity).await?;
        return Ok(RecordingTicket { call, upload: Upload::Put { url, expires_at_ms } });
    };
    let Some(sent) = context.audio.uploaded_parts(&key, id).await? else {
        return Ok(RecordingTicket { call, upload: Upload::Complete {} });
    };
    let bytes = item.recording.wish.bytes.unwrap_or_default();
    let (mut uploaded, mut parts) = (Vec::new(), Vec::new());
    for (number, length) in sizes(bytes) {
        if sent.iter().any(|part| part.number == number && part.bytes == length) {
            uploaded.push(number);
            continue;
        }
        parts.push(UploadPart { number, url: context.audio.presign_part(&key, id, number, validity).await? });
    }
    Ok(RecordingTicket {
        call,
        upload: Upload::Parts { part_bytes: part_bytes(bytes), uploaded, parts, expires_at_ms },
    })
}

/// Bytes of each part but the last, of a file of this length.
fn part_bytes(bytes: u64) -> u64 {
    bytes.min(MOST_BYTES).div_ceil(MOST_PARTS).max(PART_BYTES)
}

/// The parts of a file of this length: number and bytes.
fn sizes(bytes: u64) -> Vec<(u32, u64)> {
    let step = part_bytes(bytes);
    let starts = (0..bytes.min(MOST_BYTES)).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    (1..).zip(starts).map(|(number, from)| (number, step.min(bytes - from))).collect()
}

/// `GET /v1/calls/{id}/result`.
pub(crate) async fn result(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let call = readable(&context, &caller, &id).await?;
    let recording = context.calls.recording(&caller.org, &call.call).await?;
    let segments = context.calls.segments(&caller.org, &call.call).await?;
    let notes = context.calls.notes(&caller.org, &call.call).await?;
    let segments: Vec<SegmentMessage> =
        segments.iter().map(SegmentItem::message).filter(|segment| !segment.is_silence()).collect();
    let body = CallResult {
        text: text(&segments, call.channels.len() > 1),
        call: call.message(),
        recording: recording.map(|item| item.view),
        segments,
        notes: notes.map(|item| item.notes),
    };
    Ok(represent_json(&headers, &body))
}

/// All that was said, a line an utterance, with who said it where there are two.
pub(crate) fn text(segments: &[SegmentMessage], speakers: bool) -> String {
    let line = |segment: &SegmentMessage| match speakers {
        true => format!("{}: {}\n", segment.channel.as_str(), segment.text),
        false => format!("{}\n", segment.text),
    };
    segments.iter().filter(|segment| segment.is_final).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_file_and_are_not_too_many() {
        for (bytes, count, last) in
            [(WHOLE_BYTES + 1, 3, 1), (2 * PART_BYTES, 2, PART_BYTES), (MOST_BYTES, 500, MOST_BYTES - 499 * 80_000_000)]
        {
            let sizes = sizes(bytes);
            assert_eq!((sizes.len(), sizes.last().unwrap().1), (count, last), "{bytes}");
            assert_eq!(sizes.iter().map(|(_, bytes)| bytes).sum::<u64>(), bytes);
            assert!(sizes.len() as u64 <= MOST_PARTS && sizes[0].0 == 1);
        }
    }
}
