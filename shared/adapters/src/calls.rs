//! The `calls` table: calls with their segments, progress, cards and notes. Its stream tells everybody else.
//!
//! Every write that dashboards are told of carries a revision from the call's counter. A write that then does not
//! take place leaves a hole in the revisions; a dashboard that meets one loads the call again.

use callboard_domain::{
    Call, CallId, CallStatus, Channel, OrgId, Placeholder, PlaybookId, Segment,
    coaching::{Card, Notes, Progress},
    playbook::Playbook,
};
use callboard_wire::items::{CallItem, CardItem, NotesItem, ProgressItem, SegmentItem, call_pk, calls_pk, sk};

use crate::{
    ServiceError,
    table::{Page, Query, Table, Written, number, text},
};

/// The table.
#[derive(Debug, Clone)]
pub struct Calls(Table);

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
        Self(table)
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

    /// A call.
    pub async fn call(&self, org: &OrgId, call: &CallId) -> Result<Option<CallItem>, ServiceError> {
        self.0.get(&call_pk(org, call), sk::CALL).await
    }

    /// An organization's calls, newest first, from behind a cursor.
    pub async fn list(&self, org: &OrgId, limit: usize, after: Option<&str>) -> Result<Page<CallItem>, ServiceError> {
        let pk = calls_pk(org);
        self.0
            .query(&Query {
                index: Some("by_start"),
                pk: &pk,
                after,
                descending: true,
                limit: Some(limit),
                ..Query::default()
            })
            .await
    }

    /// Moves a call to another status. Only the live session does.
    pub async fn set_status(&self, call: &Call) -> Result<Written, ServiceError> {
        let status = match call.status {
            CallStatus::Live => "live",
            CallStatus::Ending => "ending",
            CallStatus::Ended => "ended",
        };
        let revision = self.next_revision(&call.org, &call.id).await?;
        // A call that goes on after all has no end.
        let none = aws_sdk_dynamodb::types::AttributeValue::Null(true);
        let mut values =
            vec![("status", text(status)), ("revision", number(revision)), ("duration_ms", number(call.duration_ms))];
        values.push(("ended_at_ms", call.ended_at_ms.map_or_else(|| none.clone(), number)));
        let reason = call.end_reason.and_then(|reason| serde_json::to_value(reason).ok());
        values.push(("end_reason", reason.as_ref().and_then(|reason| reason.as_str()).map_or(none, text)));
        self.0.set(&call_pk(&call.org, &call.id), sk::CALL, values).await
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
        let revision = self.next_revision(org, &segment.call).await?;
        self.store_segment(&SegmentItem::new(segment, org, principal, playbook, revision)).await
    }

    /// The same of an utterance that had to wait, perhaps until the call was over: analysis looks whether it was.
    pub async fn put_late_segment(
        &self,
        segment: &Segment,
        org: &OrgId,
        principal: &str,
        playbook: &PlaybookId,
    ) -> Result<Written, ServiceError> {
        let revision = self.next_revision(org, &segment.call).await?;
        let item = SegmentItem::new(segment, org, principal, playbook, revision);
        self.store_segment(&SegmentItem { late: true, ..item }).await
    }

    async fn store_segment(&self, item: &SegmentItem) -> Result<Written, ServiceError> {
        let condition = match item.placeholder {
            Some(Placeholder::Waiting) => {
                "attribute_not_exists(pk) OR (#final = :unfinished AND attribute_not_exists(#placeholder))"
            }
            Some(Placeholder::Failed) | None => "attribute_not_exists(pk) OR #final = :unfinished",
        };
        let unfinished = aws_sdk_dynamodb::types::AttributeValue::Bool(false);
        self.0.put_when(item, condition, [(":unfinished", unfinished)]).await
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

    /// A call's cards.
    pub async fn cards(&self, org: &OrgId, call: &CallId) -> Result<Vec<CardItem>, ServiceError> {
        self.under(org, call, sk::CARD).await
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
        let item = ProgressItem {
            pk: call_pk(org, call),
            sk: sk::PROGRESS.into(),
            org: org.clone(),
            call: call.clone(),
            revision: self.next_revision(org, call).await?,
            version: over + 1,
            progress: progress.clone(),
            view: progress.view(playbook),
        };
        if over == 0 {
            return self.0.put_new(&item).await;
        }
        self.0.put_when(&item, "#version = :over", [(":over", number(over))]).await
    }

    /// Stores a card, unless one of the same id with evidence as early is there.
    pub async fn put_card(&self, org: &OrgId, call: &CallId, card: &Card) -> Result<Written, ServiceError> {
        let item = CardItem {
            pk: call_pk(org, call),
            sk: sk::card(&card.id),
            org: org.clone(),
            call: call.clone(),
            revision: self.next_revision(org, call).await?,
            card: card.clone(),
        };
        let start = number(card.evidence.start_ms);
        self.0
            .put_when(&item, "attribute_not_exists(pk) OR #card.#evidence.#start_ms > :start", [(":start", start)])
            .await
    }

    /// A call's notes.
    pub async fn notes(&self, org: &OrgId, call: &CallId) -> Result<Option<NotesItem>, ServiceError> {
        self.0.get(&call_pk(org, call), sk::NOTES).await
    }

    /// Stores the notes after a call, made from so many final segments; `No` says that there are some from as many.
    pub async fn put_notes(
        &self,
        org: &OrgId,
        call: &CallId,
        notes: &Notes,
        basis: u64,
    ) -> Result<Written, ServiceError> {
        let revision = self.next_revision(org, call).await?;
        let item = NotesItem {
            pk: call_pk(org, call),
            sk: sk::NOTES.into(),
            org: org.clone(),
            call: call.clone(),
            revision,
            basis,
            notes: notes.clone(),
        };
        // Notes of an older version do not say what they were made from.
        let condition = "attribute_not_exists(#basis) OR #basis < :basis";
        self.0.put_when(&item, condition, [(":basis", number(basis))]).await
    }

    /// The next revision of a call.
    async fn next_revision(&self, org: &OrgId, call: &CallId) -> Result<u64, ServiceError> {
        self.0.add(&call_pk(org, call), sk::REVISION, "revision", 1).await
    }

    /// The call's latest revision.
    pub async fn revision(&self, org: &OrgId, call: &CallId) -> Result<u64, ServiceError> {
        #[derive(serde::Deserialize)]
        struct Counter {
            revision: u64,
        }
        let counter: Option<Counter> = self.0.get(&call_pk(org, call), sk::REVISION).await?;
        Ok(counter.map_or(0, |counter| counter.revision))
    }
}
