//! What becomes of one utterance: its words, or a place that is kept for them while they have to wait.
//!
//! A shard never waits for a transcription service: an utterance that cannot be transcribed now goes to a queue, and
//! the call goes on. The order of effects is what makes a repetition harmless, here too: first the audio (the same
//! place, the same bytes), then the message (its consumer finds a segment that is final already, and is done), then
//! the placeholder (which takes no other's place). Whoever sees the placeholder can rely on the message.

use callboard_audio::Utterance;
use callboard_domain::{
    Channel, Placeholder, Segment, SegmentTimes, Word,
    redaction::{self, Pending, Redacted},
    settings::RedactionPolicy,
    speech::{Recognized, SpeechError, SpeechRequest},
};
use callboard_runtime::{
    metrics,
    speech::Hints,
    watch::{note_waiting, trace},
};
use callboard_wire::deferred::{self, DeferredUtterance};

use crate::{Context, call::CallError, partial, state::CallState};

/// Of number words where a playbook names no language.
const DEFAULT_LANGUAGE: &str = "en";

/// When the service was asked and when it had answered: wall clock, ms.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// When it was asked.
    pub asked_ms: i64,
    /// When it had answered.
    pub now_ms: i64,
}

/// Writes an utterance's segment: with its words, or as one that waits for them.
pub async fn write_segment(state: &mut CallState, utterance: &Utterance, context: &Context) -> Result<(), CallError> {
    let Some(&channel) = state.extra.header.channels.get(utterance.channel) else { return Ok(()) };
    let asked_ms = context.clock.now_ms();
    tracing::debug!(target: metrics::TARGET, { utterances.heard = 1_u64 }, "utterance heard");
    if asked_ms >= state.ask_until_ms {
        return defer(state, utterance, channel, None, context).await;
    }
    if !context.breaker().admits(asked_ms) {
        let wish_ms = context.breaker().wish_ms(asked_ms);
        return defer(state, utterance, channel, wish_ms, context).await;
    }
    let header = &state.extra.header;
    let hints = context.hints.of(&header.org, &header.playbook, asked_ms).await?;
    let transcribed = recognize(state, utterance, &hints, context).await;
    let now_ms = context.clock.now_ms();
    let recognized = match transcribed {
        Ok(recognized) => recognized,
        Err(error) => {
            context.breaker().failed(&error, asked_ms, now_ms);
            let wish_ms = match &error {
                SpeechError::Busy { retry_after_ms } => *retry_after_ms,
                SpeechError::Unavailable(_) | SpeechError::Refused(_) | SpeechError::Unauthorized(_) => None,
            };
            let call = &state.extra.header.call;
            tracing::warn!(%error, call.id = %call, start_ms = utterance.spoken.start_ms, "utterance has to wait");
            return defer(state, utterance, channel, wish_ms, context).await;
        }
    };
    context.breaker().succeeded();
    if recognized.text.is_empty() {
        tracing::debug!(target: metrics::TARGET, { utterances.settled = 1_u64 }, "nothing was said in an utterance");
        return partial::settle_silence(state, utterance, channel, context).await;
    }
    let mut shown = redact(&mut state.pending, utterance, recognized, &hints);
    if !context.seal.keeps() {
        forget(&mut state.pending, utterance.channel, &mut shown);
    }
    let Some(first) = shown.drain(..1).next() else { return Ok(()) };
    let segment = segment(state, utterance, channel, first, Asked { asked_ms, now_ms });
    let header = &state.extra.header;
    context.calls.put_segment(&segment, &header.org, &header.principal, &header.playbook).await?;
    let stored_ms = context.clock.now_ms();
    tracing::info!(
        call.id = %header.call,
        utterances.settled = 1_u64,
        delay.heard_ms = asked_ms - segment.times.received,
        delay.transcribed_ms = now_ms - asked_ms,
        delay.stored_ms = stored_ms - now_ms,
        delay.text_ms = stored_ms - segment.times.spoken,
        "text of an utterance stored"
    );
    note_waiting(segment.times.received, stored_ms);
    partial::settle(state, utterance.channel, Some(segment.start_ms), context).await?;
    revise(state, channel, &shown, context).await?;
    // What may be masked yet is not handed on.
    if !segment.provisional {
        state.remember(&segment.text);
    }
    Ok(())
}

/// Asks the service.
pub(crate) async fn recognize(
    state: &CallState,
    utterance: &Utterance,
    hints: &Hints,
    context: &Context,
) -> Result<Recognized, SpeechError> {
    let request = SpeechRequest {
        pcm: &utterance.spoken.pcm,
        sample_rate: utterance.spoken.sample_rate,
        language: hints.language.as_deref(),
        terms: &hints.terms,
        context: &state.extra.context,
        model: None,
        prompt: None,
    };
    context.speech.transcribe(request).await
}

/// An utterance as it may be shown, and behind it earlier ones of its channel that change by it.
pub(crate) fn redact(
    pending: &mut [Pending],
    utterance: &Utterance,
    recognized: Recognized,
    hints: &Hints,
) -> Vec<Redacted> {
    let spoken = &utterance.spoken;
    let words = recognized.words.into_iter().map(|word| word.shifted(spoken.audio_start_ms)).collect::<Vec<Word>>();
    let (start_ms, text) = (spoken.start_ms, recognized.text);
    if hints.redaction == RedactionPolicy::Off {
        return vec![Redacted::unchanged(start_ms, text, words)];
    }
    let language = hints.language.as_deref().unwrap_or(DEFAULT_LANGUAGE);
    redaction::take(pending, utterance.channel, start_ms, &text, &words, language)
}

/// Nothing of a channel is remembered: what might go on stays masked. The later word on an utterance is the one that
/// counts.
pub(crate) fn forget(pending: &mut [Pending], channel: usize, shown: &mut Vec<Redacted>) {
    let Some(pending) = pending.get_mut(channel) else { return };
    for last in pending.interrupt() {
        match shown.iter_mut().find(|known| known.start_ms == last.start_ms) {
            Some(known) => *known = last,
            None => shown.push(last),
        }
    }
}

/// Writes what became of earlier utterances of a channel.
async fn revise(state: &CallState, channel: Channel, revised: &[Redacted], context: &Context) -> Result<(), CallError> {
    let header = &state.extra.header;
    for one in revised {
        context.calls.revise_segment(&header.org, &header.call, channel, one).await?;
    }
    Ok(())
}

/// The call is over: where it was ended on purpose, numbers that might have gone on are what they are; else they stay
/// masked, and should the call go on after all, so does what they may go on with.
pub async fn settle_numbers(state: &mut CallState, orderly: bool, context: &Context) -> Result<(), CallError> {
    let channels = state.extra.header.channels.clone();
    for (at, channel) in channels.into_iter().enumerate() {
        let Some(pending) = state.pending.get_mut(at) else { continue };
        let mut settled = if orderly { pending.finish() } else { Vec::new() };
        settled.extend(pending.interrupt());
        revise(state, channel, &settled, context).await?;
    }
    Ok(())
}

/// The final segment of an utterance.
pub(crate) fn segment(
    state: &CallState,
    utterance: &Utterance,
    channel: Channel,
    shown: Redacted,
    Asked { asked_ms, now_ms }: Asked,
) -> Segment {
    let spoken = &utterance.spoken;
    Segment {
        call: state.extra.header.call.clone(),
        channel,
        start_ms: spoken.start_ms,
        end_ms: spoken.end_ms,
        text: shown.text,
        words: shown.words,
        is_final: true,
        placeholder: None,
        masked: shown.spans,
        provisional: shown.provisional,
        times: SegmentTimes {
            transcribed: now_ms,
            stored: now_ms,
            asr_ms: u64::try_from(now_ms - asked_ms).unwrap_or_default(),
            ..times(utterance)
        },
    }
}

/// What is known of an utterance's times before it is transcribed.
fn times(utterance: &Utterance) -> SegmentTimes {
    SegmentTimes {
        spoken: utterance.spoken_at_ms,
        received: utterance.received_ms,
        closing_ms: utterance.spoken.closed_ms.saturating_sub(utterance.spoken.end_ms),
        ..SegmentTimes::default()
    }
}

/// Lets an utterance wait, for as long as the service wishes at least.
async fn defer(
    state: &mut CallState,
    utterance: &Utterance,
    channel: Channel,
    wish_ms: Option<u64>,
    context: &Context,
) -> Result<(), CallError> {
    // What is said here is not known: a number that it may go on with stays masked.
    let pending = state.pending.get_mut(utterance.channel);
    let (topics, settled) = pending.map(|it| (it.topics(), it.interrupt())).unwrap_or_default();
    let (header, spoken) = (&state.extra.header, &utterance.spoken);
    let deferred = DeferredUtterance {
        version: deferred::VERSION,
        org: header.org.clone(),
        call: header.call.clone(),
        principal: header.principal.clone(),
        playbook: header.playbook.clone(),
        channel,
        start_ms: spoken.start_ms,
        end_ms: spoken.end_ms,
        audio_start_ms: spoken.audio_start_ms,
        sample_rate: spoken.sample_rate,
        audio: deferred::audio_key(&header.org, &header.call, spoken.start_ms, channel),
        times: times(utterance),
        topics,
        trace: trace(),
    };
    context.audio.put(&deferred.audio, deferred::to_bytes(&spoken.pcm)).await?;
    context.deferred.send(&deferred, wish_ms.unwrap_or(0).div_ceil(1_000)).await?;
    let placeholder = deferred.segment(Placeholder::Waiting, context.clock.now_ms());
    context.calls.put_segment(&placeholder, &header.org, &header.principal, &header.playbook).await?;
    tracing::debug!(target: metrics::TARGET, { utterances.deferred = 1_u64 }, "utterance deferred");
    note_waiting(utterance.received_ms, context.clock.now_ms());
    partial::settle(state, utterance.channel, Some(utterance.spoken.start_ms), context).await?;
    revise(state, channel, &settled, context).await
}
