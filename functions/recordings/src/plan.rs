//! A recording is there: what it is, and the parts that it is worked on in.

use callboard_adapters::ServiceError;
use callboard_audio::{
    decode::{DecodeError, Decoder},
    recorded,
};
use callboard_domain::{
    Call, CallId, CallStatus, OrgId,
    recording::{RecordingState, Sound},
};
use callboard_runtime::watch::trace;
use callboard_wire::{
    items::{RecordingItem, source_key},
    work::{Task, Work},
};

use crate::{Context, WorkError, keep, source::ObjectSource};

/// Looks at a recording and hands out its parts. Told of twice, it hands out again what is not settled.
pub(crate) async fn plan(org: &OrgId, call: &CallId, context: &Context) -> Result<(), WorkError> {
    let now_ms = context.clock.now_ms();
    let Some(item) = context.calls.change_recording((org, call), now_ms, |it| it.uploaded()).await? else {
        tracing::warn!(call.id = %call, "audio of no recording");
        return Ok(());
    };
    let item = match item.recording.state {
        RecordingState::Awaited | RecordingState::Uploaded => match look(&item, context).await? {
            Some(item) => item,
            None => return Ok(()),
        },
        RecordingState::Queued | RecordingState::Transcribing => item,
        RecordingState::Done | RecordingState::Failed => return conclude(&item, context).await,
    };
    if context.whole.is_some() && item.recording.parts.len() == 1 {
        return Ok(context.work.send(&Work::new(org, call, Task::Submit, trace()), 0).await?);
    }
    let open = item.recording.parts.iter().enumerate().filter(|(_, part)| !part.settled);
    for (part, _) in open {
        context.work.send(&Work::new(org, call, Task::Part { part }, trace()), 0).await?;
    }
    Ok(())
}

/// Finds out what a recording is, and makes its parts; none if nothing will come of it.
async fn look(item: &RecordingItem, context: &Context) -> Result<Option<RecordingItem>, WorkError> {
    let (org, call) = (&item.org, &item.call);
    let looked = match open(item, context, |mut decoder| recorded::plan(&mut decoder)).await? {
        Ok(plan) => plan,
        Err(DecodeError::Source(error)) => return Err(WorkError::Source(error.to_string())),
        Err(error) => return fail(item, &error.to_string(), context).await.map(|()| None),
    };
    let channels = match item.recording.wish.channels_of(usize::from(looked.channels)) {
        Ok(channels) => channels,
        Err(reason) => return fail(item, &reason, context).await.map(|()| None),
    };
    let sound = Sound {
        container: looked.container,
        codec: looked.codec,
        sample_rate: looked.sample_rate,
        channels: looked.channels,
        duration_ms: looked.duration_ms,
    };
    context.calls.set_sound((org, call), &channels, sound.duration_ms).await?;
    let now_ms = context.clock.now_ms();
    // A service that takes all of it at once gets it as one part.
    let part_sections = if context.whole.is_some() { u32::MAX } else { context.part_sections };
    let plan = |it: &mut callboard_domain::recording::Recording| it.plan(sound.clone(), looked.sections, part_sections);
    Ok(context.calls.change_recording((org, call), now_ms, plan).await?)
}

/// Opens a recording on a thread of its own, where decoders may wait for bytes, and does something with it.
pub(crate) async fn open<T: Send + 'static>(
    item: &RecordingItem,
    context: &Context,
    work: impl FnOnce(Decoder) -> Result<T, DecodeError> + Send + 'static,
) -> Result<Result<T, DecodeError>, WorkError> {
    let key = source_key(&item.org, &item.call);
    let Some(length) = context.audio.length(&key).await? else {
        return Err(WorkError::Source("the recording is not there".to_owned()));
    };
    let source = ObjectSource::new(context.audio.clone(), key, length, tokio::runtime::Handle::current());
    let worked = tokio::task::spawn_blocking(move || Decoder::open(Box::new(source), length).and_then(work)).await;
    worked.map_err(|error| WorkError::Source(format!("the decoder broke off: {error}")))
}

/// Nothing comes of a recording.
pub(crate) async fn fail(item: &RecordingItem, reason: &str, context: &Context) -> Result<(), WorkError> {
    tracing::warn!(call.id = %item.call, reason, "a recording failed");
    let now_ms = context.clock.now_ms();
    let failed = context.calls.change_recording((&item.org, &item.call), now_ms, |it| it.fail(reason)).await?;
    match failed {
        Some(item) => conclude(&item, context).await,
        None => Ok(()),
    }
}

/// Ends the call of a recording that is over, if it has not ended.
pub(crate) async fn conclude(item: &RecordingItem, context: &Context) -> Result<(), WorkError> {
    let now_ms = context.clock.now_ms();
    let concluded = context.calls.change_recording((&item.org, &item.call), now_ms, |it| it.conclude()).await?;
    let Some(item) = concluded.filter(|item| item.recording.is_over()) else { return Ok(()) };
    let status = match item.recording.state {
        RecordingState::Failed => CallStatus::Failed,
        _ => CallStatus::Ended,
    };
    let call = Call {
        id: item.call.clone(),
        org: item.org.clone(),
        principal: item.principal.clone(),
        playbook: item.playbook.clone(),
        channels: Vec::new(),
        status,
        started_at_ms: item.started_at_ms,
        ended_at_ms: Some(now_ms),
        end_reason: None,
        duration_ms: item.recording.sound.as_ref().map_or(0, |sound| sound.duration_ms),
        file_name: None,
    };
    context.calls.end_recorded(&call).await?;
    Ok(keep::forget_source(&item, context).await?)
}

impl From<ServiceError> for WorkError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}
