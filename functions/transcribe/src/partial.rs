//! Partial text: what was heard so far of an utterance that goes on, shown until its segment is there.
//!
//! It is worth less than anything else: it is asked for once the batch is done, while the service is well, and not for
//! long, and what fails is left out. A final takes its place under the same key, whichever of them comes last. What may
//! have to be masked once more is said is masked here from the first.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use callboard_audio::{Utterance, endpoint::Spoken};
use callboard_domain::{Channel, Segment};
use callboard_runtime::{SettingError, Settings};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{
    Context,
    call::CallError,
    state::CallState,
    utterance::{Asked, forget, recognize, redact, segment},
};

/// Text is shown anew once so much more was heard, in milliseconds of media time. Frames come each second at most, and
/// batches as often: so it grows every second and a half at least.
const GROWTH_MS: u64 = 700;
/// How long the service may take: a shard waits for it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long none is asked for after the service did not answer in time or refused, in milliseconds.
const REST_MS: i64 = 10_000;

/// Whether there is partial text, and since when there is none for a while.
#[derive(Debug)]
pub struct Partials {
    is_on: bool,
    rests_until_ms: AtomicI64,
}

/// What is shown of the open utterance of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Where it begins: media time, ms.
    pub start_ms: u64,
    /// Its last voice: media time, ms.
    pub end_ms: u64,
    /// How much of the call was heard then: media time, ms.
    pub heard_ms: u64,
}

/// What is shown, by index of the channel.
pub type AllShown = BTreeMap<usize, Shown>;

impl Partials {
    /// Reads `PARTIAL_TEXT`: `on` or `off`, which is the default.
    ///
    /// # Errors
    /// It says something else.
    pub fn new(settings: &Settings) -> Result<Self, SettingError> {
        let is_on = match settings.optional("PARTIAL_TEXT") {
            None | Some("off") => false,
            Some("on") => true,
            Some(other) => {
                return Err(SettingError::malformed("PARTIAL_TEXT", format!("it is \"{other}\"; use on or off")));
            }
        };
        Ok(Self { is_on, rests_until_ms: AtomicI64::new(i64::MIN) })
    }

    fn are_due(&self, now_ms: i64) -> bool {
        self.is_on && now_ms >= self.rests_until_ms.load(Ordering::Relaxed)
    }

    fn rest(&self, now_ms: i64) {
        self.rests_until_ms.store(now_ms.saturating_add(REST_MS), Ordering::Relaxed);
    }
}

/// Shows what was heard so far of the utterances that are open, where that is more than what is shown.
pub async fn show_open(state: &mut CallState, context: &Context) -> Result<(), CallError> {
    let heard_ms = state.session.duration_ms();
    let asked_ms = context.clock.now_ms();
    if !context.partials.are_due(asked_ms) || asked_ms >= state.ask_until_ms || !context.breaker().is_well() {
        return Ok(());
    }
    let open: Vec<Utterance> = state.session.open().collect();
    for utterance in open {
        let Some(&channel) = state.extra.header.channels.get(utterance.channel) else { continue };
        let known = state.extra.partials.get(&utterance.channel);
        if !grew(known, &utterance, heard_ms) {
            continue;
        }
        if let Some(segment) = partial(state, &utterance, channel, asked_ms, context).await? {
            let header = &state.extra.header;
            context.calls.put_segment(&segment, &header.org, &header.principal, &header.playbook).await?;
            let shown = Shown { start_ms: utterance.spoken.start_ms, end_ms: utterance.spoken.end_ms, heard_ms };
            state.extra.partials.insert(utterance.channel, shown);
        }
    }
    Ok(())
}

fn grew(known: Option<&Shown>, utterance: &Utterance, heard_ms: u64) -> bool {
    let spoken = &utterance.spoken;
    match known.filter(|shown| shown.start_ms == spoken.start_ms) {
        Some(shown) => spoken.end_ms > shown.end_ms && heard_ms >= shown.heard_ms + GROWTH_MS,
        None => spoken.end_ms >= spoken.start_ms + GROWTH_MS,
    }
}

/// The segment that an open utterance makes so far; none where nothing is to be shown.
async fn partial(
    state: &CallState,
    utterance: &Utterance,
    channel: Channel,
    asked_ms: i64,
    context: &Context,
) -> Result<Option<Segment>, CallError> {
    let header = &state.extra.header;
    let hints = context.hints.of(&header.org, &header.playbook, asked_ms).await?;
    let recognized = match timeout(PATIENCE, recognize(state, utterance, &hints, context)).await {
        Ok(Ok(recognized)) if recognized.text.is_empty() => return Ok(None),
        Ok(Ok(recognized)) => recognized,
        Ok(Err(error)) => {
            tracing::info!(%error, call.id = %header.call, "no partial text");
            context.partials.rest(context.clock.now_ms());
            return Ok(None);
        }
        Err(_) => {
            tracing::info!(call.id = %header.call, "no partial text: the service is too slow");
            context.partials.rest(context.clock.now_ms());
            return Ok(None);
        }
    };
    // What is said next is not known, and redaction must not remember what will be said again in full.
    let mut pending = state.pending.clone();
    let mut shown = redact(&mut pending, utterance, recognized, &hints);
    forget(&mut pending, utterance.channel, &mut shown);
    let start_ms = utterance.spoken.start_ms;
    let Some(last) = shown.into_iter().find(|one| one.start_ms == start_ms) else { return Ok(None) };
    let asked = Asked { asked_ms, now_ms: context.clock.now_ms() };
    let whole = segment(state, utterance, channel, last, asked);
    // It is replaced soon: words with their times would only cost.
    Ok(Some(Segment { is_final: false, provisional: false, words: Vec::new(), ..whole }))
}

/// An utterance came to nothing: so does its partial text, also what another environment shows of it yet.
pub async fn settle_silence(
    state: &mut CallState,
    utterance: &Utterance,
    channel: Channel,
    context: &Context,
) -> Result<(), CallError> {
    state.extra.partials.remove(&utterance.channel);
    if !context.partials.is_on {
        return Ok(());
    }
    let Spoken { start_ms, end_ms, .. } = utterance.spoken;
    put_nothing(state, channel, (start_ms, end_ms), context).await
}

/// What is shown of a channel is done: its segment, if it begins where that does, took its place; else that came to
/// nothing.
pub async fn settle(
    state: &mut CallState,
    index: usize,
    segment_start_ms: Option<u64>,
    context: &Context,
) -> Result<(), CallError> {
    let Some(shown) = state.extra.partials.remove(&index) else { return Ok(()) };
    let Some(&channel) = state.extra.header.channels.get(index) else { return Ok(()) };
    if segment_start_ms == Some(shown.start_ms) {
        return Ok(());
    }
    put_nothing(state, channel, (shown.start_ms, shown.end_ms), context).await
}

async fn put_nothing(
    state: &CallState,
    channel: Channel,
    (start_ms, end_ms): (u64, u64),
    context: &Context,
) -> Result<(), CallError> {
    let header = &state.extra.header;
    let nothing = Segment::nothing(header.call.clone(), channel, start_ms, end_ms);
    context.calls.put_segment(&nothing, &header.org, &header.principal, &header.playbook).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_anew_when_enough_more_was_said() {
        let check = |known: Option<(u64, u64, u64)>, (start_ms, end_ms, heard_ms): (u64, u64, u64), expected: bool| {
            let shown = known.map(|(start_ms, end_ms, heard_ms)| Shown { start_ms, end_ms, heard_ms });
            let spoken = Spoken {
                start_ms,
                end_ms,
                audio_start_ms: start_ms,
                pcm: Vec::new(),
                sample_rate: 16_000,
                closed_ms: heard_ms,
            };
            let utterance = Utterance { channel: 0, spoken, spoken_at_ms: 0, received_ms: 0 };
            assert_eq!(
                grew(shown.as_ref(), &utterance, heard_ms),
                expected,
                "{known:?} {start_ms} {end_ms} {heard_ms}"
            );
        };
        check(None, (1_000, 1_690, 1_800), false);
        check(None, (1_000, 1_700, 1_800), true);
        check(Some((1_000, 1_700, 1_800)), (1_000, 2_400, 2_490), false);
        check(Some((1_000, 1_700, 1_800)), (1_000, 2_400, 2_500), true);
        // A pause says nothing new.
        check(Some((1_000, 1_700, 1_800)), (1_000, 1_700, 2_500), false);
        check(Some((1_000, 1_700, 1_800)), (3_000, 3_600, 3_700), false);
        check(Some((1_000, 1_700, 1_800)), (3_000, 3_700, 3_700), true);
    }

    #[test]
    fn a_setting_that_is_neither_on_nor_off_is_named() {
        let check = |value: Option<&str>, expected: Result<bool, &str>| {
            let pairs = value.map(|value| ("PARTIAL_TEXT".to_owned(), value.to_owned()));
            let settings = Settings::from(BTreeMap::from_iter(pairs));
            match (Partials::new(&settings), expected) {
                (Ok(partials), Ok(is_on)) => assert_eq!(partials.is_on, is_on),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
                (found, expected) => panic!("{value:?}: {found:?} instead of {expected:?}"),
            }
        };
        check(None, Ok(false));
        check(Some("off"), Ok(false));
        check(Some("on"), Ok(true));
        check(Some("yes"), Err("PARTIAL_TEXT"));
    }
}
