//! Keeps the engine's stream log flat: a second connection to its file adds the indexes that the engine lacks and
//! deletes what every reader has acknowledged.
//!
//! Without them each write scans the log for its next sequence number: 342 µs at first, 3.1 ms at 20,000 records.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, params};

use super::AwsError;

const INDEXES: &str = "
CREATE INDEX IF NOT EXISTS callboard_stream_by_sequence
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
CREATE INDEX IF NOT EXISTS callboard_stream_by_shard
    ON _stream_records (table_name, shard_id, CAST(sequence_number AS INTEGER));
";

/// Rows deleted in one transaction, so that the engine never waits long for the file.
const DELETED_AT_ONCE: i64 = 200;

/// The second connection.
#[derive(Clone)]
pub(crate) struct StreamLog {
    connection: Arc<Mutex<Connection>>,
}

impl StreamLog {
    /// Opens the engine's file, which must exist, and adds the indexes.
    pub(crate) fn open(path: &Path) -> Result<StreamLog, AwsError> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(INDEXES)?;
        Ok(StreamLog { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Deletes records up to `acknowledged`, and older ones than `oldest_s`. The newest record stays, so that
    /// LATEST keeps its meaning.
    pub(crate) fn trim(&self, table: &str, acknowledged: u64, oldest_s: u64) -> Result<(), AwsError> {
        let acknowledged = i64::try_from(acknowledged).unwrap_or(i64::MAX);
        let oldest_s = i64::try_from(oldest_s).unwrap_or(i64::MAX);
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut delete = connection.prepare_cached(
            "DELETE FROM _stream_records WHERE rowid IN (
                SELECT rowid FROM _stream_records
                WHERE table_name = ?1
                  AND (CAST(sequence_number AS INTEGER) <= ?2 OR created_at < ?3)
                  AND CAST(sequence_number AS INTEGER) < (
                      SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
                ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?4)",
        )?;
        loop {
            let deleted = delete.execute(params![table, acknowledged, oldest_s, DELETED_AT_ONCE])?;
            if i64::try_from(deleted).unwrap_or(0) < DELETED_AT_ONCE {
                return Ok(());
            }
        }
    }
}
