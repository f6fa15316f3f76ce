//! One lane of a shard: which records form its next batch, what is tried again and when.

use std::{collections::VecDeque, sync::Arc};

use super::{Condition, PAYLOAD_BYTES, Record};

/// A mapping's settings, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Most records a batch.
    pub batch_size: usize,
    /// How long a batch may wait to fill up.
    pub window_ms: u64,
    /// Batches in flight.
    pub lanes: usize,
    /// Retries before a batch is discarded; none: until its records are too old.
    pub retries: Option<u32>,
    /// Age at which a record is discarded.
    pub max_age_ms: Option<u64>,
    /// Whether a failed batch is split in two.
    pub bisect: bool,
    /// Pause before the first retry; it doubles with each failure.
    pub first_pause_ms: u64,
    /// Longest pause.
    pub longest_pause_ms: u64,
}

/// A batch that is in flight, or comes again, or is given up.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) records: Vec<Arc<Record>>,
    pub(super) retries: u32,
    pub(super) invocations: u32,
    pub(super) not_before_ms: u64,
    pub(super) discard: Option<Condition>,
    pub(super) discard_failures: u32,
}

/// A lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Records that are in no batch yet, with the time at which they were read.
    pub(super) waiting: VecDeque<(u64, Arc<Record>)>,
    pub(super) waiting_bytes: usize,
    /// Batches that failed before, and the one in flight; in order.
    pub(super) attempts: VecDeque<Attempt>,
    pub(super) busy: bool,
}

impl Attempt {
    pub(super) fn new(records: Vec<Arc<Record>>) -> Attempt {
        Attempt { records, retries: 0, invocations: 0, not_before_ms: 0, discard: None, discard_failures: 0 }
    }
}

impl Lane {
    /// A batch, if one is full or has waited long enough.
    pub(super) fn take_batch(&mut self, settings: &Settings, now_ms: u64) -> Option<Vec<Arc<Record>>> {
        let (read_ms, _) = self.waiting.front()?;
        let full = self.waiting.len() >= settings.batch_size || self.waiting_bytes >= PAYLOAD_BYTES;
        if !full && read_ms + settings.window_ms > now_ms {
            return None;
        }
        let mut bytes = 0;
        let mut records = Vec::new();
        while let Some((_, record)) = self.waiting.front() {
            bytes += record.bytes + 1;
            let over = records.len() >= settings.batch_size || bytes > PAYLOAD_BYTES;
            if over && !records.is_empty() {
                break;
            }
            if let Some((_, record)) = self.waiting.pop_front() {
                self.waiting_bytes -= record.bytes;
                records.push(record);
            }
        }
        Some(records)
    }

    /// Moves the too old records of the first batch into a batch of their own, which is given up.
    pub(super) fn split_off_expired(&mut self, settings: &Settings, now_ms: u64) {
        let (Some(max_age_ms), Some(attempt)) = (settings.max_age_ms, self.attempts.front_mut()) else {
            return;
        };
        if attempt.discard.is_some() {
            return;
        }
        let old = |record: &&Arc<Record>| record.at_ms + max_age_ms < now_ms;
        let expired = attempt.records.iter().take_while(old).count();
        if expired == 0 {
            return;
        }
        let rest = attempt.records.split_off(expired);
        let young = Attempt { records: rest, ..attempt.clone() };
        attempt.discard = Some(Condition::RecordAgeExceeded);
        if !young.records.is_empty() {
            self.attempts.insert(1, young);
        }
    }
}

impl Settings {
    pub(super) fn pause_ms(&self, failures: u32) -> u64 {
        let doubled = self.first_pause_ms.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.longest_pause_ms)
    }
}

/// The lane of a key: the same in every run.
pub(super) fn lane_of(key: &str, lanes: usize) -> usize {
    let digest = md5::compute(key).0;
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    number as usize % lanes
}
