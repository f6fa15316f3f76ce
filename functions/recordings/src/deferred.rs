//! One utterance that had to wait, brought to its end.

use callboard_adapters::ServiceError;
use callboard_domain::{
    Placeholder, Segment, SegmentTimes,
    redaction::{Redacted, redact_alone},
    settings::RedactionPolicy,
    speech::{Recognized, SpeechError, SpeechRequest},
};
use callboard_runtime::{speech::Hints, watch::note_waiting};
use callboard_wire::deferred::{self, DeferredError, DeferredUtterance};

use crate::Context;

/// Why an utterance still has no text.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// The transcription service could not do it.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// A table or the bucket failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The audio is damaged.
    #[error(transparent)]
    Audio(#[from] DeferredError),
    /// The audio is not where it should be: another message of the same utterance was worked on just now, or it was
    /// kept for longer than the bucket keeps audio.
    #[error("its audio is not there")]
    NoAudio,
    /// It was tried as often as is reasonable.
    #[error("it is not tried any more")]
    GivenUp,
}

impl WaitError {
    /// When the service wants to be asked again, in milliseconds from now, where it said so.
    pub(crate) fn wish_ms(&self) -> Option<u64> {
        match self {
            Self::Speech(SpeechError::Busy { retry_after_ms }) => *retry_after_ms,
            _ => None,
        }
    }
}

/// Gives an utterance its final segment, unless it has one, and forgets its audio.
pub(crate) async fn finish(deferred: &DeferredUtterance, again: bool, context: &Context) -> Result<(), WaitError> {
    let known = context.calls.segment(&deferred.org, &deferred.call, deferred.start_ms, deferred.channel).await?;
    if known.is_some_and(|segment| segment.is_final) {
        return Ok(context.audio.delete(&deferred.audio).await?);
    }
    if context.calls.call(&deferred.org, &deferred.call).await?.is_none() {
        // The call was removed: nothing may be added to it.
        return Ok(context.audio.delete(&deferred.audio).await?);
    }
    if !again {
        return Err(WaitError::GivenUp);
    }
    let bytes = context.audio.get(&deferred.audio).await?.ok_or(WaitError::NoAudio)?;
    let pcm = deferred::from_bytes(&bytes)?;
    let asked_ms = context.clock.now_ms();
    let hints = context.hints.of(&deferred.org, &deferred.playbook, asked_ms).await?;
    let request = SpeechRequest {
        pcm: &pcm,
        sample_rate: deferred.sample_rate,
        language: hints.language.as_deref(),
        terms: &hints.terms,
        context: &[],
        model: None,
        prompt: None,
    };
    let recognized = context.speech.transcribe(request).await?;
    // Also where nothing was said: the placeholder must go.
    let shown = redact(deferred, recognized, &hints);
    let segment = segment(deferred, shown, asked_ms, context.clock.now_ms());
    context.calls.put_late_segment(&segment, &deferred.org, &deferred.principal, &deferred.playbook).await?;
    let waited_ms = context.clock.now_ms() - deferred.times.received;
    tracing::info!(utterances.waited_ms = waited_ms, utterances.settled = 1_u64, "an utterance has its text");
    note_waiting(deferred.times.received, context.clock.now_ms());
    Ok(context.audio.delete(&deferred.audio).await?)
}

/// The text as it may be shown. What was said before and after it is not known here, so a number at its edge stays masked.
fn redact(deferred: &DeferredUtterance, recognized: Recognized, hints: &Hints) -> Redacted {
    let words = recognized.words.into_iter().map(|word| word.shifted(deferred.audio_start_ms)).collect::<Vec<_>>();
    if hints.redaction == RedactionPolicy::Off {
        return Redacted::unchanged(deferred.start_ms, recognized.text, words);
    }
    let language = hints.language.as_deref().unwrap_or("en");
    Redacted { start_ms: deferred.start_ms, ..redact_alone(&recognized.text, &words, language, &deferred.topics) }
}

fn segment(deferred: &DeferredUtterance, shown: Redacted, asked_ms: i64, now_ms: i64) -> Segment {
    Segment {
        call: deferred.call.clone(),
        channel: deferred.channel,
        start_ms: deferred.start_ms,
        end_ms: deferred.end_ms,
        text: shown.text,
        words: shown.words,
        is_final: true,
        placeholder: None,
        masked: shown.spans,
        provisional: false,
        times: SegmentTimes {
            transcribed: now_ms,
            stored: now_ms,
            asr_ms: u64::try_from(now_ms - asked_ms).unwrap_or_default(),
            ..deferred.times
        },
    }
}

/// Says in the transcript that no text will come, unless it does already or the text is there.
pub(crate) async fn mark_failed(deferred: &DeferredUtterance, context: &Context) -> Result<(), ServiceError> {
    let known = context.calls.segment(&deferred.org, &deferred.call, deferred.start_ms, deferred.channel).await?;
    if known.is_some_and(|segment| segment.is_final || segment.placeholder == Some(Placeholder::Failed)) {
        return Ok(());
    }
    let failed = deferred.segment(Placeholder::Failed, context.clock.now_ms());
    context.calls.put_segment(&failed, &deferred.org, &deferred.principal, &deferred.playbook).await?;
    Ok(())
}
