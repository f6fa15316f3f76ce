//! How keys spread over shards, how shards and records are named, and what happens when the number of shards changes.

use rusqlite::{Connection, OptionalExtension, params};

use crate::template::Stream;

/// Makes a stream known; if it had another number of shards, spreads its records anew and sends its readers back.
pub(super) fn create_or_reshard(
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

/// The shard of a hash key.
pub(super) fn shard_of(hash: u128, shards: usize) -> usize {
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
