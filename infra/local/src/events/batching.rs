//! What an event source mapping does with one shard, as a state machine: records in, batches out, outcomes in,
//! checkpoint out. Time is handed in; nothing here reads a clock, invokes or stores.
//!
//! A shard has as many lanes as the mapping's `ParallelizationFactor`, and a key always goes to the same lane. A lane
//! has one batch in flight, so a key's records stay in order and are never in two batches at once. The checkpoint is
//! the position below which every lane is done.
//!
//! Splitting a batch costs no retry, as AWS documents. Neither does a partial failure that bisection turned into a
//! split at the returned record; without bisection it does.

mod lane;

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

pub use self::lane::Settings;
use self::lane::{Attempt, Lane, lane_of};
use super::outcome::Outcome;

/// Lambda's limit for an invocation's payload, less room for the envelope.
pub const PAYLOAD_BYTES: usize = 6 * 1024 * 1024 - 1024;
/// Most records of a shard that are held at once.
const HELD_RECORDS: usize = 20_000;
/// Most bytes of a shard that are held at once.
const HELD_BYTES: usize = 64 * 1024 * 1024;

/// A record on its way to a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Position in the shard.
    pub position: u64,
    /// Sequence number, as the function sees it.
    pub sequence: String,
    /// Partition key, or an item's key.
    pub key: String,
    /// When it arrived in the stream.
    pub at_ms: u64,
    /// Size within the event.
    pub bytes: usize,
    /// The record within the event; of Kinesis without the function's own role.
    pub event: Arc<Value>,
}

/// Why a batch is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// All retries failed.
    RetryAttemptsExhausted,
    /// The records are older than the mapping allows.
    RecordAgeExceeded,
}

/// Something to do for a lane. The lane waits until its outcome is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Which lane.
    pub lane: usize,
    /// The records, in order.
    pub records: Vec<Arc<Record>>,
    /// How often these records were handed to the function before.
    pub invocations: u32,
    /// None: invoke the function. Else: hand the records to the on-failure destination.
    pub discard: Option<Condition>,
}

/// What follows from an outcome; for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The records are done.
    Done,
    /// These many records come again.
    Again(usize),
    /// These many records are given up.
    GivenUp(usize),
}

/// One shard of one mapping.
#[derive(Debug)]
pub struct Shard {
    settings: Settings,
    lanes: Vec<Lane>,
    outstanding: BTreeSet<u64>,
    outstanding_bytes: usize,
    read_to: u64,
}

impl Shard {
    /// A shard whose records up to `position` are done.
    pub fn new(settings: Settings, position: u64) -> Shard {
        let lanes = (0..settings.lanes.max(1)).map(|_| Lane::default()).collect();
        Shard { settings, lanes, outstanding: BTreeSet::new(), outstanding_bytes: 0, read_to: position }
    }

    /// Where to read on.
    pub fn read_to(&self) -> u64 {
        self.read_to
    }

    /// How many records it takes now.
    pub fn room(&self) -> usize {
        if self.outstanding_bytes >= HELD_BYTES {
            return 0;
        }
        HELD_RECORDS.saturating_sub(self.outstanding.len())
    }

    /// Takes the next record of the shard.
    pub fn push(&mut self, record: Record, now_ms: u64) {
        self.read_to = record.position;
        self.outstanding.insert(record.position);
        self.outstanding_bytes += record.bytes;
        let lane = lane_of(&record.key, self.lanes.len());
        let lane = &mut self.lanes[lane];
        lane.waiting_bytes += record.bytes;
        lane.waiting.push_back((now_ms, Arc::new(record)));
    }

    /// Passes over a record that the filter dropped.
    pub fn skip(&mut self, position: u64) {
        self.read_to = position;
    }

    /// Everything up to here is done.
    pub fn checkpoint(&self) -> u64 {
        self.outstanding.first().map_or(self.read_to, |first| first - 1)
    }

    /// Whether no lane has work in flight.
    pub fn is_idle(&self) -> bool {
        self.lanes.iter().all(|lane| !lane.busy)
    }

    /// The next thing to do, if there is one now.
    pub fn poll(&mut self, now_ms: u64) -> Option<Work> {
        (0..self.lanes.len()).find_map(|lane| self.poll_lane(lane, now_ms))
    }

    /// When `poll` has something to do next, as long as nothing else happens.
    pub fn next_wake_ms(&self) -> Option<u64> {
        let idle = self.lanes.iter().filter(|lane| !lane.busy);
        idle.filter_map(|lane| match (lane.attempts.front(), lane.waiting.front()) {
            (Some(attempt), _) => Some(attempt.not_before_ms),
            (None, Some((read_ms, _))) => Some(read_ms + self.settings.window_ms),
            (None, None) => None,
        })
        .min()
    }

    /// Tells how an invocation ended.
    pub fn invoked(&mut self, lane: usize, outcome: Outcome, now_ms: u64) -> Verdict {
        let Some(mut attempt) = self.lanes[lane].attempts.pop_front() else {
            return Verdict::Done;
        };
        self.lanes[lane].busy = false;
        attempt.invocations += 1;
        match outcome {
            Outcome::Success => {
                self.complete(&attempt.records);
                Verdict::Done
            }
            Outcome::FailedFrom(index) if index > 0 => {
                let rest = attempt.records.split_off(index.min(attempt.records.len()));
                self.complete(&attempt.records);
                let attempt = Attempt { records: rest, ..attempt };
                let free = self.settings.bisect;
                self.again(lane, attempt, free, now_ms)
            }
            Outcome::Failed if self.settings.bisect && attempt.records.len() > 1 => {
                let count = attempt.records.len();
                let second = attempt.records.split_off(count / 2);
                let mut second = Attempt { records: second, ..attempt.clone() };
                second.not_before_ms = now_ms;
                self.lanes[lane].attempts.push_front(second);
                self.again(lane, attempt, true, now_ms);
                Verdict::Again(count)
            }
            Outcome::FailedFrom(_) | Outcome::Failed => self.again(lane, attempt, false, now_ms),
        }
    }

    /// Tells whether the on-failure destination took a batch. If it did not, the batch is offered again.
    pub fn discarded(&mut self, lane: usize, taken: bool, now_ms: u64) -> Verdict {
        let pause_ms = |failures: u32| self.settings.pause_ms(failures);
        let Some(attempt) = self.lanes[lane].attempts.front_mut() else {
            return Verdict::Done;
        };
        let count = attempt.records.len();
        if !taken {
            attempt.discard_failures += 1;
            attempt.not_before_ms = now_ms + pause_ms(attempt.discard_failures);
            self.lanes[lane].busy = false;
            return Verdict::Again(count);
        }
        let records = std::mem::take(&mut attempt.records);
        self.lanes[lane].attempts.pop_front();
        self.lanes[lane].busy = false;
        self.complete(&records);
        Verdict::GivenUp(count)
    }

    /// Puts a batch first in its lane again, or gives it up if its retries are used up.
    fn again(&mut self, lane: usize, mut attempt: Attempt, free: bool, now_ms: u64) -> Verdict {
        let count = attempt.records.len();
        let exhausted = !free && self.settings.retries.is_some_and(|most| attempt.retries >= most);
        if exhausted {
            attempt.discard = Some(Condition::RetryAttemptsExhausted);
            attempt.not_before_ms = now_ms;
        } else {
            attempt.retries += u32::from(!free);
            // A split is tried soon; what fails again and again waits longer and longer.
            attempt.not_before_ms = now_ms + self.settings.pause_ms(attempt.retries);
        }
        self.lanes[lane].attempts.push_front(attempt);
        if exhausted { Verdict::GivenUp(count) } else { Verdict::Again(count) }
    }

    fn poll_lane(&mut self, index: usize, now_ms: u64) -> Option<Work> {
        let settings = &self.settings;
        let lane = &mut self.lanes[index];
        if lane.busy {
            return None;
        }
        if lane.attempts.is_empty() {
            let records = lane.take_batch(settings, now_ms)?;
            lane.attempts.push_back(Attempt::new(records));
        }
        if lane.attempts.front()?.not_before_ms > now_ms {
            return None;
        }
        lane.split_off_expired(settings, now_ms);
        lane.busy = true;
        let attempt = lane.attempts.front()?;
        Some(Work {
            lane: index,
            records: attempt.records.clone(),
            invocations: attempt.invocations,
            discard: attempt.discard,
        })
    }

    fn complete(&mut self, records: &[Arc<Record>]) {
        for record in records {
            self.outstanding.remove(&record.position);
            self.outstanding_bytes -= record.bytes;
        }
    }
}

#[cfg(test)]
mod tests;
