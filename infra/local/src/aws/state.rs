//! The one SQLite file that holds Kinesis records, event source positions and queues.
//!
//! WAL with synchronous=NORMAL: what was answered survives the death of the process, though not that of the machine.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;

use super::AwsError;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS kinesis_streams (
    name TEXT PRIMARY KEY, shards INTEGER NOT NULL, created_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kinesis_records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, shard INTEGER NOT NULL, hash BLOB NOT NULL,
    partition_key TEXT NOT NULL, at_ms INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS kinesis_by_shard ON kinesis_records (stream, shard, seq);
CREATE TABLE IF NOT EXISTS positions (
    mapping TEXT NOT NULL, shard TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (mapping, shard)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queue_messages (
    queue TEXT NOT NULL, seq INTEGER NOT NULL, message TEXT NOT NULL, PRIMARY KEY (queue, seq)
);
CREATE TABLE IF NOT EXISTS queue_duplicates (
    queue TEXT NOT NULL, key TEXT NOT NULL, seen TEXT NOT NULL, PRIMARY KEY (queue, key)
);
";

/// A shared connection to the state file.
#[derive(Clone)]
pub(crate) struct State {
    connection: Arc<Mutex<Connection>>,
}

impl State {
    /// Opens the file, or an in-memory database without one.
    pub(crate) fn open(path: Option<&Path>) -> Result<State, AwsError> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(SCHEMA)?;
        Ok(State { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs statements one after the other with everybody else's. Short: the caller may be an async task.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, AwsError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(work(&mut connection)?)
    }
}
