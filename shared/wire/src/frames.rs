//! Frames of a live call in a bucket, until its audio is made of them: what a batch of the frame stream brought of the
//! call, as one object.
//!
//! An object is records one after the other, each behind its length as a little-endian u32. Keys sort by receipt, so that
//! what was given up and taken up again, and stands late in its stream, has its place all the same. Objects may hold the
//! same records: a batch may come again with others in it.

use callboard_domain::{CallId, OrgId};
use sha2::{Digest as _, Sha256};

use crate::record::{Record, RecordError};

/// For how long objects are there at least, in milliseconds: the bucket's lifecycle removes them after so many days.
pub const KEPT_MS: i64 = 3 * 24 * 3_600_000;

/// What the keys of a call's frames begin with.
pub fn frames_prefix(org: &OrgId, call: &CallId) -> String {
    format!("frames/{org}/{call}/")
}

/// Which records an object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// When the gateway received its first record: wall clock, milliseconds since the Unix epoch.
    pub received_ms: i64,
    /// The shard's id.
    pub shard: &'a str,
    /// Sequence number of its first record.
    pub first: &'a str,
    /// Sequence number of its last record.
    pub last: &'a str,
}

/// Where what a batch brought of a call is kept: by receipt, and a digest of the rest, which a file's name has no room for.
pub fn frames_key(org: &OrgId, call: &CallId, place: Place<'_>) -> String {
    let Place { received_ms, shard, first, last } = place;
    let digest = hex::encode(Sha256::digest(format!("{shard} {first} {last}")));
    format!("{}{received_ms:015}-{digest:.16}", frames_prefix(org, call))
}

/// Records as they came, as bytes.
pub fn to_bytes<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
        bytes.extend_from_slice(record);
    }
    bytes
}

/// Records from bytes, one after the other. Nothing follows on an error.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = Result<Record, RecordError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let split = rest.split_first_chunk::<4>().and_then(|(length, behind)| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            behind.split_at_checked(length)
        });
        let record = split.ok_or(RecordError::CutOff).and_then(|(record, behind)| {
            rest = behind;
            Record::decode(record)
        });
        if record.is_err() {
            rest = &[];
        }
        Some(record)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Event, sample};

    fn read(bytes: &[u8]) -> Result<Vec<Record>, RecordError> {
        records(bytes).collect()
    }

    #[test]
    fn records_are_read_as_they_came() {
        let all = [sample(Event::Audio { seq: 7 }), sample(Event::Stop { seq: 7 }), sample(Event::Connected)];
        let encoded: Vec<Vec<u8>> = all.iter().map(Record::encode).collect();
        let bytes = to_bytes(encoded.iter().map(Vec::as_slice));
        assert_eq!(read(&bytes), Ok(all.to_vec()));
        assert_eq!(read(&to_bytes([])), Ok(Vec::new()));
        for (bytes, expected) in [
            (&bytes[..bytes.len() - 1], RecordError::CutOff),
            (&bytes[..3], RecordError::CutOff),
            (&[1, 0, 0, 0, 9, 1, 0, 0, 0, 9], RecordError::Version(9)),
        ] {
            assert_eq!(records(bytes).filter_map(Result::err).collect::<Vec<_>>(), [expected]);
        }
    }

    #[test]
    fn keys_sort_by_receipt_and_are_one_for_each_place() {
        let (org, call) = (OrgId::parse("acme").unwrap(), CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap());
        let key = |received_ms, shard, first, last| frames_key(&org, &call, Place { received_ms, shard, first, last });
        let one = key(1_700_000_000_000, "shardId-000000000003", "49", "51");
        assert_eq!(one, "frames/acme/01ARZ3NDEKTSV4RRFFQ69G5FAV/001700000000000-af7766c0e1ecba4e");
        for other in [
            ("shardId-000000000002", "49", "51"),
            ("shardId-000000000003", "48", "51"),
            ("shardId-000000000003", "49", "50"),
        ] {
            let other = key(1_700_000_000_000, other.0, other.1, other.2);
            assert!(other != one && other > key(999_999_999_999, "shardId-000000000003", "49", "51"));
        }
    }
}
