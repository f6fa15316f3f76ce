//! What clients of an older service know: a file in a request, its status, its result. A job is a recorded call.
//!
//! Owns those routes' words alone. What becomes of the recording is the same as of one handed in at `/v1/recordings`.

use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::{MethodRouter, get, post},
};
use callboard_domain::{
    Call, CallId, CallStatus,
    permissions::Action,
    recording::{RecordingState, Wish},
    transcript::diary_note,
};
use callboard_wire::{
    compat::{JobAccepted, JobResult, JobState, JobStatus, TaskAccepted},
    items::{CallItem, RecordingItem, SegmentItem, source_key},
    rest::NewRecording,
};

use crate::{
    Context,
    caller::Caller,
    path::Places,
    problem::{Refused, refused},
    recordings,
};

mod form;

use form::{MOST_BODY, SentFile};

/// How long after its end a call is waited for that has no notes, in milliseconds: its text is handed out without them
/// then.
const NOTES_PATIENCE_MS: i64 = 60_000;

/// The routes.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Context>)> {
    let most = DefaultBodyLimit::max(MOST_BODY);
    vec![
        ("/upload-audio", post(upload_audio).layer(most)),
        ("/upload-audio/", post(upload_audio).layer(most)),
        ("/transcribe", post(transcribe).layer(most)),
        ("/status/{job_id}", get(status)),
        ("/result/{job_id}", get(result)),
    ]
}

/// `POST /upload-audio/`.
async fn upload_audio(
    State(context): State<Context>,
    caller: Caller,
    file: Result<SentFile, Refused>,
) -> Result<Json<JobAccepted>, Refused> {
    let call = hand_in(&context, &caller, file).await?;
    Ok(Json(JobAccepted { job_id: call.to_string(), status: JobState::Queued }))
}

/// `POST /transcribe`.
async fn transcribe(
    State(context): State<Context>,
    caller: Caller,
    file: Result<SentFile, Refused>,
) -> Result<(StatusCode, Json<TaskAccepted>), Refused> {
    let call = hand_in(&context, &caller, file).await?;
    let message = format!("the recording is being transcribed: GET /status/{call} tells how far it is");
    Ok((StatusCode::ACCEPTED, Json(TaskAccepted { message, task_id: call.to_string() })))
}

/// `GET /status/{job_id}`.
async fn status(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<Json<JobStatus>, Refused> {
    let job = Job::find(&context, &caller, &id).await?;
    let message = job.reason().map(str::to_owned);
    let file_name = job.recording.recording.wish.file_name;
    Ok(Json(JobStatus { job_id: job.call.call.to_string(), status: job.state, file_name, message }))
}

/// `GET /result/{job_id}`.
async fn result(
    State(context): State<Context>,
    caller: Caller,
    Places(id): Places<String>,
) -> Result<Json<JobResult>, Refused> {
    let job = Job::find(&context, &caller, &id).await?;
    let (job_id, status) = (job.call.call.to_string(), job.state);
    if job.state != JobState::Completed {
        let waits = || format!("the recording is not transcribed yet: ask again, or watch GET /status/{job_id}");
        let message = Some(job.reason().map_or_else(waits, str::to_owned));
        return Ok(Json(JobResult { job_id, status, transcription: None, diary_note: None, message }));
    }
    let segments = context.calls.segments(&caller.org, &job.call.call).await?;
    let segments = segments.iter().map(SegmentItem::message).filter(|segment| !segment.is_silence());
    let text = recordings::text(&segments.collect::<Vec<_>>(), job.call.channels.len() > 1);
    let notes = context.calls.notes(&caller.org, &job.call.call).await?;
    let diary_note = notes.map(|item| diary_note(&item.notes)).unwrap_or_default();
    let transcription = Some(text);
    Ok(Json(JobResult { job_id, status, transcription, diary_note: Some(diary_note), message: None }))
}

/// Makes a call of a file that was sent. Permission is looked at before what is wrong with the file.
async fn hand_in(context: &Context, caller: &Caller, file: Result<SentFile, Refused>) -> Result<CallId, Refused> {
    caller.must(Action::UploadRecording, true, "hand in recordings")?;
    let file = file?;
    let bytes = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
    let wish = Wish { file_name: file.name, bytes: Some(bytes), ..Wish::default() };
    let item = recordings::begin(context, caller, NewRecording { wish, ..NewRecording::default() }).await?;
    if let Err(error) = context.audio.put(&source_key(&item.org, &item.call), file.bytes.to_vec()).await {
        give_up(context, &item).await;
        return Err(error.into());
    }
    Ok(item.call)
}

/// The file could not be kept, and nobody knows of the call: it must not look as if something came of it.
async fn give_up(context: &Context, item: &RecordingItem) {
    let (now_ms, reason) = (context.clock.now_ms(), "the file could not be stored: send it again");
    let of = (&item.org, &item.call);
    let failed = context.calls.change_recording(of, now_ms, |recording| recording.fail(reason)).await;
    let call = Call {
        id: item.call.clone(),
        org: item.org.clone(),
        principal: item.principal.clone(),
        playbook: item.playbook.clone(),
        channels: Vec::new(),
        status: CallStatus::Failed,
        started_at_ms: item.started_at_ms,
        ended_at_ms: Some(now_ms),
        end_reason: None,
        duration_ms: 0,
        file_name: None,
    };
    let ended = context.calls.end_recorded(&call).await;
    if let Some(error) = failed.err().or(ended.err()) {
        tracing::warn!(%error, "a recording that could not be stored still looks as if it were expected");
    }
}

/// A recorded call in the older clients' words.
struct Job {
    call: CallItem,
    recording: RecordingItem,
    state: JobState,
}

impl Job {
    /// The job of this id, if this caller may read its call. Without a recording a call is none.
    async fn find(context: &Context, caller: &Caller, id: &str) -> Result<Self, Refused> {
        let brief: String = id.chars().take(64).collect();
        let absent = || refused(StatusCode::NOT_FOUND, format!("there is no job {brief}"));
        let id = CallId::parse(id).map_err(|_| absent())?;
        let call = context.calls.call(&caller.org, &id).await?;
        let call = call.filter(|call| caller.may(Action::ReadCall, call.principal == caller.principal));
        let call = call.ok_or_else(absent)?;
        let recording = context.calls.recording(&caller.org, &id).await?.ok_or_else(absent)?;
        let is_noted = call.status == CallStatus::Ended && context.calls.notes(&caller.org, &id).await?.is_some();
        let state = state(&call, recording.recording.state, is_noted, context.clock.now_ms());
        Ok(Self { call, recording, state })
    }

    /// Why nothing came of it.
    fn reason(&self) -> Option<&str> {
        let told = self.recording.recording.reason.as_deref();
        (self.state == JobState::Error).then(|| told.unwrap_or("the recording could not be transcribed"))
    }
}

/// Completed means that the result is whole: the text and the notes, unless those do not come.
fn state(call: &CallItem, recording: RecordingState, is_noted: bool, now_ms: i64) -> JobState {
    let is_late = || call.ended_at_ms.is_some_and(|ended_ms| now_ms.saturating_sub(ended_ms) > NOTES_PATIENCE_MS);
    match (call.status, recording) {
        (CallStatus::Failed, _) | (_, RecordingState::Failed) => JobState::Error,
        (CallStatus::Ended, _) if is_noted || is_late() => JobState::Completed,
        (_, RecordingState::Awaited | RecordingState::Uploaded | RecordingState::Queued) => JobState::Queued,
        (_, RecordingState::Transcribing | RecordingState::Done) => JobState::Processing,
    }
}

#[cfg(test)]
mod tests {
    use callboard_domain::{Channel, OrgId, PlaybookId};

    use super::*;

    const ENDED_MS: i64 = 1_000_000;

    fn call(status: CallStatus) -> CallItem {
        let call = Call {
            id: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            org: OrgId::parse("acme").unwrap(),
            principal: "al".to_owned(),
            playbook: PlaybookId::parse("sales").unwrap(),
            channels: vec![Channel::Agent],
            status,
            started_at_ms: 0,
            ended_at_ms: status.is_over().then_some(ENDED_MS),
            end_reason: None,
            duration_ms: 0,
            file_name: None,
        };
        CallItem::new(&call, "", 1)
    }

    #[test]
    fn a_job_is_completed_when_its_result_is_whole() {
        use CallStatus::{Ended, Failed, Processing};
        use RecordingState::{Awaited, Done, Queued, Transcribing, Uploaded};
        for (status, recording, is_noted, after_ms, expected) in [
            (Processing, Awaited, false, 0, JobState::Queued),
            (Processing, Uploaded, false, 0, JobState::Queued),
            (Processing, Queued, false, 0, JobState::Queued),
            (Processing, Transcribing, false, 0, JobState::Processing),
            (Processing, Done, false, 0, JobState::Processing),
            (Processing, RecordingState::Failed, false, 0, JobState::Error),
            (Ended, Done, false, 0, JobState::Processing),
            (Ended, Done, true, 0, JobState::Completed),
            (Ended, Done, false, NOTES_PATIENCE_MS, JobState::Processing),
            (Ended, Done, false, NOTES_PATIENCE_MS + 1, JobState::Completed),
            (Failed, RecordingState::Failed, false, 0, JobState::Error),
        ] {
            let found = state(&call(status), recording, is_noted, ENDED_MS + after_ms);
            assert_eq!(found, expected, "{status:?} {recording:?} {is_noted} {after_ms}");
        }
    }
}
