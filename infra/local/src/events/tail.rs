//! The newest records of each shard, as they are handed on: several mappings read a stream one shortly after the other, and
//! to read and unfold a record costs more than to write it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::batching::Record;
use crate::aws::AwsError;

/// Most records of a shard that are kept, and most bytes of them.
const MOST: usize = 500;
const MOST_BYTES: usize = 4 << 20;

/// Those of all shards, by name.
#[derive(Default)]
pub(crate) struct Tails(Mutex<HashMap<String, Arc<Mutex<Tail>>>>);

/// Those of one shard: all that there were after a position, when it was last looked.
#[derive(Default)]
struct Tail {
    after: u64,
    records: VecDeque<Record>,
    bytes: usize,
}

impl Tails {
    /// Records of a shard after a position, oldest first: some of what is kept, else of what `read` gives.
    pub(crate) fn read(
        &self,
        shard: &str,
        after: u64,
        limit: usize,
        read: impl FnOnce() -> Result<Vec<Record>, AwsError>,
    ) -> Result<Vec<Record>, AwsError> {
        let tail = lock(&self.0).entry(shard.to_owned()).or_default().clone();
        let mut tail = lock(&tail);
        if after < tail.after {
            return read();
        }
        let known = tail.after(after, limit);
        if !known.is_empty() {
            return Ok(known);
        }
        let found = read()?;
        tail.extend(after, &found);
        Ok(found)
    }
}

impl Tail {
    fn after(&self, position: u64, limit: usize) -> Vec<Record> {
        let first = self.records.partition_point(|record| record.position <= position);
        self.records.range(first..).take(limit).cloned().collect()
    }

    /// Adds what follows on a position that nothing newer is kept of.
    fn extend(&mut self, position: u64, found: &[Record]) {
        if self.records.back().map_or(self.after, |last| last.position) < position {
            *self = Self { after: position, ..Self::default() };
        }
        for record in found {
            self.bytes += record.bytes;
            self.records.push_back(record.clone());
        }
        while self.records.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.records.pop_front() else { return };
            self.bytes -= oldest.bytes;
            self.after = oldest.position;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(position: u64) -> Record {
        Record {
            position,
            sequence: position.to_string(),
            key: "k".into(),
            at_ms: 0,
            bytes: 10,
            event: Arc::new(json!({})),
        }
    }

    /// A shard of so many records, of which every second position is one; readers ask one after the other.
    fn check(count: u64, asked: &[(u64, usize)], reads: usize) {
        let tails = Tails::default();
        let mut read = 0;
        for &(after, limit) in asked {
            let all = || (1..=count).map(|number| record(2 * number)).filter(|record| record.position > after);
            let found = tails
                .read("shard", after, limit, || {
                    read += 1;
                    Ok(all().take(limit).collect())
                })
                .unwrap();
            let expected: Vec<Record> = all().take(found.len()).collect();
            assert_eq!(found, expected, "after {after}");
            assert_eq!(found.is_empty(), all().next().is_none() || limit == 0, "after {after}");
            assert!(found.len() <= limit);
        }
        assert_eq!(read, reads, "{asked:?}");
    }

    #[test]
    fn what_one_reader_read_the_next_is_given() {
        check(9, &[(0, 5), (0, 5), (4, 2), (3, 9), (0, 1)], 1);
        check(9, &[(0, 5), (10, 5), (0, 3), (6, 9)], 2);
    }

    #[test]
    fn a_reader_who_is_behind_or_far_ahead_reads_for_itself() {
        check(9, &[(6, 9), (0, 3), (6, 3)], 2);
        check(9, &[(0, 2), (10, 2), (0, 2), (12, 2)], 3);
        check(2_000, &[(0, 1_000), (0, 10), (1_998, 10), (2_000, 10)], 3);
    }

    #[test]
    fn the_end_is_looked_at_anew_each_time() {
        check(2, &[(0, 9), (4, 9), (4, 9), (0, 9)], 3);
    }
}
