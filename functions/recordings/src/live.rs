//! Audio of a live call that is kept: all of its frames are heard again once it has ended, and minutes made of them.
//!
//! Done twice it changes nothing, and a call that went on after its end is made anew as a whole. What cannot be done yet is
//! put off: a call that has not ended, an utterance whose words are not known, frames that are still to come. Memory: an
//! object of frames, and what a replay holds, however long the call was.

use std::collections::BTreeSet;

use callboard_audio::{
    Replay,
    keep::{KeptMinute, Silence},
};
use callboard_domain::{CallId, CallStatus, OrgId, Placeholder, settings::RedactionPolicy};
use callboard_runtime::watch::trace;
use callboard_wire::{
    frames::{self, frames_prefix},
    items::CallItem,
    kept::{kept_key, kept_prefix},
    work::{Task, Work},
};

use crate::{
    Context, WorkError, backoff_s,
    hearing::Hearing,
    keep::{WAV, silences},
};

/// How often it is put off: for six hours, which is longer than an utterance waits for its words, and as long as a batch
/// of frames is tried.
const MOST_ASKS: u32 = 30;
/// How often it is put off since frames are missing that the call's session may have heard: what a session gave up by
/// itself is never told.
const MOST_ASKS_FOR_FRAMES: u32 = 4;

/// Keeps a call's audio. `asked` is how often that was put off before.
pub(crate) async fn keep(org: &OrgId, call: &CallId, asked: u32, context: &Context) -> Result<(), WorkError> {
    let of = (org, call);
    let item = match context.calls.call_or_rest(org, call).await? {
        Some(item) if !item.is_deleted() => item,
        // Whoever transcribes makes the call, and may be behind.
        None if asked < MOST_ASKS => return put_off(of, asked, context).await,
        // It was removed: nothing of it may be left.
        _ => {
            context.audio.delete_all(&frames_prefix(org, call)).await?;
            return Ok(());
        }
    };
    match item.status {
        CallStatus::Ended => {}
        // That it goes on is known when it does for long. It ends again, then.
        CallStatus::Live | CallStatus::Ending => return put_off(of, asked, context).await,
        CallStatus::Processing | CallStatus::Failed | CallStatus::Deleted => return Ok(()),
    }
    if context.clock.now_ms() - item.started_at_ms >= frames::KEPT_MS {
        tracing::warn!(call.id = %call, "its first frames are not there any more: the audio stays as it is kept");
        return Ok(());
    }
    let Some(silenced) = silenced(&item, asked >= MOST_ASKS, context).await? else {
        return put_off(of, asked, context).await;
    };
    let objects = context.audio.list(&frames_prefix(org, call), None, None).await?;
    if objects.is_empty() {
        return Ok(());
    }
    let Some(replayed) = replay(&item, &objects, silenced, asked, context).await? else {
        return put_off(of, asked, context).await;
    };
    let stale: Vec<String> = context.audio.list(&kept_prefix(org, call), None, None).await?;
    if context.audio.list(&frames_prefix(org, call), None, None).await? != objects {
        // Others may have made more of more frames, and removed nothing of it must be.
        return put_off(of, asked, context).await;
    }
    for key in stale.iter().filter(|key| !replayed.contains(*key)) {
        context.audio.delete(key).await?;
    }
    if context.calls.call(org, call).await?.is_none() {
        // Removed meanwhile: who removes it may have been here before this was written.
        context.audio.delete_all(&kept_prefix(org, call)).await?;
        context.audio.delete_all(&frames_prefix(org, call)).await?;
    }
    Ok(())
}

/// Asks for it again, later each time.
async fn put_off((org, call): (&OrgId, &CallId), asked: u32, context: &Context) -> Result<(), WorkError> {
    if asked >= MOST_ASKS {
        tracing::warn!(call.id = %call, asked, "its audio is not waited for any longer");
        return Ok(());
    }
    let work = Work::new(org, call, Task::Keep { asked: asked + 1 }, trace());
    Ok(context.work.send(&work, backoff_s(context.first_backoff_s, asked + 1, None)).await?)
}

/// What must not be heard; none if that is not known yet of all that was said. `last` says that it is not waited for.
async fn silenced(item: &CallItem, last: bool, context: &Context) -> Result<Option<Vec<Silence>>, WorkError> {
    if context.orgs.settings(&item.org).await?.redaction != RedactionPolicy::MaskAndDropAudio {
        return Ok(Some(Vec::new()));
    }
    let segments = context.calls.segments(&item.org, &item.call).await?;
    if !last && segments.iter().any(|segment| segment.placeholder == Some(Placeholder::Waiting)) {
        return Ok(None);
    }
    Ok(Some(segments.iter().flat_map(|segment| silences(&segment.as_segment(), &item.channels)).collect()))
}

/// Hears objects of frames, and writes the minutes that they give; returns their keys. None if frames are missing that
/// may still come.
async fn replay(
    item: &CallItem,
    objects: &[String],
    silenced: Vec<Silence>,
    asked: u32,
    context: &Context,
) -> Result<Option<BTreeSet<String>>, WorkError> {
    let mut written = BTreeSet::new();
    let mut hearing: Option<Hearing> = None;
    for object in objects {
        let bytes = context.audio.get(object).await?;
        let bytes = bytes.ok_or_else(|| WorkError::Source("its frames are not there any more".to_owned()))?;
        for record in frames::records(&bytes) {
            let record = record.map_err(|error| WorkError::Source(error.to_string()))?;
            let hearing = match &mut hearing {
                Some(hearing) => hearing,
                empty => {
                    let replay = Replay::new(record.header.format, silenced.iter().copied());
                    empty.insert(Hearing::new(replay.map_err(|error| WorkError::Source(error.to_string()))?))
                }
            };
            hearing.tell(record);
            while let Some(minute) = hearing.replay.pop() {
                written.insert(write(item, minute, context).await?);
            }
        }
        if let Some(hearing) = &mut hearing {
            hearing.settle();
        }
    }
    let Some(Hearing { mut replay, .. }) = hearing else { return Ok(Some(written)) };
    let is_short = !replay.is_over() || replay.duration_ms() < item.duration_ms;
    if is_short && asked < MOST_ASKS_FOR_FRAMES {
        return Ok(None);
    }
    if !replay.is_over() {
        replay.close();
    }
    while let Some(minute) = replay.finish() {
        written.insert(write(item, minute, context).await?);
    }
    if replay.duration_ms() != item.duration_ms {
        let (kept_ms, heard_ms) = (replay.duration_ms(), item.duration_ms);
        tracing::warn!(call.id = %item.call, kept_ms, heard_ms, "its audio is not as long as what was heard of it");
    }
    tracing::info!(call.id = %item.call, frames.objects = objects.len(), audio.objects = written.len(), "audio is kept");
    Ok(Some(written))
}

async fn write(item: &CallItem, minute: KeptMinute, context: &Context) -> Result<String, WorkError> {
    let key = kept_key(&item.org, &item.call, minute.from_ms, minute.to_ms);
    context.audio.put_kept(&key, WAV, minute.bytes).await?;
    Ok(key)
}
