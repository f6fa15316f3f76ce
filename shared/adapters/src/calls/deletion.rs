//! The end of a call: nobody reads it from the moment that it is marked, and all of it is removed by and by. The mark goes
//! last, since it keeps late writers and a second owner of the id away.

use aws_sdk_dynamodb::types::AttributeValue;
use callboard_domain::{CallId, CallStatus, OrgId};
use callboard_wire::items::{CallItem, call_pk, calls_pk, sk};

use super::{Calls, NEWER, THERE, TRIES, overtaken};
use crate::{
    ServiceError,
    table::{Page, Query, Written, number, text},
};

impl Calls {
    /// A call, also one that was removed and of which something is left.
    pub async fn call_or_rest(&self, org: &OrgId, call: &CallId) -> Result<Option<CallItem>, ServiceError> {
        self.0.get(&call_pk(org, call), sk::CALL).await
    }

    /// Whether a call was removed and something of it is left: whoever looks before writing adds nothing to it.
    pub async fn is_deleted(&self, org: &OrgId, call: &CallId) -> Result<bool, ServiceError> {
        Ok(self.call_or_rest(org, call).await?.is_some_and(|call| call.is_deleted()))
    }

    /// An organization's calls that began before then, latest first, from behind a cursor; also those that were removed.
    pub async fn begun_before(
        &self,
        org: &OrgId,
        before_ms: i64,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<CallItem>, ServiceError> {
        let (pk, before) = (calls_pk(org), format!("{:015}", before_ms.max(0)));
        let query = Query {
            index: Some("by_start"),
            pk: &pk,
            after: after.or(Some(&before)),
            descending: true,
            limit: Some(limit),
            ..Query::default()
        };
        self.0.query(&query).await
    }

    /// Marks a call as removed: reads do not find it any more, and dashboards are told. `No` says that it goes on, was
    /// removed before, or never was.
    pub async fn mark_deleted(&self, org: &OrgId, call: &CallId, now_ms: i64) -> Result<Written, ServiceError> {
        let pk = call_pk(org, call);
        let over = [(":ended", text(CallStatus::Ended.as_str())), (":failed", text(CallStatus::Failed.as_str()))];
        let condition =
            format!("attribute_exists(pk) AND (#status = :ended OR #status = :failed) AND {THERE} AND {NEWER}");
        for _ in 0..TRIES {
            if self.call(org, call).await?.is_none_or(|call| !call.status.is_over()) {
                return Ok(Written::No);
            }
            let revision = self.next_revision(org, call).await?;
            // Of a file's name, people's names are part at times.
            let nameless = ("file_name", AttributeValue::Null(true));
            let values = [("deleted_at_ms", number(now_ms)), nameless, ("revision", number(revision))];
            let written = self.0.put_attributes(&pk, sk::CALL, values, &condition, over.iter().cloned()).await?;
            if let Some(written) = self.settled(&pk, sk::CALL, revision, written).await? {
                return Ok(written);
            }
        }
        Err(overtaken("UpdateItem"))
    }

    /// Removes all of a call but its mark; says how many items there were.
    pub async fn remove_rest(&self, org: &OrgId, call: &CallId) -> Result<usize, ServiceError> {
        self.0.delete_partition(&call_pk(org, call), &[sk::CALL]).await
    }

    /// Removes all of a call, its mark last.
    pub async fn remove(&self, org: &OrgId, call: &CallId) -> Result<(), ServiceError> {
        self.remove_rest(org, call).await?;
        self.0.delete(&call_pk(org, call), sk::CALL).await
    }
}
