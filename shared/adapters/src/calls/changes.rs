//! What stands in a call apart from its segments, whatever kinds of items that is: for whoever reads changes and does not
//! get them pushed.

use callboard_domain::{CallId, OrgId};
use callboard_wire::{
    items::{ItemReader, call_pk, change_of, sk},
    messages::ServerMessage,
};
use serde::Deserialize;

use super::Calls;
use crate::{
    ServiceError,
    table::{Item, Query, Table},
};

/// What stands in a call apart from its segments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// The latest change of each item.
    pub changes: Vec<ServerMessage>,
    /// How often progress was written: each time it was, it took a revision.
    pub progress_writes: u64,
}

struct Stored<'a>(&'a Table, &'a Item);

impl ItemReader<ServiceError> for Stored<'_> {
    fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, ServiceError> {
        self.0.read(self.1.clone())
    }
}

impl Calls {
    /// What stands in a call apart from its segments: one query, whose cost does not grow with the call's length but for
    /// what is found in it.
    pub async fn standing(&self, org: &OrgId, call: &CallId) -> Result<Standing, ServiceError> {
        let pk = call_pk(org, call);
        // Every other item's sort key is below those of segments.
        let query = Query { pk: &pk, after: Some(sk::SEGMENT), descending: true, ..Query::default() };
        let mut standing = Standing::default();
        for item in self.0.items(&query).await?.items {
            let key = item.get("sk").and_then(|key| key.as_s().ok()).map(String::as_str).unwrap_or_default();
            if key == sk::PROGRESS {
                let version = item.get("version").and_then(|version| version.as_n().ok());
                standing.progress_writes = version.and_then(|version| version.parse().ok()).unwrap_or_default();
            }
            standing.changes.extend(change_of(key, Stored(&self.0, &item))?.map(|change| change.message));
        }
        Ok(standing)
    }
}
