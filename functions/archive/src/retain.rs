//! What is due: calls that were kept for as long as their organization says, and recordings whose audio never came.

use callboard_adapters::ServiceError;
use callboard_domain::{Call, CallStatus, OrgId, recording::RecordingState};
use callboard_runtime::watch::trace;
use callboard_wire::{
    archive::{ArchiveRequest, Wanted},
    items::RecordingItem,
};
use serde::Serialize;

use crate::Context;

const DAY_MS: i64 = 24 * 3_600_000;
/// Calls that are read at once.
const PAGE: usize = 100;
/// Calls of an organization that are removed at one time: the rest is due the next time.
const MOST: usize = 2_000;

/// What was found to be due.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Retained {
    /// Organizations that keep calls for a while only.
    pub organizations: usize,
    /// Calls that are removed.
    pub removed: usize,
    /// Recordings that are not waited for any longer.
    pub given_up: usize,
}

/// Looks once.
pub(crate) async fn look(context: &Context) -> Result<Retained, ServiceError> {
    let mut found = Retained::default();
    for org in context.orgs.with_retention().await? {
        let Some(days) = context.orgs.settings(&org).await?.retention_days else { continue };
        found.organizations += 1;
        let before_ms = context.clock.now_ms() - i64::from(days) * DAY_MS;
        found.removed += remove_begun_before(&org, before_ms, context).await?;
    }
    let before_ms = context.clock.now_ms() - context.patience_ms;
    for item in context.calls.awaited_since(before_ms).await? {
        found.given_up += usize::from(give_up(&item, context).await?);
    }
    tracing::info!(calls.removed = found.removed, recordings.given_up = found.given_up, "looked what is due");
    Ok(found)
}

/// Asks for the removal of an organization's calls that began before then and are over; says of how many.
async fn remove_begun_before(org: &OrgId, before_ms: i64, context: &Context) -> Result<usize, ServiceError> {
    let (mut removed, mut after) = (0, None::<String>);
    loop {
        let page = context.calls.begun_before(org, before_ms, PAGE, after.as_deref()).await?;
        for call in page.items.iter().filter(|call| call.status.is_over() && !call.is_deleted()) {
            let request = ArchiveRequest::new(org, &call.call, Wanted::Delete { finally: false }, trace());
            context.queue.send(&request, 0).await?;
            removed += 1;
        }
        after = page.next;
        if after.is_none() || removed >= MOST {
            return Ok(removed);
        }
    }
}

/// Gives a recording up whose audio did not come; says whether it did not.
async fn give_up(item: &RecordingItem, context: &Context) -> Result<bool, ServiceError> {
    let of = (&item.org, &item.call);
    // The index may be behind.
    let known = context.calls.recording(of.0, of.1).await?;
    if known.is_none_or(|known| known.recording.state != RecordingState::Awaited) {
        return Ok(false);
    }
    let now_ms = context.clock.now_ms();
    // The call first: should this end here, the recording is found again.
    if let Some(call) = context.calls.call(of.0, of.1).await? {
        let failed = Call { status: CallStatus::Failed, ended_at_ms: Some(now_ms), ..call.as_call() };
        context.calls.end_recorded(&failed).await?;
    }
    let hours = context.patience_ms / 3_600_000;
    let reason = format!("its audio did not come within {hours} hours: hand it in again");
    context.calls.change_recording(of, now_ms, |recording| recording.fail(reason.as_str())).await?;
    Ok(true)
}
