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

use rusqlite::{Connection, OptionalExtension, params};

use super::{AwsError, Changes, WallClock, state::State};
use crate::template::{EventSource, Stream, Template};

/// What one shard takes a second.
const RECORDS_PER_SECOND: u64 = 1000;
const BYTES_PER_SECOND: u64 = 1024 * 1024;

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
    pub(crate) fn put(
        &self,
        stream: &Stream,
        records: &[NewRecord],
    ) -> Result<Vec<Result<(usize, u64), PutError>>, AwsError> {
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
            let oldest = now_ms.saturating_sub(stream.retention_hours * 3_600_000);
            self.state.with(|connection| {
                // Arrival times follow the sequence, so the oldest records stand at the index's start.
                connection
                    .prepare_cached(
                        "DELETE FROM kinesis_records WHERE seq IN (
                            SELECT seq FROM kinesis_records WHERE stream = ?1 AND seq < COALESCE(
                                (SELECT MIN(seq) FROM kinesis_records WHERE stream = ?1 AND at_ms >= ?2),
                                9223372036854775807))",
                    )?
                    .execute(params![stream.name, as_i64(oldest)])
            })?;
        }
        Ok(())
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

fn create_or_reshard(
    connection: &mut Connection,
    stream: &Stream,
    mappings: &[&str],
    now_ms: i64,
) -> rusqlite::Result<()> {
    let shards = stream.shards as i64;
    let transaction = connection.transaction()?;
    let before: Option<i64> = transaction
        .query_row("SELECT shards FROM kinesis_streams WHERE name = ?1", [&stream.name], |row| row.get(0))
        .optional()?;
    if before == Some(shards) {
        return Ok(());
    }
    transaction.execute(
        "INSERT INTO kinesis_streams (name, shards, created_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET shards = excluded.shards",
        params![stream.name, shards, now_ms],
    )?;
    if let Some(before) = before {
        tracing::info!(stream = stream.name, before, after = shards, "records spread over another number of shards");
        respread(&transaction, stream)?;
        for mapping in mappings {
            rewind(&transaction, mapping, stream.shards)?;
        }
    }
    transaction.commit()
}

fn respread(connection: &Connection, stream: &Stream) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT seq, hash FROM kinesis_records WHERE stream = ?1")?;
    let rows = select.query_map([&stream.name], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?)))?;
    let rows: Vec<(i64, [u8; 16])> = rows.collect::<rusqlite::Result<_>>()?;
    let mut update = connection.prepare("UPDATE kinesis_records SET shard = ?2 WHERE seq = ?1")?;
    for (seq, hash) in rows {
        let shard = shard_of(u128::from_be_bytes(hash), stream.shards);
        update.execute(params![seq, shard as i64])?;
    }
    Ok(())
}

fn rewind(connection: &Connection, mapping: &str, shards: usize) -> rusqlite::Result<()> {
    let lowest: Option<i64> =
        connection.query_row("SELECT MIN(position) FROM positions WHERE mapping = ?1", [mapping], |row| row.get(0))?;
    let Some(lowest) = lowest else {
        return Ok(());
    };
    connection.execute("DELETE FROM positions WHERE mapping = ?1", [mapping])?;
    for shard in 0..shards {
        connection.execute(
            "INSERT INTO positions (mapping, shard, position) VALUES (?1, ?2, ?3)",
            params![mapping, shard_id(shard), lowest],
        )?;
    }
    Ok(())
}

/// A partition key's place in the range of hash keys.
pub(crate) fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(md5::compute(partition_key).0)
}

/// The first hash key of a shard: the range is cut evenly.
pub(crate) fn first_hash(shard: usize, shards: usize) -> u128 {
    (u128::MAX / shards.max(1) as u128 + u128::from(shards > 1)) * shard as u128
}

fn shard_of(hash: u128, shards: usize) -> usize {
    (1..shards).rev().find(|shard| hash >= first_hash(*shard, shards)).unwrap_or(0)
}

/// A shard's name.
pub fn shard_id(shard: usize) -> String {
    format!("shardId-{shard:012}")
}

/// A position as the public, 56-digit sequence number: fixed width, so that text and number order agree.
pub fn sequence_number(position: u64) -> String {
    format!("49{position:054}")
}

/// The position behind a sequence number.
pub(crate) fn parse_sequence_number(number: &str) -> Option<u64> {
    if number.len() != 56 {
        return None;
    }
    number.strip_prefix("49")?.parse().ok()
}

fn as_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_ranges_cover_everything_once() {
        for shards in 1..9 {
            for shard in 0..shards {
                let first = first_hash(shard, shards);
                assert_eq!(shard_of(first, shards), shard);
                if shard > 0 {
                    assert_eq!(shard_of(first - 1, shards), shard - 1);
                }
            }
            assert_eq!(shard_of(u128::MAX, shards), shards - 1);
        }
    }

    #[test]
    fn sequence_numbers_sort_as_text() {
        assert!(sequence_number(9) < sequence_number(10));
        assert_eq!(parse_sequence_number(&sequence_number(12345)), Some(12345));
        assert_eq!(parse_sequence_number("12345"), None);
    }
}
