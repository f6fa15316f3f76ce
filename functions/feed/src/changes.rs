//! Which changes of a call a listener was not told yet: from the call's revision counter and from what was read. No I/O.
//!
//! Every change took its number from the counter before it was stored, and an item shows its last one only. So each
//! number that the counter passed is missing until an item shows it: until then it may have been overwritten by a later
//! one, have come to nothing, be stored in a moment, or stand in a segment that was not read. What is cheap is read
//! first; all segments are read only where numbers stay missing, and then seldom.

use std::collections::{BTreeMap, BTreeSet};

use callboard_domain::Channel;
use callboard_wire::messages::{SegmentMessage, ServerMessage};

use crate::encode::head;

/// How many of the last segments, by start, are read when a call changed: more than begin within the longest utterance.
pub(crate) const LAST_SEGMENTS: usize = 16;
/// How many segments that may still change are read by name.
const MOST_NAMED: usize = 16;
/// All segments are read again after this time at the earliest, in milliseconds.
const SEARCH_MS: i64 = 10_000;
/// So long after its number was seen, a change that is not found is looked for again, in milliseconds…
const LATE_MS: i64 = 2_000;
/// …and so many numbers are kept, so that what is stored later still is told when something else changes.
const MOST_MISSING: usize = 64;

/// A segment within its call: where it begins, and who spoke.
pub(crate) type SegmentKey = (u64, Channel);

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// What stands apart from segments, and the last segments.
    Recent,
    /// These segments.
    Named(Vec<SegmentKey>),
    /// What stands apart from segments, and all segments.
    All,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Read {
    /// The items, as messages.
    pub(crate) messages: Vec<ServerMessage>,
    /// How often progress was written; none if that was not read.
    pub(crate) progress_writes: Option<u64>,
}

/// A change that a listener was not told yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fresh {
    /// Its revision.
    pub(crate) revision: u64,
    /// Its type.
    pub(crate) kind: String,
    /// The message.
    pub(crate) message: ServerMessage,
}

/// A number of the counter that no item shows.
#[derive(Debug, Clone, Copy)]
struct Missing {
    since_ms: i64,
    searched: bool,
}

/// What a listener was told of one call.
#[derive(Debug)]
pub(crate) struct Changes {
    begun: bool,
    counter: u64,
    missing: BTreeMap<u64, Missing>,
    /// Segments that were not finished when they were read: of all known ones, only these can change.
    open: BTreeSet<SegmentKey>,
    progress_writes: Option<u64>,
    searched_ms: Option<i64>,
}

impl Changes {
    /// Of a listener that knows all up to a revision.
    pub(crate) fn after(revision: u64) -> Self {
        Self {
            begun: false,
            counter: revision,
            missing: BTreeMap::new(),
            open: BTreeSet::new(),
            progress_writes: None,
            searched_ms: None,
        }
    }

    /// Takes the counter's value, and says what to read, if anything: always something until something was read.
    pub(crate) fn look(&mut self, counter: u64, now_ms: i64) -> Option<Look> {
        let passed = counter.saturating_sub(self.counter);
        let new = self.counter + 1..=counter;
        self.missing.extend(new.map(|revision| (revision, Missing { since_ms: now_ms, searched: false })));
        self.counter = self.counter.max(counter);
        if passed > LAST_SEGMENTS as u64 {
            return Some(Look::All);
        }
        if !self.begun || passed > 0 {
            return Some(Look::Recent);
        }
        if self.unsearched() > 0 && self.may_search(now_ms) {
            return Some(Look::All);
        }
        let late = self.missing.values().any(|missing| now_ms - missing.since_ms < LATE_MS);
        late.then_some(Look::Recent)
    }

    /// Takes what was read, and gives what is new in it, and what to read besides.
    pub(crate) fn take(&mut self, look: &Look, read: Read, now_ms: i64) -> (Vec<Fresh>, Option<Look>) {
        self.begun = true;
        let mut known = BTreeSet::new();
        let mut fresh = Vec::new();
        for message in read.messages {
            if let ServerMessage::Segment(segment) = &message {
                known.insert(self.notice(segment));
            }
            let Some(head) = head(&message) else { continue };
            if let Some(revision) = head.revision.filter(|revision| self.missing.remove(revision).is_some()) {
                fresh.push(Fresh { revision, kind: head.kind, message });
            }
        }
        self.account_for_progress(read.progress_writes);
        let more = match look {
            Look::All => {
                self.searched(now_ms);
                None
            }
            Look::Recent | Look::Named(_) if self.unsearched() == 0 => None,
            Look::Recent => self.named(&known).or_else(|| self.may_search(now_ms).then_some(Look::All)),
            Look::Named(_) => self.may_search(now_ms).then_some(Look::All),
        };
        (fresh, more)
    }

    /// Whether all that may be missing was looked for everywhere.
    pub(crate) fn is_settled(&self) -> bool {
        self.unsearched() == 0
    }

    /// Remembers whether a segment may still change.
    fn notice(&mut self, segment: &SegmentMessage) -> SegmentKey {
        let key = (segment.start_ms, segment.channel);
        if is_finished(segment) {
            self.open.remove(&key);
        } else {
            self.open.insert(key);
        }
        key
    }

    /// Progress says how often it was written: numbers that it took and overwrote are not missing anywhere.
    fn account_for_progress(&mut self, writes: Option<u64>) {
        let Some(writes) = writes else { return };
        let before = self.progress_writes.replace(writes).unwrap_or(writes);
        let overwritten = writes.saturating_sub(before).saturating_sub(1);
        if self.unsearched() as u64 <= overwritten {
            self.missing.values_mut().for_each(|missing| missing.searched = true);
        }
    }

    /// All was read: what is missing now is nowhere, or not stored yet.
    fn searched(&mut self, now_ms: i64) {
        self.searched_ms = Some(now_ms);
        self.missing.values_mut().for_each(|missing| missing.searched = true);
        while self.missing.len() > MOST_MISSING {
            self.missing.pop_first();
        }
    }

    fn unsearched(&self) -> usize {
        self.missing.values().filter(|missing| !missing.searched).count()
    }

    fn may_search(&self, now_ms: i64) -> bool {
        self.searched_ms.is_none_or(|searched_ms| now_ms - searched_ms >= SEARCH_MS)
    }

    /// The segments that may have changed and were not just read, if they are few.
    fn named(&self, known: &BTreeSet<SegmentKey>) -> Option<Look> {
        let keys: Vec<_> = self.open.difference(known).copied().collect();
        (1..=MOST_NAMED).contains(&keys.len()).then_some(Look::Named(keys))
    }
}

/// Whether a segment never changes again.
pub(crate) fn is_finished(segment: &SegmentMessage) -> bool {
    segment.is_final && !segment.provisional
}

#[cfg(test)]
mod tests;
