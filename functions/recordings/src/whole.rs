//! A recording in the hands of a service that works on all of it at once: handed over, asked about until its text is
//! there, and written as a part is.
//!
//! The id that the service knows it by is kept with the recording, so that a message that comes twice hands nothing over
//! twice. A submission that came to nothing is made anew a few times, with a fresh address of the recording.

use callboard_adapters::{
    audio::Validity,
    speech::prerecorded::{Prerecorded, Progress, Submission},
};
use callboard_domain::{recording::Recording, speech::SpeechError};
use callboard_runtime::watch::trace;
use callboard_wire::{
    items::{RecordingItem, source_key},
    work::{Task, Work},
};

use crate::{
    Context, WorkError,
    part::write_whole,
    plan::{conclude, fail},
};

/// Pause before the service is asked first, in seconds, unless a setting says otherwise; doubled with each further one…
pub(crate) const FIRST_POLL_S: u64 = 15;
/// …up to this; the service's own word is followed up to an SQS message's longest delay.
const LONGEST_POLL_S: u64 = 120;
/// How often it is asked about one submission: for a day.
const MOST_POLLS: u32 = 720;
/// How often a recording is handed over.
const MOST_SUBMISSIONS: u32 = 3;
/// How long the recording's address is good, in seconds: as long as it may have to wait for its turn there.
const VALID_S: u64 = 6 * 3_600;

/// The service, and how it is asked.
#[derive(Debug)]
pub struct Whole {
    /// The service.
    pub service: Prerecorded,
    /// Pause before it is asked first, in seconds.
    pub first_poll_s: u64,
}

/// Hands a recording over, unless it is in the service's hands. `last` says that what fails now is not tried again.
pub(crate) async fn submit(item: &RecordingItem, last: bool, context: &Context) -> Result<(), WorkError> {
    if item.recording.is_over() {
        return conclude(item, context).await;
    }
    let Some(whole) = &context.whole else {
        // The service was taken out of the settings meanwhile: the recording is one part, and can be worked on as such.
        return send(item, Task::Part { part: 0 }, 0, context).await;
    };
    let id = match item.recording.submission.id.clone() {
        Some(id) => id,
        None => match hand_over(item, whole, context).await? {
            Ok(id) => id,
            Err(error) if last || matches!(error, SpeechError::Refused(_)) => {
                return fail(item, &error.to_string(), context).await;
            }
            Err(error) => return Err(WorkError::Speech(error)),
        },
    };
    let now_ms = context.clock.now_ms();
    let kept = context.calls.change_recording((&item.org, &item.call), now_ms, |it| it.submitted(&id, now_ms)).await?;
    let Some(id) = kept.and_then(|item| item.recording.submission.id) else { return Ok(()) };
    send(item, Task::Poll { id, asked: 0 }, whole.first_poll_s, context).await
}

async fn hand_over(
    item: &RecordingItem,
    whole: &Whole,
    context: &Context,
) -> Result<Result<String, SpeechError>, WorkError> {
    let now_ms = context.clock.now_ms();
    let validity = Validity { from_ms: now_ms, seconds: VALID_S };
    let audio_url = context.audio.presign_get(&source_key(&item.org, &item.call), validity).await?;
    let hints = context.hints.of(&item.org, &item.playbook, now_ms).await?;
    let (wish, sound) = (&item.recording.wish, item.recording.sound.as_ref());
    let channels = wish.channels_of(sound.map_or(1, |sound| usize::from(sound.channels)));
    let submission = Submission {
        audio_url: &audio_url,
        multichannel: channels.is_ok_and(|channels| channels.len() > 1),
        language: wish.language.as_deref().or(hints.language.as_deref()),
        terms: &hints.terms,
        prompt: wish.prompt.as_deref(),
        model: wish.model.as_deref(),
        hook_query: &format!("org={}&call={}", item.org, item.call),
    };
    Ok(whole.service.submit(submission).await)
}

/// Asks the service about a recording. `asked` is how often it was asked before; without it, the service said that it is
/// done, and is asked this once.
pub(crate) async fn poll(
    item: &RecordingItem,
    id: &str,
    asked: Option<u32>,
    context: &Context,
) -> Result<(), WorkError> {
    if item.recording.is_over() {
        return conclude(item, context).await;
    }
    match item.recording.submission.id.as_deref() {
        Some(known) if known == id => {}
        // Another submission took its place.
        Some(_) => return Ok(()),
        None => return send(item, Task::Submit, 0, context).await,
    }
    let Some(whole) = &context.whole else { return send(item, Task::Part { part: 0 }, 0, context).await };
    let wish_ms = match whole.service.poll(id).await {
        Ok(Progress::Done(heard)) => {
            let asked_ms = item.recording.begun_at_ms.unwrap_or_default();
            return write_whole(item, heard, asked_ms, context).await;
        }
        Ok(Progress::Lost(reason)) => return again(item, id, reason, context).await,
        Err(error @ SpeechError::Refused(_)) => return fail(item, &error.to_string(), context).await,
        Err(SpeechError::Busy { retry_after_ms }) => retry_after_ms,
        Err(SpeechError::Unavailable(_) | SpeechError::Unauthorized(_)) | Ok(Progress::Queued | Progress::Working) => {
            None
        }
    };
    let Some(asked) = asked else { return Ok(()) };
    if asked >= MOST_POLLS {
        return fail(item, "the transcription service did not come to an end within a day", context).await;
    }
    let pause_s = pause_s(whole.first_poll_s, asked + 1, wish_ms);
    send(item, Task::Poll { id: id.to_owned(), asked: asked + 1 }, pause_s, context).await
}

/// A submission came to nothing: another is made, unless that was tried as often as is reasonable.
async fn again(item: &RecordingItem, id: &str, reason: &str, context: &Context) -> Result<(), WorkError> {
    let now_ms = context.clock.now_ms();
    tracing::warn!(call.id = %item.call, reason, "a submission came to nothing");
    let withdraw = |it: &mut Recording| it.withdrawn(id);
    let Some(item) = context.calls.change_recording((&item.org, &item.call), now_ms, withdraw).await? else {
        return Ok(());
    };
    if item.recording.submission.count >= MOST_SUBMISSIONS {
        return fail(&item, &format!("the transcription service gave up: {reason}"), context).await;
    }
    send(&item, Task::Submit, 0, context).await
}

async fn send(item: &RecordingItem, task: Task, delay_s: u64, context: &Context) -> Result<(), WorkError> {
    Ok(context.work.send(&Work::new(&item.org, &item.call, task, trace()), delay_s).await?)
}

/// The pause before the service is asked again, having been asked so often, in seconds.
fn pause_s(first_s: u64, asked: u32, wish_ms: Option<u64>) -> u64 {
    let own_s = first_s.saturating_mul(2_u64.saturating_pow(asked)).min(LONGEST_POLL_S);
    own_s.max(wish_ms.unwrap_or(0).div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_asked_less_and_less_often() {
        for (first_s, asked, wish_ms, expected_s) in [
            (15, 0, None, 15),
            (15, 1, None, 30),
            (15, 3, None, 120),
            (15, u32::MAX, None, 120),
            (15, 0, Some(16_001), 17),
            (0, 9, None, 0),
        ] {
            assert_eq!(pause_s(first_s, asked, wish_ms), expected_s, "{first_s} {asked} {wish_ms:?}");
        }
    }
}
