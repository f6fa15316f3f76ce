//! The order of frames: what arrives late, twice, out of order or never becomes one sequence.
//!
//! A socket delivers at most once and promises no order, a stream delivers at least once. Numbered frames wait for
//! the ones before them, for as long as the caller does not give those up: time alone makes no gap hopeless, since a
//! client that was cut off comes back with all that it kept. What was given up stands as silence. Unnumbered frames
//! (older clients) are ordered by the gateway's time of receipt, since nothing better is known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// How long frame 0 alone may hold up what came after it, in milliseconds of receipt: a client that counts from 1 never
/// sends it.
const FIRST_PATIENCE_MS: i64 = 1_000;
/// How far ahead of the sequence a frame may be numbered: a minute of the shortest frames.
pub const MAX_AHEAD: u32 = 3_000;
/// Most bytes of frames that came early: ten seconds of 48 kHz stereo, half a minute of 16 kHz stereo. What comes beyond
/// is not acknowledged, so its client sends it again.
pub const MAX_EARLY_BYTES: usize = 2_000_000;
/// How long an unnumbered frame is held for one that it overtook, in milliseconds of receipt.
const HOLD_MS: i64 = 250;
/// How long an unnumbered frame is remembered, to know a second delivery, in milliseconds of receipt.
const MEMORY_MS: i64 = 60_000;
/// Most frames that wait, and most unnumbered ones that are remembered: a minute of the shortest.
const MOST_KEYS: usize = MAX_AHEAD as usize;
/// No frame has this number, so the one behind any frame is a number, too.
const NO_SEQ: u32 = u32::MAX;

/// What a frame is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FrameKey {
    /// The client's number.
    Numbered(u32),
    /// The gateway's time of receipt (ms) and message id.
    Received(i64, String),
}

/// What became of a frame that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is new and kept.
    New,
    /// It was heard before.
    Duplicate,
    /// Its number is too far ahead of the sequence to be believed; it was dropped.
    TooFarAhead,
    /// It came early, and there is no room for more of those; it was dropped.
    NoRoom,
}

/// A frame that waits, with its payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// When the gateway received it.
    pub received_ms: i64,
    /// Its bytes.
    #[serde(skip)]
    pub payload: Vec<u8>,
}

/// What comes next in the sequence.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// A frame.
    Frame(FrameKey, Waiting),
    /// Frames that never came.
    Lost {
        /// First of them.
        from: u32,
        /// Last of them.
        to: u32,
    },
}

/// Orders frames. A pure function of what it was handed, in any order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sequencer {
    /// Number of the next frame.
    next: u32,
    /// Frames that came early.
    #[serde(skip)]
    waiting: BTreeMap<FrameKey, Waiting>,
    /// Unnumbered frames that were let through, to know their second delivery.
    recent: BTreeSet<(i64, String)>,
    /// Latest receipt of all.
    latest_ms: i64,
    /// The last frame, once the client has named it.
    last: Option<u32>,
    /// The frames that the client says it no longer has.
    gone: Vec<(u32, u32)>,
    /// No more frames are waited for.
    closing: bool,
}

impl Sequencer {
    /// Takes a frame in. There is room for so many bytes of frames that came early: see [`MAX_EARLY_BYTES`].
    pub fn hear(&mut self, key: FrameKey, frame: Waiting, room: usize) -> Heard {
        let known = match &key {
            FrameKey::Numbered(seq) if !self.is_near(*seq) => return Heard::TooFarAhead,
            FrameKey::Numbered(seq) => *seq < self.next,
            FrameKey::Received(received, message) => self.remembers(&(*received, message.clone())),
        };
        self.latest_ms = self.latest_ms.max(frame.received_ms);
        if known || self.waiting.contains_key(&key) {
            return Heard::Duplicate;
        }
        let early = !self.waiting.is_empty() && key != FrameKey::Numbered(self.next);
        let waiting_bytes: usize = self.waiting.values().map(|frame| frame.payload.len()).sum();
        if early && (waiting_bytes + frame.payload.len() > room || self.waiting.len() >= MOST_KEYS) {
            return Heard::NoRoom;
        }
        self.waiting.insert(key, frame);
        Heard::New
    }

    fn is_near(&self, seq: u32) -> bool {
        seq <= self.next.saturating_add(MAX_AHEAD) && seq != NO_SEQ
    }

    /// Whether an unnumbered frame was let through. What is older than the memory was: nothing is held for so long.
    fn remembers(&self, key: &(i64, String)) -> bool {
        let is_full = self.recent.len() >= MOST_KEYS;
        let forgotten = is_full && self.recent.first().is_some_and(|oldest| key < oldest);
        self.latest_ms.saturating_sub(key.0) >= MEMORY_MS || forgotten || self.recent.contains(key)
    }

    /// Notes the number of the last frame.
    pub fn stop(&mut self, last: u32) {
        let last = last.min(NO_SEQ - 1);
        self.last = Some(self.last.map_or(last, |known| known.max(last)));
    }

    /// Notes frames that will not come.
    pub fn gone(&mut self, from: u32, to: u32) {
        // One that reaches far must begin with what is next: it says that nothing up to there is to come.
        let sensible = self.is_near(to) || (from <= self.next.max(1) && to != NO_SEQ);
        if from > to || to < self.next || !sensible {
            return;
        }
        self.gone.retain(|(_, last)| *last >= self.next);
        // Stretches that touch become one, so that there are few, and what they cover is covered by one of them.
        let (mut from, mut to) = (from, to);
        self.gone.retain(|(first, last)| {
            let apart = *first > to.saturating_add(1) || from > last.saturating_add(1);
            if !apart {
                (from, to) = (from.min(*first), to.max(*last));
            }
            apart
        });
        self.gone.push((from, to));
    }

    /// Gives up waiting: what is there is all there is.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// True once the last frame was let through, or all is let through of a sequence that was closed.
    pub fn is_finished(&self) -> bool {
        // A last frame 0 that never came is that of a call without any.
        let heard = |last: u32| self.next > last || last == 0;
        self.waiting.is_empty() && (self.closing || self.last.is_some_and(heard))
    }

    /// Audio came for a call that was over: it goes on.
    pub fn reopen(&mut self) {
        self.closing = false;
        self.last = None;
    }

    /// The last frame without a gap before it: what may be acknowledged.
    pub fn contiguous(&self) -> Option<u32> {
        self.next.checked_sub(1)
    }

    /// The frames that are missing before one that is there, or before the named last one, as (from, to).
    pub fn missing(&self) -> Option<(u32, u32)> {
        let before = self.waiting.keys().find_map(|key| match key {
            FrameKey::Numbered(seq) => Some(*seq),
            FrameKey::Received(..) => None,
        });
        let end = before.or(self.last.map(|last| last.saturating_add(1)))?;
        // Frame 0 is one that a client which counts from 1 never had.
        let from = self.next.max(1);
        (from < end).then(|| (from, end - 1))
    }

    /// How long the oldest frame that came early has waited, in milliseconds of receipt.
    pub fn waited_ms(&self) -> i64 {
        self.waiting.values().map(|frame| self.latest_ms.saturating_sub(frame.received_ms)).max().unwrap_or_default()
    }

    /// Frames that came early, for a checkpoint.
    pub fn waiting(&self) -> &BTreeMap<FrameKey, Waiting> {
        &self.waiting
    }

    /// Puts early frames back, from a checkpoint.
    pub fn restore(&mut self, key: FrameKey, frame: Waiting) {
        self.waiting.insert(key, frame);
    }

    /// The next in the sequence, if it is known by now.
    pub fn poll(&mut self) -> Option<Next> {
        let first = self.waiting.keys().next().cloned();
        match first {
            Some(key @ FrameKey::Received(..)) => self.poll_received(key),
            Some(FrameKey::Numbered(seq)) if seq == self.next => {
                self.next += 1;
                let key = FrameKey::Numbered(seq);
                self.waiting.remove(&key).map(|frame| Next::Frame(key, frame))
            }
            Some(FrameKey::Numbered(seq)) => {
                let counts_from_one =
                    self.next == 0 && seq == 1 && (self.last.is_some() || self.waited_ms() >= FIRST_PATIENCE_MS);
                let hopeless = self.closing || counts_from_one || self.is_gone_before(seq);
                hopeless.then(|| self.lose_until(seq))
            }
            None => {
                if let Some(last) = self.far_gone() {
                    return Some(self.lose_until(last + 1));
                }
                let last = self.last?;
                (self.next <= last && (self.closing || self.is_gone_before(last + 1)))
                    .then(|| self.lose_until(last + 1))
            }
        }
    }

    fn lose_until(&mut self, seq: u32) -> Next {
        let from = self.next;
        self.next = seq;
        self.gone.retain(|(_, to)| *to >= seq);
        Next::Lost { from, to: seq - 1 }
    }

    /// Whether the client has told of all that is missing before a frame that it is gone. Of frame 0 a client that
    /// counts from 1 has nothing to tell.
    fn is_gone_before(&self, seq: u32) -> bool {
        let from = self.next.max(1);
        from < seq && self.gone.iter().any(|(first, last)| *first <= from && seq <= last.saturating_add(1))
    }

    /// The last of frames that are gone from the next one on, so many that none behind them would be believed.
    fn far_gone(&self) -> Option<u32> {
        let reaches = |(first, last): &&(u32, u32)| *first <= self.next.max(1) && !self.is_near(last.saturating_add(1));
        self.gone.iter().find(reaches).map(|(_, last)| *last)
    }

    /// Whether this can have come of frames: arithmetic holds for it, and what waits is still to come.
    pub(crate) fn is_sound<'a>(&self, mut waiting: impl Iterator<Item = &'a FrameKey>) -> bool {
        let awaited = |key: &FrameKey| match key {
            FrameKey::Numbered(seq) => *seq >= self.next && self.is_near(*seq),
            FrameKey::Received(..) => true,
        };
        self.last != Some(NO_SEQ) && waiting.all(awaited)
    }

    fn poll_received(&mut self, key: FrameKey) -> Option<Next> {
        let received_ms = self.waiting.get(&key)?.received_ms;
        if !self.closing && self.latest_ms.saturating_sub(received_ms) < HOLD_MS {
            return None;
        }
        let frame = self.waiting.remove(&key)?;
        if let FrameKey::Received(received, message) = &key {
            self.recent.insert((*received, message.clone()));
            let latest = self.latest_ms;
            self.recent.retain(|(received, _)| latest.saturating_sub(*received) < MEMORY_MS);
            if self.recent.len() > MOST_KEYS {
                self.recent.pop_first();
            }
        }
        Some(Next::Frame(key, frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Sequencer {
        fn take(&mut self, key: FrameKey, frame: Waiting) -> Heard {
            self.hear(key, frame, MAX_EARLY_BYTES)
        }
    }

    fn frame(received_ms: i64) -> Waiting {
        Waiting { received_ms, payload: vec![] }
    }

    /// Hands frames in as (seq, received) and tells what comes out: numbers, or -1 for what was lost.
    fn order(frames: &[(u32, i64)]) -> Vec<i64> {
        let mut sequencer = Sequencer::default();
        let mut out = Vec::new();
        for &(seq, received) in frames {
            sequencer.take(FrameKey::Numbered(seq), frame(received));
            while let Some(next) = sequencer.poll() {
                match next {
                    Next::Frame(FrameKey::Numbered(seq), _) => out.push(i64::from(seq)),
                    Next::Frame(..) => unreachable!(),
                    Next::Lost { from, to } => out.extend((from..=to).map(|_| -1)),
                }
            }
        }
        out
    }

    #[test]
    fn numbered_frames_come_out_in_order_once() {
        assert_eq!(order(&[(0, 0), (1, 1), (2, 2)]), [0, 1, 2]);
        assert_eq!(order(&[(0, 0), (2, 2), (1, 3), (1, 4), (0, 5), (3, 6)]), [0, 1, 2, 3]);
        assert_eq!(order(&[(1, 1), (0, 2)]), [0, 1]);
    }

    #[test]
    fn no_time_makes_a_gap_hopeless() {
        assert_eq!(order(&[(0, 0), (2, 100), (3, 3_600_000), (1, 3_600_001)]), [0, 1, 2, 3]);
    }

    #[test]
    fn what_came_early_has_its_limit_and_what_is_next_has_none() {
        let mut sequencer = Sequencer::default();
        let large = || Waiting { received_ms: 0, payload: vec![0; MAX_EARLY_BYTES / 4] };
        for seq in 1..=4 {
            assert_eq!(sequencer.take(FrameKey::Numbered(seq), large()), Heard::New);
        }
        assert_eq!(sequencer.take(FrameKey::Numbered(5), large()), Heard::NoRoom);
        assert_eq!(sequencer.take(FrameKey::Numbered(0), large()), Heard::New);
        assert_eq!(std::iter::from_fn(|| sequencer.poll()).count(), 5);
        assert_eq!(sequencer.take(FrameKey::Numbered(5), large()), Heard::New);
    }

    #[test]
    fn a_flood_of_small_frames_has_its_limit_too() {
        let mut sequencer = Sequencer::default();
        let key = |id: usize| FrameKey::Received(7, format!("m{id:05}"));
        let heard = (0..MOST_KEYS + 1).map(|id| sequencer.take(key(id), frame(7)));
        assert_eq!(heard.filter(|heard| *heard == Heard::New).count(), MOST_KEYS);
        sequencer.close();
        for id in MOST_KEYS..2 * MOST_KEYS {
            while sequencer.poll().is_some() {}
            assert_eq!(sequencer.take(key(id), frame(7)), Heard::New);
        }
        while sequencer.poll().is_some() {}
        assert_eq!(sequencer.recent.len(), MOST_KEYS);
        // What was forgotten is still not heard twice.
        assert!((0..2 * MOST_KEYS).all(|id| sequencer.take(key(id), frame(7)) == Heard::Duplicate));
    }

    #[test]
    fn numbers_and_times_at_their_ends_are_numbers_and_times() {
        let mut sequencer = Sequencer::default();
        assert_eq!(sequencer.take(FrameKey::Received(i64::MIN, "m1".into()), frame(i64::MIN)), Heard::Duplicate);
        assert_eq!(sequencer.take(FrameKey::Numbered(2), frame(i64::MIN)), Heard::New);
        assert_eq!(sequencer.take(FrameKey::Numbered(1), frame(i64::MAX)), Heard::New);
        assert_eq!(sequencer.waited_ms(), i64::MAX);
        sequencer.stop(u32::MAX);
        sequencer.close();
        while sequencer.poll().is_some() {}
        assert!(sequencer.is_finished());
        assert_eq!(sequencer.contiguous(), Some(u32::MAX - 1));
        assert_eq!(sequencer.take(FrameKey::Numbered(u32::MAX), frame(0)), Heard::TooFarAhead);
        sequencer.gone(u32::MAX - 1, u32::MAX);
        assert_eq!(sequencer.poll(), None);
    }

    #[test]
    fn gone_frames_that_touch_are_one_stretch_however_they_are_told() {
        let mut sequencer = Sequencer::default();
        sequencer.take(FrameKey::Numbered(MAX_AHEAD), frame(0));
        for seq in (0..MAX_AHEAD).step_by(2).chain((1..MAX_AHEAD).step_by(2)) {
            assert_eq!(sequencer.poll(), None);
            sequencer.gone(seq, seq);
        }
        assert_eq!(sequencer.gone, [(0, MAX_AHEAD - 1)]);
        assert_eq!(sequencer.poll(), Some(Next::Lost { from: 0, to: MAX_AHEAD - 1 }));
    }

    #[test]
    fn counting_from_one_costs_nothing_but_a_second() {
        assert_eq!(order(&[(1, 0), (2, 500), (3, 1_000)]), [-1, 1, 2, 3]);
    }

    #[test]
    fn a_number_far_ahead_is_not_believed() {
        let mut sequencer = Sequencer::default();
        assert_eq!(sequencer.take(FrameKey::Numbered(MAX_AHEAD + 1), frame(0)), Heard::TooFarAhead);
        assert_eq!(sequencer.take(FrameKey::Numbered(0), frame(0)), Heard::New);
        assert_eq!(sequencer.take(FrameKey::Numbered(0), frame(9)), Heard::Duplicate);
    }

    #[test]
    fn what_is_missing_is_named_and_gone_frames_are_not_waited_for() {
        let mut sequencer = Sequencer::default();
        for seq in [0, 1, 4] {
            sequencer.take(FrameKey::Numbered(seq), frame(0));
        }
        while sequencer.poll().is_some() {}
        assert_eq!(sequencer.missing(), Some((2, 3)));
        assert_eq!(sequencer.contiguous(), Some(1));
        sequencer.gone(2, 2);
        assert_eq!(sequencer.poll(), None);
        sequencer.gone(3, 3);
        assert_eq!(sequencer.poll(), Some(Next::Lost { from: 2, to: 3 }));
        assert!(matches!(sequencer.poll(), Some(Next::Frame(FrameKey::Numbered(4), _))));
        sequencer.stop(6);
        assert!(!sequencer.is_finished());
        assert_eq!(sequencer.missing(), Some((5, 6)));
        sequencer.close();
        assert_eq!(sequencer.poll(), Some(Next::Lost { from: 5, to: 6 }));
        assert!(sequencer.is_finished());
    }

    #[test]
    fn a_beginning_that_is_gone_is_not_waited_for() {
        let mut sequencer = Sequencer::default();
        sequencer.take(FrameKey::Numbered(23), frame(0));
        assert_eq!(sequencer.poll(), None);
        sequencer.gone(1, 22);
        assert_eq!(sequencer.poll(), Some(Next::Lost { from: 0, to: 22 }));
        assert!(matches!(sequencer.poll(), Some(Next::Frame(FrameKey::Numbered(23), _))));
    }

    #[test]
    fn more_than_any_client_keeps_may_be_gone() {
        let mut sequencer = Sequencer::default();
        sequencer.take(FrameKey::Numbered(0), frame(0));
        assert!(sequencer.poll().is_some());
        let last = 3 * MAX_AHEAD;
        sequencer.gone(2, last);
        assert_eq!(
            sequencer.take(FrameKey::Numbered(last + 1), frame(0)),
            Heard::TooFarAhead,
            "frame 1 may still come"
        );
        sequencer.gone(1, last);
        assert_eq!(sequencer.poll(), Some(Next::Lost { from: 1, to: last }));
        assert_eq!(sequencer.take(FrameKey::Numbered(last + 1), frame(0)), Heard::New);
    }

    #[test]
    fn unnumbered_frames_are_ordered_by_receipt_and_known_again() {
        let mut sequencer = Sequencer::default();
        let key = |ms: i64| FrameKey::Received(ms, format!("m{ms}"));
        for ms in [1_000, 1_500, 1_490] {
            assert_eq!(sequencer.take(key(ms), frame(ms)), Heard::New);
        }
        assert!(matches!(sequencer.poll(), Some(Next::Frame(FrameKey::Received(1_000, _), _))));
        assert_eq!(sequencer.poll(), None);
        assert_eq!(sequencer.take(key(1_000), frame(1_000)), Heard::Duplicate);
        sequencer.close();
        assert!(matches!(sequencer.poll(), Some(Next::Frame(FrameKey::Received(1_490, _), _))));
        assert!(matches!(sequencer.poll(), Some(Next::Frame(FrameKey::Received(1_500, _), _))));
    }
}
