//! Removing a call with all that belongs to it: at once, and once more when nobody can be writing to it any more.
//!
//! Its mark is the last to go. Until then nobody else can claim its id, and who looks before writing finds it.

use callboard_adapters::{ServiceError, table::Written};
use callboard_domain::{CallId, OrgId};
use callboard_runtime::watch::trace;
use callboard_wire::{
    archive::{ArchiveRequest, Wanted},
    export,
    items::{CallItem, source_key},
    kept::prefixes_of_call,
};

use crate::Context;

/// Marks a call and removes the rest of it, unless it goes on.
pub(crate) async fn first((org, call): (&OrgId, &CallId), context: &Context) -> Result<(), ServiceError> {
    if context.calls.mark_deleted(org, call, context.clock.now_ms()).await? == Written::Yes {
        tracing::info!(call.id = %call, "a call is removed");
    }
    let Some(mark) = context.calls.call_or_rest(org, call).await? else {
        // It was removed to the end before.
        return Ok(());
    };
    if !mark.is_deleted() {
        tracing::warn!(call.id = %call, "a call that goes on is not removed");
        return Ok(());
    }
    remove(&mark, context).await?;
    context.calls.remove_rest(org, call).await?;
    let again = ArchiveRequest::new(org, call, Wanted::Delete { finally: true }, trace());
    context.queue.send(&again, context.again_s).await
}

/// Removes what late writers left of a call, and its mark.
pub(crate) async fn finally((org, call): (&OrgId, &CallId), context: &Context) -> Result<(), ServiceError> {
    let Some(mark) = context.calls.call_or_rest(org, call).await? else { return Ok(()) };
    if !mark.is_deleted() {
        // Its id was taken anew.
        return Ok(());
    }
    remove(&mark, context).await?;
    context.calls.remove(org, call).await
}

/// All but what stands in the table of calls.
async fn remove(mark: &CallItem, context: &Context) -> Result<(), ServiceError> {
    let (org, call) = (&mark.org, &mark.call);
    context.live.forget(org, call).await?;
    context.accounts.forget_call(org, &mark.playbook, call).await?;
    let recording = context.calls.recording(org, call).await?;
    if let Some(upload) = recording.and_then(|item| item.upload) {
        context.audio.abort_upload(&source_key(org, call), &upload).await?;
    }
    for prefix in prefixes_of_call(org, call) {
        context.audio.delete_all(&prefix).await?;
    }
    for key in export::keys(org, call, mark.started_at_ms) {
        context.exports.delete(&key).await?;
    }
    Ok(())
}
