//! The `live` table: a call's session between two batches, one version an item, put only where there is none.
//!
//! A session's bytes stand in the version's own item as far as they fit, the rest in part items written before it, so
//! that a version that exists is whole. Old versions expire.

use std::collections::BTreeSet;

use callboard_domain::{CallId, OrgId};
use callboard_wire::{items::call_pk, record::Header};
use serde::{Deserialize, Serialize};

use crate::{
    ServiceError,
    table::{Query, Table, Written, number},
};

/// Most bytes of a session in one item: DynamoDB's 400 KB less room for the rest.
const PART_BYTES: usize = 380_000;
/// Partition of the calls that are open, for the sweeper.
const OPEN_PK: &str = "OPEN";
/// How long a version is kept, in seconds: far longer than a batch can be retried…
const KEEP_S: i64 = 24 * 3_600;
/// …and that of a call that is over: longer than what was given up of it is kept, and may be taken up again.
const KEEP_ENDED_S: i64 = 31 * 24 * 3_600;

/// The table.
#[derive(Debug, Clone)]
pub struct Live(Table);

/// One version of a call's session.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Counts up from 1.
    pub number: u64,
    /// The session as its owner wrote it.
    pub state: Vec<u8>,
}

/// An open call: what the sweeper needs to end it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenCall {
    pk: String,
    sk: String,
    /// Latest receipt of audio that was noted: wall clock, ms. Up to some seconds behind.
    pub heard_ms: i64,
    /// A header of the call's records.
    pub header: Header,
}

#[derive(Serialize, Deserialize)]
struct VersionItem {
    pk: String,
    sk: String,
    version: u64,
    /// How many items it is; most are one, and say nothing of it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    parts: usize,
    /// Tells the parts of two environments that race for one version apart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    digest: String,
    #[serde(with = "serde_bytes")]
    state: Vec<u8>,
    expires_at: i64,
}

impl Live {
    /// The table behind a client.
    pub fn new(table: Table) -> Self {
        Self(table)
    }

    /// The latest versions of a call's session, so many at most, the last one first.
    pub async fn latest(&self, org: &OrgId, call: &CallId, most: usize) -> Result<Vec<Version>, ServiceError> {
        let pk = call_pk(org, call);
        let query = Query { pk: &pk, prefix: Some("V#"), descending: true, limit: Some(most), ..Query::default() };
        let mut versions = Vec::new();
        for item in self.0.query::<VersionItem>(&query).await?.items {
            let number = item.version;
            versions.push(Version { number, state: self.whole(&pk, item).await? });
        }
        Ok(versions)
    }

    /// The bytes of earlier versions of a call's session, of those of these that are there.
    pub async fn earlier(
        &self,
        org: &OrgId,
        call: &CallId,
        numbers: &BTreeSet<u64>,
    ) -> Result<Vec<Version>, ServiceError> {
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Ok(Vec::new()) };
        let pk = call_pk(org, call);
        let after = version_sk(first.saturating_sub(1));
        let limit = usize::try_from(last - first + 1).ok();
        let query = Query { pk: &pk, after: Some(&after), limit, ..Query::default() };
        let mut versions = Vec::new();
        for item in self.0.query::<VersionItem>(&query).await?.items {
            if numbers.contains(&item.version) && item.sk == version_sk(item.version) {
                let number = item.version;
                versions.push(Version { number, state: self.whole(&pk, item).await? });
            }
        }
        Ok(versions)
    }

    /// All bytes of a version.
    async fn whole(&self, pk: &str, item: VersionItem) -> Result<Vec<u8>, ServiceError> {
        let mut state = item.state;
        for part in 1..item.parts {
            let part: Option<VersionItem> = self.0.get(pk, &part_sk(item.version, &item.digest, part)).await?;
            let reason = "a part of a session is missing".to_owned();
            let part = part.ok_or(ServiceError::Corrupt { table: "live".into(), reason })?;
            state.extend(part.state);
        }
        Ok(state)
    }

    /// Stores a version, which may be the last of its call; `No` says that another environment stored it first.
    pub async fn put(
        &self,
        org: &OrgId,
        call: &CallId,
        version: &Version,
        now_ms: i64,
        ended: bool,
    ) -> Result<Written, ServiceError> {
        let parts: Vec<&[u8]> = version.state.chunks(PART_BYTES).collect();
        let digest = if parts.len() > 1 { digest(&version.state) } else { String::new() };
        let item = |sk: String, state: &[u8]| VersionItem {
            pk: call_pk(org, call),
            sk,
            version: version.number,
            parts: parts.len().max(1),
            digest: digest.clone(),
            state: state.to_vec(),
            expires_at: now_ms / 1_000 + if ended { KEEP_ENDED_S } else { KEEP_S },
        };
        for (at, part) in parts.iter().enumerate().skip(1) {
            self.0.put(&item(part_sk(version.number, &digest, at), part)).await?;
        }
        let first = parts.first().copied().unwrap_or_default();
        self.0.put_new(&item(version_sk(version.number), first)).await
    }

    /// Notes that a call is about to begin, unless it is known already: should nothing more be heard of it, the
    /// sweeper ends it.
    pub async fn note_claimed(&self, header: &Header) -> Result<(), ServiceError> {
        let sk = call_pk(&header.org, &header.call);
        let item = OpenCall { pk: OPEN_PK.into(), sk, heard_ms: header.received_ms, header: header.clone() };
        self.0.put_new(&item).await.map(|_| ())
    }

    /// Notes that a call is open and when it was last heard.
    pub async fn note_open(&self, header: &Header, heard_ms: i64) -> Result<(), ServiceError> {
        let sk = call_pk(&header.org, &header.call);
        self.0.put(&OpenCall { pk: OPEN_PK.into(), sk, heard_ms, header: header.clone() }).await
    }

    /// Notes that a call is over, as far as it was heard: a later sign of life keeps it open.
    pub async fn note_closed(&self, org: &OrgId, call: &CallId, heard_ms: i64) -> Result<(), ServiceError> {
        let heard = [(":heard", number(heard_ms))];
        self.0.delete_when(OPEN_PK, &call_pk(org, call), "#heard_ms <= :heard", heard).await.map(|_| ())
    }

    /// Forgets a call's sessions, and that it was ever open.
    pub async fn forget(&self, org: &OrgId, call: &CallId) -> Result<(), ServiceError> {
        let pk = call_pk(org, call);
        self.0.delete(OPEN_PK, &pk).await?;
        self.0.delete_partition(&pk, &[]).await.map(|_| ())
    }

    /// All open calls.
    pub async fn open_calls(&self) -> Result<Vec<OpenCall>, ServiceError> {
        Ok(self.0.query(&Query { pk: OPEN_PK, ..Query::default() }).await?.items)
    }
}

fn one() -> usize {
    1
}

fn is_one(parts: &usize) -> bool {
    *parts == 1
}

fn version_sk(version: u64) -> String {
    format!("V#{version:012}")
}

fn part_sk(version: u64, digest: &str, part: usize) -> String {
    format!("P#{version:012}#{digest}#{part:03}")
}

fn digest(state: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write(state);
    format!("{:016x}", hasher.finish())
}

/// Bytes as DynamoDB's binary type.
mod serde_bytes {
    use serde::{Deserializer, Serializer, de::Visitor};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}
