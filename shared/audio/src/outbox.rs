//! The capture client's half of the frame protocol: what it sends next, as a state machine without I/O and without a
//! clock. The other half is `sequence`.
//!
//! It owns the frames that the stack has not committed, and decides on retransmission; it never connects, never waits
//! and knows nothing of what is pushed back but acknowledgements and requests. Time is handed in, as the time passed
//! since any fixed point.
//!
//! A socket delivers at most once and in any order, so everything said here may have to be said again: frames until
//! they are acknowledged, `stop` until the call is seen to end, `watch` until it is confirmed.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

/// How patient the outbox is, and how much it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How often the stack acknowledges: within this, silence means nothing.
    pub ack_interval: Duration,
    /// How late an acknowledgement may be before the frames are sent again.
    pub stall: Duration,
    /// Longest wait between two attempts while nothing moves. The wait doubles up to here.
    pub longest_wait: Duration,
    /// Unacknowledged frames beyond which `has_room` says no. A source that can wait then waits.
    pub window: usize,
    /// Unacknowledged frames beyond which the oldest are given up. A source that cannot wait goes on.
    pub keep: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ack_interval: Duration::from_secs(2),
            stall: Duration::from_secs(2),
            longest_wait: Duration::from_secs(16),
            window: usize::MAX,
            keep: usize::MAX,
        }
    }
}

/// The next thing to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Ask for the call's pushes.
    Watch,
    /// A frame.
    Audio {
        /// Its number.
        seq: u32,
        /// Its bytes.
        payload: Arc<[u8]>,
    },
    /// These frames were asked for and are no longer here.
    Gone {
        /// First of them.
        from: u32,
        /// Last of them.
        to: u32,
    },
    /// The call is over after this frame.
    Stop {
        /// Number of the last frame.
        seq: u32,
    },
}

/// Something that is repeated, ever more patiently, until it is answered.
#[derive(Debug, Clone, Copy)]
struct Wait {
    since: Duration,
    patience: Duration,
}

impl Wait {
    fn due(&self) -> Duration {
        self.since.saturating_add(self.patience)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    limits: Limits,
    /// Frames not acknowledged, in order and without a gap: the first has number `first`.
    kept: VecDeque<Arc<[u8]>>,
    first: u32,
    acknowledged: u32,
    /// The next frame to send in order; what lies before was sent on this connection.
    next: u32,
    /// Frames that were asked for again.
    wanted: BTreeSet<u32>,
    gone: VecDeque<(u32, u32)>,
    gone_told: u32,
    finished: bool,
    stop_sent: bool,
    ended: bool,
    connected: bool,
    watch: Option<Wait>,
    watching: bool,
    progress: Option<Wait>,
    patience: Duration,
}

impl Outbox {
    /// An empty outbox, not connected; its first frame will have number 1.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            kept: VecDeque::new(),
            first: 1,
            acknowledged: 0,
            next: 1,
            wanted: BTreeSet::new(),
            gone: VecDeque::new(),
            gone_told: 0,
            finished: false,
            stop_sent: false,
            ended: false,
            connected: false,
            watch: None,
            watching: false,
            progress: None,
            patience: limits.ack_interval + limits.stall,
        }
    }

    /// Whether a source that can wait should hand in another frame.
    pub fn has_room(&self) -> bool {
        self.kept.len() < self.limits.window
    }

    /// Takes the next frame in and returns its number. Ignored after `finish`.
    pub fn push(&mut self, payload: impl Into<Arc<[u8]>>) -> u32 {
        if self.finished {
            return self.last();
        }
        self.kept.push_back(payload.into());
        while self.kept.len() > self.limits.keep.max(1) {
            self.kept.pop_front();
            self.first += 1;
        }
        self.next = self.next.max(self.first);
        self.last()
    }

    /// No frame follows: `stop` is sent once all are.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// A connection stands. Whatever was not acknowledged before is sent on it.
    pub fn connected(&mut self) {
        self.connected = true;
        self.watch = None;
        self.watching = false;
        self.patience = self.limits.ack_interval + self.limits.stall;
        self.start_over();
    }

    /// The connection is lost: nothing is sent until the next.
    pub fn disconnected(&mut self) {
        self.connected = false;
    }

    /// The stack committed all frames up to this one.
    pub fn acknowledged(&mut self, now: Duration, seq: u32) {
        // A number that was never sent belongs to an earlier program on the same call: it says nothing of these frames
        // beyond that they are all known.
        let seq = seq.min(self.last());
        if seq <= self.acknowledged {
            return;
        }
        self.acknowledged = seq;
        while self.first <= seq && self.kept.pop_front().is_some() {
            self.first += 1;
        }
        self.next = self.next.max(self.first);
        self.wanted.retain(|wanted| *wanted > seq);
        self.moved(now);
    }

    /// The stack misses these frames.
    pub fn resend(&mut self, now: Duration, from: u32, to: u32) {
        let (from, to) = (from.max(1), to.min(self.last()));
        if from > to {
            return;
        }
        if from < self.first {
            self.gone.push_back((from, to.min(self.first - 1)));
        }
        // What was not sent yet comes in its turn.
        let sent = self.next.saturating_sub(1);
        self.wanted.extend(from.max(self.first)..=to.min(sent));
        self.moved(now);
    }

    /// The watch is confirmed.
    pub fn watching(&mut self) {
        self.watching = true;
    }

    /// The call was seen to end. Before `stop` was sent this means nothing: late audio reopens a call that was taken
    /// for dead.
    pub fn ended(&mut self) {
        self.ended |= self.stop_sent;
        if self.is_settled() {
            self.progress = None;
        }
    }

    /// What to send now, if anything.
    pub fn poll(&mut self, now: Duration) -> Option<Outgoing> {
        if !self.connected {
            return None;
        }
        if self.progress.is_some_and(|wait| wait.due() <= now) {
            self.patience = (self.patience * 2).min(self.limits.longest_wait);
            self.start_over();
        }
        if self.watch_is_due(now) {
            let patience = self.watch.map_or(self.limits.ack_interval, |wait| wait.patience * 2);
            self.watch = Some(Wait { since: now, patience: patience.min(self.limits.longest_wait) });
            return Some(Outgoing::Watch);
        }
        let outgoing = self.next_message()?;
        if self.progress.is_none() {
            self.progress = Some(Wait { since: now, patience: self.patience });
        }
        Some(outgoing)
    }

    /// When to poll again though nothing else happens.
    pub fn timeout(&self) -> Option<Duration> {
        if !self.connected {
            return None;
        }
        let watch = self.watch.filter(|_| !self.watching).map(|wait| wait.due());
        let progress = self.progress.map(|wait| wait.due());
        watch.into_iter().chain(progress).min()
    }

    /// Number of the last frame handed in; 0 before the first.
    pub fn last(&self) -> u32 {
        self.first - 1 + self.kept.len() as u32
    }

    /// Frames handed in and not acknowledged, given up ones included.
    pub fn unacknowledged(&self) -> u32 {
        self.last() - self.acknowledged
    }

    /// Whether nothing is left to say: all acknowledged, and the end is known.
    pub fn is_settled(&self) -> bool {
        self.finished && self.unacknowledged() == 0 && self.ended
    }

    fn watch_is_due(&self, now: Duration) -> bool {
        !self.watching && self.watch.is_none_or(|wait| wait.due() <= now)
    }

    fn next_message(&mut self) -> Option<Outgoing> {
        if self.first > self.acknowledged + 1 && self.gone_told < self.first - 1 {
            let from = self.gone_told.max(self.acknowledged) + 1;
            self.gone_told = self.first - 1;
            return Some(Outgoing::Gone { from, to: self.first - 1 });
        }
        if let Some((from, to)) = self.gone.pop_front() {
            return Some(Outgoing::Gone { from, to });
        }
        while let Some(seq) = self.wanted.pop_first() {
            if let Some(payload) = self.frame(seq) {
                return Some(Outgoing::Audio { seq, payload });
            }
        }
        if let Some(payload) = self.frame(self.next) {
            self.next += 1;
            return Some(Outgoing::Audio { seq: self.next - 1, payload });
        }
        if self.finished && !self.stop_sent && !self.ended {
            self.stop_sent = true;
            return Some(Outgoing::Stop { seq: self.last() });
        }
        None
    }

    fn frame(&self, seq: u32) -> Option<Arc<[u8]>> {
        self.kept.get(seq.checked_sub(self.first)? as usize).cloned()
    }

    /// The stack is alive and got further: the next wait begins now, if there is anything to wait for.
    fn moved(&mut self, now: Duration) {
        self.patience = self.limits.ack_interval + self.limits.stall;
        let sent_unacknowledged = self.next > self.acknowledged + 1;
        let stop_unanswered = self.stop_sent && !self.ended;
        self.progress =
            (sent_unacknowledged || stop_unanswered).then_some(Wait { since: now, patience: self.patience });
    }

    /// From the first unacknowledged frame on, everything is sent again.
    fn start_over(&mut self) {
        self.next = self.first;
        self.wanted.clear();
        self.gone.clear();
        self.gone_told = 0;
        self.stop_sent = false;
        self.progress = None;
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
