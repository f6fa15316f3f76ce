//! Recorded calls: their item, and the one way to change it.

use callboard_domain::{
    Call, CallId, Channel, OrgId,
    recording::{Recording, Wish},
};
use callboard_wire::items::{AWAITED_PK, RecordingItem, call_pk, sk};

use super::{Calls, NEWER, THERE, overtaken};
use crate::{
    ServiceError,
    table::{Query, Written, number, value},
};

/// How often a write under a version is tried against other writers before it is given up: as many parts of a recording
/// may be worked on at once.
const TRIES: usize = 25;

impl Calls {
    /// A call's recording.
    pub async fn recording(&self, org: &OrgId, call: &CallId) -> Result<Option<RecordingItem>, ServiceError> {
        self.0.get(&call_pk(org, call), sk::RECORDING).await
    }

    /// Stores what was asked for of a call's recording; `No` says that there is one.
    pub async fn put_recording(
        &self,
        call: &Call,
        wish: Wish,
        upload: Option<String>,
        now_ms: i64,
    ) -> Result<Written, ServiceError> {
        let recording = Recording::new(wish);
        let item = |revision| RecordingItem {
            pk: call_pk(&call.org, &call.id),
            sk: sk::RECORDING.into(),
            org: call.org.clone(),
            call: call.id.clone(),
            principal: call.principal.clone(),
            playbook: call.playbook.clone(),
            revision,
            version: 1,
            created_at_ms: now_ms,
            started_at_ms: call.started_at_ms,
            upload: upload.clone(),
            view: recording.view(now_ms),
            recording: recording.clone(),
            by_start_pk: None,
            by_start_sk: None,
        };
        let item = |revision| item(revision).placed();
        self.put_revised((&call.org, &call.id, sk::RECORDING), None, item, "attribute_not_exists(pk)", &[]).await
    }

    /// Changes a call's recording, whoever else does meanwhile. `change` says whether it changed anything, and may be called
    /// several times. Returns the recording as it is then; none where there is none (any more).
    pub async fn change_recording(
        &self,
        (org, call): (&OrgId, &CallId),
        now_ms: i64,
        mut change: impl FnMut(&mut Recording) -> bool,
    ) -> Result<Option<RecordingItem>, ServiceError> {
        for _ in 0..TRIES {
            let Some(mut known) = self.recording(org, call).await? else { return Ok(None) };
            if !change(&mut known.recording) {
                return Ok(Some(known));
            }
            let over = known.version;
            known.version += 1;
            known.view = known.recording.view(now_ms);
            let item = |revision| RecordingItem { revision, ..known.clone() }.placed();
            let condition = "#version = :over";
            let written =
                self.put_revised((org, call, sk::RECORDING), None, item, condition, &[(":over", number(over))]).await?;
            if written == Written::Yes {
                return Ok(Some(known));
            }
        }
        Err(overtaken("PutItem"))
    }

    /// Recordings that were handed in before then and whose audio is still expected, of all organizations.
    pub async fn awaited_since(&self, before_ms: i64) -> Result<Vec<RecordingItem>, ServiceError> {
        let before = format!("{:015}", before_ms.max(0));
        let query = Query {
            index: Some("by_start"),
            pk: AWAITED_PK,
            after: Some(&before),
            descending: true,
            ..Query::default()
        };
        Ok(self.0.query(&query).await?.items)
    }

    /// Tells of a recorded call what its recording turned out to be.
    pub async fn set_sound(
        &self,
        (org, call): (&OrgId, &CallId),
        channels: &[Channel],
        duration_ms: u64,
    ) -> Result<Written, ServiceError> {
        let pk = call_pk(org, call);
        let condition = format!("attribute_exists(pk) AND {THERE} AND {NEWER}");
        for _ in 0..TRIES {
            let revision = self.next_revision(org, call).await?;
            let values =
                [("channels", value(&channels)?), ("duration_ms", number(duration_ms)), ("revision", number(revision))];
            let written = self.0.set(&pk, sk::CALL, values, &condition).await?;
            if let Some(written) = self.settled(&pk, sk::CALL, revision, written).await? {
                return Ok(written);
            }
        }
        Err(overtaken("UpdateItem"))
    }

    /// Ends a recorded call, once: as it is when all of it was worked on, or as one of which nothing came.
    pub async fn end_recorded(&self, call: &Call) -> Result<Written, ServiceError> {
        self.set_status(call, 1).await
    }
}
