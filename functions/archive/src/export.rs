//! Writing a call out for tables elsewhere. What is written is what is stored by then: written again, it is the same or
//! newer.

use callboard_adapters::ServiceError;
use callboard_domain::{CallId, CallStatus, OrgId};
use callboard_wire::export;

use crate::Context;

const JSON_LINES: &str = "application/x-ndjson";

/// Writes a call and its segments, if it has ended and its organization wants it.
pub(crate) async fn write((org, call): (&OrgId, &CallId), context: &Context) -> Result<(), ServiceError> {
    if !context.orgs.settings(org).await?.export {
        return Ok(());
    }
    // The notes first: what they were made from is there.
    let notes = context.calls.notes(org, call).await?;
    let found = context.calls.call(org, call).await?.filter(|call| call.status == CallStatus::Ended);
    let (Some(notes), Some(item)) = (notes, found) else { return Ok(()) };
    let segments = export::segment_lines(&context.calls.segments(org, call).await?);
    let recording = context.calls.recording(org, call).await?;
    let model = context.calls.model_use(org, call).await?;
    let line = export::call_line(&item, &notes, recording.as_ref(), &model);
    let [call_key, segments_key] = export::keys(org, call, item.started_at_ms);
    context.exports.put_as(&segments_key, JSON_LINES, export::to_lines(&segments)).await?;
    context.exports.put_as(&call_key, JSON_LINES, export::to_lines(&[line])).await?;
    // Removed meanwhile: who removes it may have been here before these were written.
    if context.calls.call(org, call).await?.is_none() {
        context.exports.delete(&segments_key).await?;
        context.exports.delete(&call_key).await?;
    }
    Ok(())
}
