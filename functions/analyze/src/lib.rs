//! Analysis by rules: final segments in, progress and cards out, and notes when the call has ended. Of notes, whoever wrote
//! them, it tells the archive.
//!
//! Progress depends on the set of a call's segments, not on their order: it is merged into what is stored, under its
//! version. All of a call's segments are read again when it ends, and when one gets its text after that.

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use callboard_adapters::{
    ServiceError,
    accounts::Accounts,
    calls::Calls,
    queue::{AdviceQueue, ArchiveQueue},
    table::Table,
};
use callboard_domain::{
    CallStatus, Placeholder,
    coaching::{Finding, FindingKind, Progress, Said, notes},
};
use callboard_runtime::{
    Clock, SettingError, Start,
    coaching::{CoachingError, RuleBook},
    watch::{call_span, note_stream_age, trace},
};
use callboard_wire::{
    advice::{self, AdviceRequest, Wanted},
    archive::{self, ArchiveRequest},
    items::{CallItem, NotesItem, SegmentItem, sk},
};
use tracing::Instrument as _;

/// What the function needs.
pub struct Context {
    /// Calls.
    pub calls: Calls,
    /// Where a language model is asked, if there is one.
    pub advice: Option<AdviceQueue>,
    /// Where it is told that a call has notes, or new ones.
    pub archive: ArchiveQueue,
    /// The time of day.
    pub clock: Clock,
    rules: RuleBook,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `ARCHIVE_QUEUE_URL`, `MODEL_PROVIDER` (`none` by default) and, where there is
    /// a model, `ADVICE_QUEUE_URL`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let accounts = Accounts::new(Table::new(client.clone(), start.settings.required("ACCOUNTS_TABLE")?));
        let queues = aws_sdk_sqs::Client::new(&start.sdk);
        let archive = ArchiveQueue::new(queues.clone(), start.settings.required("ARCHIVE_QUEUE_URL")?);
        let advice = match start.settings.optional("MODEL_PROVIDER").unwrap_or("none") {
            "none" => None,
            _ => Some(AdviceQueue::new(queues, start.settings.required("ADVICE_QUEUE_URL")?)),
        };
        Ok(Self {
            calls: Calls::new(Table::new(client, start.settings.required("CALLS_TABLE")?)),
            advice,
            archive,
            clock: start.clock.clone(),
            rules: RuleBook::new(accounts),
        })
    }
}

/// Why a record was not analyzed.
#[derive(Debug, thiserror::Error)]
enum AnalyzeError {
    #[error(transparent)]
    Coaching(#[from] CoachingError),
    // What exactly does not fit is not told: the words might be spoken ones.
    #[error("the item is not what this version expects")]
    Item(#[from] serde_dynamo::Error),
}

impl From<ServiceError> for AnalyzeError {
    fn from(error: ServiceError) -> Self {
        Self::Coaching(error.into())
    }
}

/// Analyzes a batch of changes. The first that could not be is reported as failed, and all behind it come again.
///
/// # Errors
/// None: failures are reported record by record.
pub async fn handle(event: Event, context: &Context) -> Result<DynamoDbEventResponse, ServiceError> {
    let made = event.records.iter().map(|it| it.change.approximate_creation_date_time.timestamp_millis());
    note_stream_age(made.min(), context.clock.now_ms());
    let mut response = DynamoDbEventResponse::default();
    for record in &event.records {
        if let Err(error) = analyze(record, context).await {
            tracing::error!(error = %error, record.id = %record.event_id, "change not analyzed");
            // What is behind it is tried all the same, lest a record that always fails takes its neighbours along.
            if response.batch_item_failures.is_empty() {
                let mut failure = DynamoDbBatchItemFailure::default();
                failure.item_identifier = record.change.sequence_number.clone();
                response.batch_item_failures.push(failure);
            }
        }
    }
    Ok(response)
}

async fn analyze(record: &EventRecord, context: &Context) -> Result<(), AnalyzeError> {
    #[derive(serde::Deserialize)]
    struct Key {
        sk: String,
    }
    let key: Key = serde_dynamo::from_item(record.change.keys.clone())?;
    let image = record.change.new_image.clone();
    if key.sk == sk::CALL {
        let call: CallItem = serde_dynamo::from_item(image)?;
        if call.is_deleted() {
            return Ok(());
        }
        let span = call_span(&call.org, &call.call, []);
        if call.status == CallStatus::Ended {
            return Box::pin(conclude(&call, context)).instrument(span).await;
        }
        return Box::pin(begin(&call, context)).instrument(span).await;
    }
    if key.sk == sk::NOTES {
        let notes: NotesItem = serde_dynamo::from_item(image)?;
        let request = ArchiveRequest::new(&notes.org, &notes.call, archive::Wanted::Export {}, trace());
        return Ok(context.archive.send(&request, 0).await?);
    }
    let segment: SegmentItem = serde_dynamo::from_item(image)?;
    let span = call_span(&segment.org, &segment.call, segment.trace.as_deref());
    Box::pin(read(&segment, context)).instrument(span).await
}

/// A call begins: the page shows at once what is to be achieved.
async fn begin(call: &CallItem, context: &Context) -> Result<(), AnalyzeError> {
    let rules = context.rules.of(&call.org, &call.playbook, context.clock.now_ms()).await?;
    Box::pin(context.calls.change_progress((&call.org, &call.call), rules.playbook(), |_| false)).await?;
    Ok(())
}

/// Something was said.
async fn read(segment: &SegmentItem, context: &Context) -> Result<(), AnalyzeError> {
    let rules = context.rules.of(&segment.org, &segment.playbook, context.clock.now_ms()).await?;
    let findings = rules.read(&said(segment));
    let mut pushback = Vec::new();
    // Most of what people say shows nothing: then progress is not even read.
    if !findings.is_empty() || !segment.masked.is_empty() {
        let add = |progress: &mut Progress| {
            let corrected = progress.correct(segment.channel, segment.start_ms, &segment.text);
            progress.add_all(&findings) || corrected
        };
        let of = (&segment.org, &segment.call);
        let progress = Box::pin(context.calls.change_progress(of, rules.playbook(), add)).await?;
        let raised = findings.iter().filter(|finding| finding.kind == FindingKind::Objection);
        pushback.extend(raised.filter(|it| progress.raised_last(&it.id) == Some(&it.evidence)));
    }
    if segment.late {
        return conclude_again(segment, context).await;
    }
    want_advice(segment, &pushback, context).await;
    Ok(())
}

/// Asks a language model, where there is one: at once for better words where the customer pushed back, and every so
/// often about the talk as a whole. All of it follows from the segment, so that a repetition asks for the same. Where the
/// queue does not take it, the rules' work stands, which must not wait for a model's.
async fn want_advice(segment: &SegmentItem, pushback: &[&Finding], context: &Context) {
    let Some(queue) = &context.advice else { return };
    let cards =
        pushback.iter().map(|finding| Wanted::Card { objection: finding.id.clone(), start_ms: segment.start_ms });
    let talk = (!segment.text.is_empty()).then_some(Wanted::Talk { end_ms: segment.end_ms });
    for wanted in cards.chain(talk) {
        if let Err(error) = queue.send(&request(segment, wanted)).await {
            tracing::warn!(%error, call.id = %segment.call, "the model is not asked: what the rules found stands");
        }
    }
}

fn request(segment: &SegmentItem, wanted: Wanted) -> AdviceRequest {
    AdviceRequest {
        version: advice::VERSION,
        org: segment.org.clone(),
        call: segment.call.clone(),
        playbook: segment.playbook.clone(),
        trace: trace(),
        wanted,
    }
}

fn said(segment: &SegmentItem) -> Said<'_> {
    Said { channel: segment.channel, start_ms: segment.start_ms, end_ms: segment.end_ms, text: &segment.text }
}

/// A text came late: if the call had ended, its notes are made again.
///
/// Whoever is first, the last conclusion has read every text. The segment was stored before this was called, and the
/// call is read afterwards: if it is not ended here, its end is stored later than the segment, and the conclusion that
/// the end brings reads the segment. If it is ended, this conclusion reads it. Two conclusions at once may each miss a
/// segment that the other has (a query of several pages is no snapshot), but the segment that was stored last brings
/// one that has read all; and since notes give way to those from more segments only, that one's are what stays.
async fn conclude_again(segment: &SegmentItem, context: &Context) -> Result<(), AnalyzeError> {
    match context.calls.call(&segment.org, &segment.call).await? {
        Some(call) if call.status == CallStatus::Ended => conclude(&call, context).await,
        _ => Ok(()),
    }
}

/// The call has ended: from all its segments, progress as a last word, then the notes.
async fn conclude(call: &CallItem, context: &Context) -> Result<(), AnalyzeError> {
    let rules = context.rules.of(&call.org, &call.playbook, context.clock.now_ms()).await?;
    let segments = context.calls.segments(&call.org, &call.call).await?;
    let said: Vec<Said<'_>> = segments.iter().filter(|segment| segment.is_final).map(said).collect();
    let findings: Vec<Finding> = said.iter().flat_map(|said| rules.read(said)).collect();
    let add = |progress: &mut Progress| progress.add_all(&findings);
    let progress = context.calls.change_progress((&call.org, &call.call), rules.playbook(), add).await?;
    let notes = notes(rules.playbook(), &progress, &said);
    let basis = said.len() as u64;
    context.calls.put_notes(&call.org, &call.call, &notes, basis).await?;
    // A model is not asked while words are to come: each that comes late concludes the call anew.
    let waits = segments.iter().any(|segment| segment.placeholder == Some(Placeholder::Waiting));
    if let Some(queue) = context.advice.as_ref().filter(|_| !waits) {
        let (wanted, trace) = (Wanted::Notes { basis }, trace());
        let (org, call, playbook) = (call.org.clone(), call.call.clone(), call.playbook.clone());
        queue.send(&AdviceRequest { version: advice::VERSION, org, call, playbook, trace, wanted }).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use callboard_domain::{coaching::Rules, playbook};

    use super::*;

    #[test]
    fn the_sample_event_is_pushback() {
        let event: Event = serde_json::from_str(include_str!("../../../events/analyze.json")).unwrap();
        let segment: SegmentItem = serde_dynamo::from_item(event.records[0].change.new_image.clone()).unwrap();
        let rules = Rules::compile(playbook::shipped("sales").unwrap());
        let mut progress = Progress::default();
        for finding in rules.read(&said(&segment)) {
            progress.add(&finding);
        }
        assert_eq!(progress.objections.keys().collect::<Vec<_>>(), ["too_expensive"]);
    }
}
