//! The `calls` table: calls with their segments, progress, cards and notes. Its stream tells everybody else.
//!
//! Every write that dashboards are told of carries a revision from the call's counter, and takes the place of lower ones
//! only: what a dashboard shows by the highest revision is what is stored, whichever of two writers was slow. A write
//! that does not take place leaves a hole in the revisions; a dashboard that meets one loads the call again.

use std::{cmp::Ordering, ops::Range};

use aws_sdk_dynamodb::types::AttributeValue;
use callboard_domain::{
    Call, CallId, Channel, OrgId, Placeholder, PlaybookId, Segment,
    coaching::{Notes, Progress},
    playbook::Playbook,
    redaction::Redacted,
};
use callboard_wire::items::{CallItem, ModelUse, NotesItem, ProgressItem, SegmentItem, call_pk, sk, words};
use serde::{Deserialize, Serialize};

use crate::{
    ServiceError,
    table::{Query, Table, Written, number, text, value},
};

mod cards;
mod changes;
mod deletion;
mod listing;
mod progress;
mod recordings;

pub use listing::{CallFilter, CallPage};

pub use changes::Standing;

/// An item is written over one of a lower revision only.
const NEWER: &str = "(attribute_not_exists(#revision) OR #revision < :revision)";
/// A call that was removed is not changed any more.
const THERE: &str = "attribute_not_exists(#deleted_at_ms)";
/// How often a write whose revision was overtaken is tried with a new one.
const TRIES: usize = 5;

/// The table, and what tells which trace a segment that is stored belongs to.
#[derive(Debug, Clone)]
pub struct Calls(Table, fn() -> Option<String>);

/// What became of a claim to a call id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The id was free, or is held by the same principal with the same parameters.
    Granted,
    /// The id is held by another principal or with other parameters.
    Refused,
}

impl Calls {
    /// The table behind a client.
    pub fn new(table: Table) -> Self {
        Self(table, || None)
    }

    /// The same, whose segments say which trace they belong to: a W3C `traceparent`, of what stores them.
    #[must_use]
    pub fn traced(self, trace: fn() -> Option<String>) -> Self {
        Self(self.0, trace)
    }

    /// Creates a call, or finds it held by the same principal with the same parameters.
    pub async fn claim(&self, call: &Call, parameters: &str) -> Result<Claim, ServiceError> {
        if let Some(known) = self.call(&call.org, &call.id).await? {
            let same = known.principal == call.principal && known.parameters == parameters;
            return Ok(if same { Claim::Granted } else { Claim::Refused });
        }
        let revision = self.next_revision(&call.org, &call.id).await?;
        match self.0.put_new(&CallItem::new(call, parameters, revision)).await? {
            Written::Yes => Ok(Claim::Granted),
            // Another connection was first: its claim decides.
            Written::No => match self.call(&call.org, &call.id).await? {
                Some(known) if known.principal == call.principal && known.parameters == parameters => {
                    Ok(Claim::Granted)
                }
                _ => Ok(Claim::Refused),
            },
        }
    }

    /// A call; none where it was removed.
    pub async fn call(&self, org: &OrgId, call: &CallId) -> Result<Option<CallItem>, ServiceError> {
        Ok(self.call_or_rest(org, call).await?.filter(|call| !call.is_deleted()))
    }

    /// Moves a call to another status, as of a version of its session. Only the live session does; `No` says that a
    /// later version was first.
    pub async fn set_status(&self, call: &Call, session: u64) -> Result<Written, ServiceError> {
        // A call that goes on after all has no end.
        let none = AttributeValue::Null(true);
        let reason = call.end_reason.and_then(|reason| serde_json::to_value(reason).ok());
        let values = [
            ("status", text(call.status.as_str())),
            ("duration_ms", number(call.duration_ms)),
            ("ended_at_ms", call.ended_at_ms.map_or_else(|| none.clone(), number)),
            ("end_reason", reason.as_ref().and_then(|reason| reason.as_str()).map_or(none, text)),
            ("session", number(session)),
        ];
        let pk = call_pk(&call.org, &call.id);
        let condition = format!("(attribute_not_exists(#session) OR #session < :session) AND {THERE} AND {NEWER}");
        for _ in 0..TRIES {
            let revision = self.next_revision(&call.org, &call.id).await?;
            let values = values.iter().cloned().chain([("revision", number(revision))]);
            let written = self.0.set(&pk, sk::CALL, values, &condition).await?;
            if let Some(written) = self.settled(&pk, sk::CALL, revision, written).await? {
                return Ok(written);
            }
        }
        Err(overtaken("UpdateItem"))
    }

    /// Stores a segment. The first final one of its key wins, and one that waits takes the place of nothing that says
    /// as much or more: a repetition changes nothing. `No` says that what was there stays.
    pub async fn put_segment(
        &self,
        segment: &Segment,
        org: &OrgId,
        principal: &str,
        playbook: &PlaybookId,
    ) -> Result<Written, ServiceError> {
        self.store_segment(segment, org, None, |revision| SegmentItem::new(segment, org, principal, playbook, revision))
            .await
    }

    /// The same under a revision that was taken for it.
    pub async fn put_segment_as(
        &self,
        segment: &Segment,
        revision: u64,
        org: &OrgId,
        principal: &str,
        playbook: &PlaybookId,
    ) -> Result<Written, ServiceError> {
        let item = |revision| SegmentItem::new(segment, org, principal, playbook, revision);
        self.store_segment(segment, org, Some(revision), item).await
    }

    /// Takes so many revisions of a call in one step: the next ones.
    pub async fn take_revisions(&self, org: &OrgId, call: &CallId, count: u64) -> Result<Range<u64>, ServiceError> {
        let last = self.0.add(&call_pk(org, call), sk::REVISION, "revision", count).await?;
        Ok(last + 1 - count..last + 1)
    }

    /// The same of an utterance that had to wait, perhaps until the call was over: analysis looks whether it was.
    pub async fn put_late_segment(
        &self,
        segment: &Segment,
        org: &OrgId,
        principal: &str,
        playbook: &PlaybookId,
    ) -> Result<Written, ServiceError> {
        let item = |revision| SegmentItem::new(segment, org, principal, playbook, revision);
        self.store_segment(segment, org, None, |revision| SegmentItem { late: true, ..item(revision) }).await
    }

    async fn store_segment(
        &self,
        segment: &Segment,
        org: &OrgId,
        taken: Option<u64>,
        item: impl Fn(u64) -> SegmentItem,
    ) -> Result<Written, ServiceError> {
        let condition = match segment.placeholder {
            Some(Placeholder::Waiting) => {
                "attribute_not_exists(pk) OR (#final = :unfinished AND attribute_not_exists(#placeholder))"
            }
            // Partial text gives way to text that reaches further, and to all else.
            None if !segment.is_final => {
                "attribute_not_exists(pk) \
                 OR (#final = :unfinished AND attribute_not_exists(#placeholder) AND #end_ms < :end_ms)"
            }
            Some(Placeholder::Failed) | None => "attribute_not_exists(pk) OR #final = :unfinished",
        };
        let sort_key = sk::segment(segment.start_ms, segment.channel);
        let trace = (self.1)();
        let item = |revision| SegmentItem { trace: trace.clone(), ..item(revision) };
        let mut values = vec![(":unfinished", AttributeValue::Bool(false))];
        if segment.is_partial() {
            values.push((":end_ms", number(segment.end_ms)));
        }
        self.put_revised((org, &segment.call, &sort_key), taken, item, condition, &values).await
    }

    /// Changes what a segment shows that was provisional, once more is known; `No` says that it is not, or not any more.
    pub async fn revise_segment(
        &self,
        org: &OrgId,
        call: &CallId,
        channel: Channel,
        revised: &Redacted,
    ) -> Result<Written, ServiceError> {
        let (pk, sort_key) = (call_pk(org, call), sk::segment(revised.start_ms, channel));
        let values = [
            ("text", text(&revised.text)),
            ("words", text(&words::to_text(&revised.words))),
            ("masked", value(&revised.spans)?),
            ("provisional", AttributeValue::Bool(revised.provisional)),
        ];
        let condition = format!("#provisional = :open AND {NEWER}");
        for _ in 0..TRIES {
            let revision = self.next_revision(org, call).await?;
            let values = values.iter().cloned().chain([("revision", number(revision))]);
            let open = [(":open", AttributeValue::Bool(true))];
            let written = self.0.put_attributes(&pk, &sort_key, values, &condition, open).await?;
            if let Some(written) = self.settled(&pk, &sort_key, revision, written).await? {
                return Ok(written);
            }
        }
        Err(overtaken("UpdateItem"))
    }

    /// A segment.
    pub async fn segment(
        &self,
        org: &OrgId,
        call: &CallId,
        start_ms: u64,
        channel: Channel,
    ) -> Result<Option<SegmentItem>, ServiceError> {
        self.0.get(&call_pk(org, call), &sk::segment(start_ms, channel)).await
    }

    /// A call's segments by start.
    pub async fn segments(&self, org: &OrgId, call: &CallId) -> Result<Vec<SegmentItem>, ServiceError> {
        self.under(org, call, sk::SEGMENT).await
    }

    /// The last of a call's segments, by start.
    pub async fn last_segments(
        &self,
        org: &OrgId,
        call: &CallId,
        most: usize,
    ) -> Result<Vec<SegmentItem>, ServiceError> {
        let pk = call_pk(org, call);
        let (prefix, limit) = (Some(sk::SEGMENT), Some(most));
        let query = Query { pk: &pk, prefix, descending: true, limit, ..Query::default() };
        let mut segments = self.0.query(&query).await?.items;
        segments.reverse();
        Ok(segments)
    }

    /// What a language model was used for in a call.
    pub async fn model_use(&self, org: &OrgId, call: &CallId) -> Result<ModelUse, ServiceError> {
        Ok(self.0.get(&call_pk(org, call), sk::ADVICE).await?.unwrap_or_default())
    }

    /// Counts what a language model was used for in a call.
    pub async fn count_model_use(
        &self,
        org: &OrgId,
        call: &CallId,
        counts: &[(&str, u64)],
    ) -> Result<(), ServiceError> {
        self.0.add_all(&call_pk(org, call), sk::ADVICE, counts).await
    }

    async fn under<T: serde::de::DeserializeOwned>(
        &self,
        org: &OrgId,
        call: &CallId,
        prefix: &str,
    ) -> Result<Vec<T>, ServiceError> {
        let pk = call_pk(org, call);
        Ok(self.0.query(&Query { pk: &pk, prefix: Some(prefix), ..Query::default() }).await?.items)
    }

    /// A call's progress, with the version that the next write must name.
    pub async fn progress(&self, org: &OrgId, call: &CallId) -> Result<Option<ProgressItem>, ServiceError> {
        self.0.get(&call_pk(org, call), sk::PROGRESS).await
    }

    /// Stores progress over the version that it was made from (0: none); `No` says that another came first.
    pub async fn put_progress(
        &self,
        org: &OrgId,
        call: &CallId,
        progress: &Progress,
        playbook: &Playbook,
        over: u64,
    ) -> Result<Written, ServiceError> {
        let item = |revision| ProgressItem {
            pk: call_pk(org, call),
            sk: sk::PROGRESS.into(),
            org: org.clone(),
            call: call.clone(),
            revision,
            version: over + 1,
            progress: progress.clone(),
            view: progress.view(playbook),
        };
        let key = (org, call, sk::PROGRESS);
        if over == 0 {
            return self.put_revised(key, None, item, "attribute_not_exists(pk)", &[]).await;
        }
        self.put_revised(key, None, item, "#version = :over", &[(":over", number(over))]).await
    }

    /// A call's notes.
    pub async fn notes(&self, org: &OrgId, call: &CallId) -> Result<Option<NotesItem>, ServiceError> {
        self.0.get(&call_pk(org, call), sk::NOTES).await
    }

    /// Stores the rules' notes after a call, made from so many final segments; `No` says that there are some from as many.
    pub async fn put_notes(
        &self,
        org: &OrgId,
        call: &CallId,
        notes: &Notes,
        basis: u64,
    ) -> Result<Written, ServiceError> {
        // Notes of an older version do not say what they were made from.
        self.store_notes(org, call, notes, basis, "attribute_not_exists(#basis) OR #basis < :basis").await
    }

    /// Stores a model's notes, which take the place of the rules' from as many segments.
    pub async fn put_model_notes(
        &self,
        org: &OrgId,
        call: &CallId,
        notes: &Notes,
        basis: u64,
    ) -> Result<Written, ServiceError> {
        self.store_notes(org, call, notes, basis, "attribute_not_exists(#basis) OR #basis <= :basis").await
    }

    async fn store_notes(
        &self,
        org: &OrgId,
        call: &CallId,
        notes: &Notes,
        basis: u64,
        condition: &str,
    ) -> Result<Written, ServiceError> {
        let item = |revision| NotesItem {
            pk: call_pk(org, call),
            sk: sk::NOTES.into(),
            org: org.clone(),
            call: call.clone(),
            revision,
            basis,
            notes: notes.clone(),
        };
        self.put_revised((org, call, sk::NOTES), None, item, condition, &[(":basis", number(basis))]).await
    }

    /// Writes an item under a new revision, or one that was taken for it, if a condition holds.
    async fn put_revised<T: Serialize>(
        &self,
        (org, call, sort_key): (&OrgId, &CallId, &str),
        mut taken: Option<u64>,
        item: impl Fn(u64) -> T,
        condition: &str,
        values: &[(&'static str, AttributeValue)],
    ) -> Result<Written, ServiceError> {
        let condition = format!("({condition}) AND {NEWER}");
        for _ in 0..TRIES {
            let revision = match taken.take() {
                Some(revision) => revision,
                None => self.next_revision(org, call).await?,
            };
            let values = values.iter().cloned().chain([(":revision", number(revision))]);
            let written = self.0.put_when(&item(revision), &condition, values).await?;
            if let Some(written) = self.settled(&call_pk(org, call), sort_key, revision, written).await? {
                return Ok(written);
            }
        }
        Err(overtaken("PutItem"))
    }

    /// What came of a write under a revision; none if it was overtaken by a higher one, and nothing else is known.
    async fn settled(
        &self,
        pk: &str,
        sort_key: &str,
        revision: u64,
        written: Written,
    ) -> Result<Option<Written>, ServiceError> {
        if written == Written::Yes {
            return Ok(Some(Written::Yes));
        }
        let known: Option<Revision> = self.0.get(pk, sort_key).await?;
        Ok(match known.map(|known| known.revision.cmp(&revision)) {
            // It took place, and its answer was lost on the way.
            Some(Ordering::Equal) => Some(Written::Yes),
            Some(Ordering::Greater) => None,
            Some(Ordering::Less) | None => Some(Written::No),
        })
    }

    /// The next revision of a call.
    async fn next_revision(&self, org: &OrgId, call: &CallId) -> Result<u64, ServiceError> {
        self.0.add(&call_pk(org, call), sk::REVISION, "revision", 1).await
    }

    /// The call's latest revision.
    pub async fn revision(&self, org: &OrgId, call: &CallId) -> Result<u64, ServiceError> {
        let counter: Option<Revision> = self.0.get(&call_pk(org, call), sk::REVISION).await?;
        Ok(counter.map_or(0, |counter| counter.revision))
    }
}

/// The revision of any item, or of the counter.
#[derive(Deserialize)]
struct Revision {
    revision: u64,
}

fn overtaken(operation: &'static str) -> ServiceError {
    let reason = format!("higher revisions came first {TRIES} times");
    ServiceError::Unavailable { service: "dynamodb", operation, reason }
}
