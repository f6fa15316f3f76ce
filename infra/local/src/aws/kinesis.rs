//! A small partitioned log: what stands behind a Kinesis stream.
//!
//! Sequence numbers count up over all streams, so order holds within any shard however records are spread. When the
//! template's shard count changes, old records are spread anew by their stored hashes, and each reader goes back to
//! the lowest position that any of its old shards had: some records come again, none is missed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{OptionalExtension, params};

use super::{
    AwsError, Changes, WallClock,
    shards::{create_or_reshard, hash_key, shard_id, shard_of},
    state::State,
};
use crate::template::{EventSource, Stream, Template};

/// What one shard takes a second.
const RECORDS_PER_SECOND: u64 = 1000;
const BYTES_PER_SECOND: u64 = 1024 * 1024;

/// Records deleted in one transaction.
const TRIMMED_AT_ONCE: usize = 200;

/// A record as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecord {
    /// Position: counts up over all streams.
    pub position: u64,
    /// Partition key.
    pub partition_key: String,
    /// When it arrived, in milliseconds since the epoch.
    pub at_ms: u64,
    /// The record's data.
    pub data: Vec<u8>,
}

/// The template's streams.
#[derive(Clone)]
pub struct Kinesis {
    state: State,
    clock: WallClock,
    changes: Changes,
    streams: Arc<BTreeMap<String, Stream>>,
    enforce: Arc<AtomicBool>,
    spent: Arc<Mutex<BTreeMap<(String, usize), Spent>>>,
}

/// What a shard took in the current second.
#[derive(Default)]
struct Spent {
    second: u64,
    records: u64,
    bytes: u64,
}

/// Why a record was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutError {
    #[error("rate exceeded for shard {0}")]
    Throughput(String),
    #[error(transparent)]
    State(#[from] AwsError),
}

/// A record's shard and position, or why it was not taken.
pub(crate) type PutAnswer = Result<(usize, u64), PutError>;

/// A record on its way in.
pub(crate) struct NewRecord {
    pub(crate) partition_key: String,
    pub(crate) explicit_hash: Option<u128>,
    pub(crate) data: Vec<u8>,
}

impl Kinesis {
    pub(crate) fn open(
        state: State,
        template: &Template,
        clock: WallClock,
        changes: Changes,
    ) -> Result<Kinesis, AwsError> {
        let now_ms = as_i64(clock());
        for stream in &template.streams {
            let mappings: Vec<&str> = template
                .event_sources
                .iter()
                .filter(|mapping| mapping.source == EventSource::Kinesis(stream.name.clone()))
                .map(|mapping| mapping.id.as_str())
                .collect();
            state.with(|connection| create_or_reshard(connection, stream, &mappings, now_ms))?;
        }
        let streams = template.streams.iter().map(|stream| (stream.name.clone(), stream.clone()));
        Ok(Kinesis {
            state,
            clock,
            changes,
            streams: Arc::new(streams.collect()),
            enforce: Arc::default(),
            spent: Arc::default(),
        })
    }

    pub(crate) fn enforce_throughput(&self, enforce: bool) {
        self.enforce.store(enforce, Ordering::Relaxed);
    }

    /// A stream of the template.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(name)
    }

    /// All streams of the template.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.streams.values()
    }

    /// Appends records; each answer is the record's shard and position.
    pub(crate) fn put(&self, stream: &Stream, records: &[NewRecord]) -> Result<Vec<PutAnswer>, AwsError> {
        let now_ms = (self.clock)();
        let answers = self.state.with(|connection| {
            let transaction = connection.transaction()?;
            let mut answers = Vec::with_capacity(records.len());
            {
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO kinesis_records (stream, shard, hash, partition_key, at_ms, data)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?;
                for record in records {
                    let hash = record.explicit_hash.unwrap_or_else(|| hash_key(&record.partition_key));
                    let shard = shard_of(hash, stream.shards);
                    if !self.has_room(&stream.name, shard, record.data.len(), now_ms) {
                        answers.push(Err(PutError::Throughput(shard_id(shard))));
                        continue;
                    }
                    insert.execute(params![
                        stream.name,
                        shard as i64,
                        hash.to_be_bytes(),
                        record.partition_key,
                        as_i64(now_ms),
                        record.data,
                    ])?;
                    answers.push(Ok((shard, transaction.last_insert_rowid().unsigned_abs())));
                }
            }
            transaction.commit()?;
            Ok(answers)
        })?;
        self.changes.announce(&format!("kinesis/{}", stream.name));
        Ok(answers)
    }

    /// Records of a shard after a position, oldest first, up to a number of records and of bytes (but one at least).
    pub fn read(
        &self,
        stream: &str,
        shard: usize,
        after: u64,
        limit: usize,
        max_bytes: usize,
    ) -> Result<Vec<StoredRecord>, AwsError> {
        self.state.with(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT seq, partition_key, at_ms, data FROM kinesis_records
                 WHERE stream = ?1 AND shard = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4",
            )?;
            let mut rows = select.query(params![stream, shard as i64, as_i64(after), limit as i64])?;
            let mut records: Vec<StoredRecord> = Vec::new();
            let mut bytes = 0;
            while let Some(row) = rows.next()? {
                let data: Vec<u8> = row.get(3)?;
                bytes += data.len();
                if bytes > max_bytes && !records.is_empty() {
                    break;
                }
                records.push(StoredRecord {
                    position: row.get::<_, i64>(0)?.unsigned_abs(),
                    partition_key: row.get(1)?,
                    at_ms: row.get::<_, i64>(2)?.unsigned_abs(),
                    data,
                });
            }
            Ok(records)
        })
    }

    /// Position and arrival time of a shard's newest record.
    pub fn last(&self, stream: &str, shard: usize) -> Result<Option<(u64, u64)>, AwsError> {
        self.state.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT seq, at_ms FROM kinesis_records WHERE stream = ?1 AND shard = ?2
                     ORDER BY seq DESC LIMIT 1",
                )?
                .query_row(params![stream, shard as i64], |row| {
                    Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
                })
                .optional()
        })
    }

    /// The position just before the first record that arrived at a time or later.
    pub(crate) fn before(&self, stream: &str, shard: usize, at_ms: u64) -> Result<u64, AwsError> {
        let first: Option<i64> = self.state.with(|connection| {
            connection
                .prepare_cached(
                    "SELECT MIN(seq) FROM kinesis_records WHERE stream = ?1 AND shard = ?2 AND at_ms >= ?3",
                )?
                .query_row(params![stream, shard as i64, as_i64(at_ms)], |row| row.get(0))
        })?;
        match first {
            Some(first) => Ok(first.unsigned_abs() - 1),
            None => Ok(self.last(stream, shard)?.map_or(0, |(position, _)| position)),
        }
    }

    /// Drops records that are past their stream's retention.
    pub(crate) fn trim(&self) -> Result<(), AwsError> {
        let now_ms = (self.clock)();
        for stream in self.streams.values() {
            let oldest_ms = now_ms.saturating_sub(stream.retention_hours * 3_600_000);
            for shard in 0..stream.shards {
                while self.trim_some(&stream.name, shard, oldest_ms)? == TRIMMED_AT_ONCE {}
            }
        }
        Ok(())
    }

    /// Looks at a shard's first records only: arrival times follow the sequence.
    fn trim_some(&self, stream: &str, shard: usize, oldest_ms: u64) -> Result<usize, AwsError> {
        self.state.with(|connection| {
            connection
                .prepare_cached(
                    "DELETE FROM kinesis_records WHERE at_ms < ?3 AND seq IN (
                        SELECT seq FROM kinesis_records WHERE stream = ?1 AND shard = ?2 ORDER BY seq LIMIT ?4)",
                )?
                .execute(params![stream, shard as i64, as_i64(oldest_ms), TRIMMED_AT_ONCE as i64])
        })
    }

    fn has_room(&self, stream: &str, shard: usize, bytes: usize, now_ms: u64) -> bool {
        if !self.enforce.load(Ordering::Relaxed) {
            return true;
        }
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = spent.entry((stream.to_owned(), shard)).or_default();
        if spent.second != now_ms / 1000 {
            *spent = Spent { second: now_ms / 1000, ..Spent::default() };
        }
        let bytes = spent.bytes + bytes as u64;
        if spent.records >= RECORDS_PER_SECOND || bytes > BYTES_PER_SECOND {
            return false;
        }
        spent.records += 1;
        spent.bytes = bytes;
        true
    }
}

fn as_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
