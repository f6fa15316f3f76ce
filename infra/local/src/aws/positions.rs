//! How far each event source mapping has come in each shard: everything up to a position is done.

use rusqlite::{OptionalExtension, params};

use super::{AwsError, state::State};

/// Stored positions, by mapping and shard.
#[derive(Clone)]
pub struct Positions {
    state: State,
}

impl Positions {
    pub(crate) fn new(state: State) -> Positions {
        Positions { state }
    }

    /// The position of a mapping in a shard, if it ever stored one.
    pub fn load(&self, mapping: &str, shard: &str) -> Result<Option<u64>, AwsError> {
        self.state.with(|connection| {
            connection
                .prepare_cached("SELECT position FROM positions WHERE mapping = ?1 AND shard = ?2")?
                .query_row(params![mapping, shard], |row| row.get::<_, i64>(0))
                .optional()
                .map(|position| position.map(|position| position.unsigned_abs()))
        })
    }

    /// Stores a position.
    pub fn store(&self, mapping: &str, shard: &str, position: u64) -> Result<(), AwsError> {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.state.with(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO positions (mapping, shard, position) VALUES (?1, ?2, ?3)
                     ON CONFLICT (mapping, shard) DO UPDATE SET position = excluded.position",
                )?
                .execute(params![mapping, shard, position])
                .map(drop)
        })
    }
}
