//! What a call is told: acknowledgements go to the outbox, segments are timed and held against the script.

use std::{collections::BTreeMap, time::Duration};

use callboard_domain::{CallStatus, Channel};
use callboard_wire::messages::{SegmentMessage, ServerMessage};
use serde::Deserialize;

use super::{Call, Sent, Turn};

/// What was heard of a call.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The words of the final segments, each by its key, with the revision that they are of.
    pub(super) segments: BTreeMap<(u64, Channel), (u64, String)>,
    /// When the call was told to have ended, since it began.
    pub(super) ended: Option<Duration>,
    /// Whether its notes came.
    pub(super) noted: bool,
}

/// What a message is about. Only the ones that count here are read as a whole.
#[derive(Deserialize)]
struct About<'a> {
    #[serde(rename = "type", default)]
    kind: &'a str,
}

impl Call<'_> {
    /// Takes a message in, which came at this time of the wall clock.
    pub(super) fn hear(&mut self, text: &str, at_ms: i64) {
        self.outcome.received += 1;
        let about: About<'_> = serde_json::from_str(text).unwrap_or(About { kind: "" });
        match about.kind {
            "ack" | "resend" | "segment" | "call" => {}
            "notes" => return self.heard.noted = true,
            // The gateway's own word on a message that failed has no type.
            "" | "error" => {
                self.outcome.errors += 1;
                tracing::warn!(message = text, "a message was refused");
                return;
            }
            _ => return,
        }
        let now = self.began.elapsed();
        match serde_json::from_str(text) {
            Ok(ServerMessage::Ack { seq, .. }) => self.outbox.acknowledged(now, seq),
            Ok(ServerMessage::Resend { from, to, .. }) => self.outbox.resend(now, from, to),
            Ok(ServerMessage::Call(call)) => {
                if call.status != CallStatus::Live {
                    self.outbox.ended();
                }
                if call.status == CallStatus::Ended && self.heard.ended.is_none() {
                    self.heard.ended = Some(now);
                }
            }
            Ok(ServerMessage::Segment(segment)) if segment.is_final => self.hear_segment(segment, at_ms),
            Ok(_) => {}
            Err(error) => {
                self.outcome.errors += 1;
                tracing::warn!(%error, kind = about.kind, "a message is not understood");
            }
        }
    }

    fn hear_segment(&mut self, segment: SegmentMessage, at_ms: i64) {
        let key = (segment.start_ms, segment.channel);
        match self.heard.segments.get_mut(&key) {
            Some((revision, text)) if *revision < segment.revision => {
                (*revision, *text) = (segment.revision, segment.text)
            }
            Some(_) => {}
            None => {
                self.time(&segment, at_ms);
                self.heard.segments.insert(key, (segment.revision, segment.text));
            }
        }
    }

    /// Notes what was added to a segment that came first at this time; see [`crate::bench::live`] for what counts.
    fn time(&mut self, segment: &SegmentMessage, at_ms: i64) {
        let closed_ms = segment.end_ms + segment.times.closing_ms;
        let Some(closed) = closed(&self.frames, segment.end_ms, closed_ms) else { return };
        let audio_ms = self.audio_ms(segment).unwrap_or_default();
        let own_ms = i64::try_from(self.plan.delay.of(audio_ms).as_millis()).unwrap_or(i64::MAX);
        let positive = |ms: i64| u64::try_from(ms).unwrap_or_default();
        self.outcome.added_delay_ms.push(positive(at_ms - closed.due_ms - own_ms));
        self.outcome.frame_wait_ms.push(positive(closed.sent_ms - closed.due_ms));
    }

    /// Length of the audio of the utterance that a segment is of; none where the script has no such one.
    fn audio_ms(&self, segment: &SegmentMessage) -> Option<u64> {
        let turn = turn_at(&self.turns, segment.start_ms)?;
        let said = &self.plan.script.turns[self.turns[turn].at].said;
        said.iter().find(|said| said.text == segment.text).or(said.first()).map(|said| said.audio_ms)
    }

    /// Holds what was heard against the script, turn by turn.
    pub(super) fn judge(&mut self) {
        let mut heard = vec![Vec::new(); self.turns.len()];
        for ((start_ms, channel), (_, text)) in &self.heard.segments {
            if let Some(turn) = turn_at(&self.turns, *start_ms) {
                heard[turn].push((*channel, text.as_str()));
            }
        }
        for (turn, heard) in self.turns.iter().zip(heard) {
            let said = self.plan.script.turns[turn.at].said.iter().map(|said| (said.channel, said.text.as_str()));
            let said: Vec<_> = said.collect();
            if said != heard {
                tracing::warn!(call.id = %self.id, turn.from_ms = turn.from_ms, ?said, ?heard, "not what was said");
            }
            let Judged { lost, doubled, wrong } = judged(&said, &heard);
            self.outcome.lost += lost;
            self.outcome.doubled += doubled;
            self.outcome.wrong += wrong;
        }
    }
}

/// When a stretch of silence was long enough: wall clock, ms.
#[derive(Debug, PartialEq, Eq)]
struct Closed {
    /// Had each sample been sent as it was spoken.
    due_ms: i64,
    /// By the frame that it is in.
    sent_ms: i64,
}

/// When the silence that closed an utterance was there, of which both ends are media times.
fn closed(frames: &[Sent], end_ms: u64, closed_ms: u64) -> Option<Closed> {
    let frame = |media_ms: u64| {
        // What lies behind the last frame is silence that the session itself fills up with.
        let at = frames.partition_point(|frame| frame.until_ms < media_ms).min(frames.len().checked_sub(1)?);
        Some((frames[at].sent_ms?, frames[at].until_ms))
    };
    let (last_ms, until_ms) = frame(end_ms)?;
    let due_ms = last_ms.saturating_add_unsigned(closed_ms.saturating_sub(until_ms));
    Some(Closed { due_ms, sent_ms: frame(closed_ms)?.0 })
}

/// In which turn of the call this media time is.
fn turn_at(turns: &[Turn], media_ms: u64) -> Option<usize> {
    turns.partition_point(|turn| turn.from_ms <= media_ms).checked_sub(1)
}

/// What is wrong with a turn.
#[derive(Debug, PartialEq, Eq)]
struct Judged {
    lost: usize,
    doubled: usize,
    wrong: usize,
}

/// Both in the order of their times.
fn judged(said: &[(Channel, &str)], heard: &[(Channel, &str)]) -> Judged {
    Judged {
        lost: said.len().saturating_sub(heard.len()),
        doubled: heard.len().saturating_sub(said.len()),
        wrong: said.iter().zip(heard).filter(|(said, heard)| said != heard).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silence_counts_from_the_frame_that_holds_the_last_word() {
        let frames = [(375, 10_380), (700, 10_705), (1_075, 11_080), (1_340, 11_345)];
        let frames = frames.map(|(until_ms, sent_ms)| Sent { turn: 0, piece: 0, until_ms, sent_ms: Some(sent_ms) });
        let check = |end_ms: u64, closed_ms: u64, due_ms: i64, sent_ms: i64| {
            assert_eq!(closed(&frames, end_ms, closed_ms), Some(Closed { due_ms, sent_ms }));
        };
        check(600, 1_280, 11_285, 11_345);
        check(700, 1_340, 11_345, 11_345);
        // One that the call's end closed.
        check(1_300, 1_300, 11_345, 11_345);
        check(1_300, 1_400, 11_405, 11_345);
        assert_eq!(closed(&[], 1, 2), None);
    }

    #[test]
    fn what_is_missing_doubled_or_other_is_counted() {
        let (agent, customer) = ((Channel::Agent, "a b"), (Channel::Customer, "c"));
        let check = |said: &[(Channel, &str)], heard: &[(Channel, &str)], lost: usize, doubled: usize, wrong: usize| {
            assert_eq!(judged(said, heard), Judged { lost, doubled, wrong });
        };
        check(&[agent, customer], &[agent, customer], 0, 0, 0);
        check(&[agent, customer], &[agent], 1, 0, 0);
        check(&[agent, customer], &[customer, agent], 0, 0, 2);
        check(&[agent], &[agent, agent], 0, 1, 0);
        check(&[agent], &[(Channel::Agent, "a c")], 0, 0, 1);
    }
}
