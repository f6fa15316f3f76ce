//! Analysis by rules: final segments in, progress and cards out, and notes when the call has ended.
//!
//! Progress depends on the set of a call's segments, not on their order: it is merged into what is stored, under its
//! version. All of a call's segments are read again when it ends, and when one gets its text after that.

use std::sync::Arc;

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use callboard_adapters::{
    ServiceError,
    accounts::Accounts,
    calls::Calls,
    table::{Table, Written},
};
use callboard_domain::{
    CallId, CallStatus, OrgId, PlaybookId,
    coaching::{Finding, Progress, Rules, Said, notes},
};
use callboard_runtime::{Cache, Clock, SettingError, Start};
use callboard_wire::items::{CallItem, SegmentItem, sk};

/// How long compiled rules are kept before the playbook is read again.
const RULES_MS: i64 = 60_000;
/// How often a write under a version is tried against other writers before the record is reported as failed.
const TRIES: usize = 10;

/// What the function needs.
pub struct Context {
    /// Playbooks.
    pub accounts: Accounts,
    /// Calls.
    pub calls: Calls,
    /// The time of day.
    pub clock: Clock,
    rules: Cache<(OrgId, PlaybookId), Arc<Rules>>,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE` and `CALLS_TABLE`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        Ok(Self {
            accounts: Accounts::new(Table::new(client.clone(), start.settings.required("ACCOUNTS_TABLE")?)),
            calls: Calls::new(Table::new(client, start.settings.required("CALLS_TABLE")?)),
            clock: start.clock.clone(),
            rules: Cache::new(RULES_MS),
        })
    }

    async fn rules(&self, org: &OrgId, playbook: &PlaybookId) -> Result<Arc<Rules>, AnalyzeError> {
        let load = async {
            let found = self.accounts.playbook(org, playbook).await?;
            let found = found.ok_or_else(|| AnalyzeError::NoPlaybook(playbook.clone()))?;
            Ok(Arc::new(Rules::compile(found)))
        };
        self.rules.get((org.clone(), playbook.clone()), self.clock.now_ms(), load).await
    }
}

/// Why a record was not analyzed.
#[derive(Debug, thiserror::Error)]
enum AnalyzeError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    // What exactly does not fit is not told: the words might be spoken ones.
    #[error("the item is not what this version expects")]
    Item(#[from] serde_dynamo::Error),
    #[error("there is no playbook {0}")]
    NoPlaybook(PlaybookId),
    #[error("other writers were first {TRIES} times")]
    Contended,
}

/// Analyzes a batch of changes. The first that could not be is reported as failed, and all behind it come again.
///
/// # Errors
/// None: failures are reported record by record.
pub async fn handle(event: Event, context: &Context) -> Result<DynamoDbEventResponse, ServiceError> {
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
        if call.status == CallStatus::Ended {
            return Box::pin(conclude(&call, context)).await;
        }
        // A call begins: the page shows at once what is to be achieved.
        let rules = context.rules(&call.org, &call.playbook).await?;
        Box::pin(merge(&call.org, &call.call, &rules, &[], context)).await.map(|_| ())
    } else {
        let segment: SegmentItem = serde_dynamo::from_item(image)?;
        let rules = context.rules(&segment.org, &segment.playbook).await?;
        let findings = rules.read(&said(&segment));
        Box::pin(merge(&segment.org, &segment.call, &rules, &findings, context)).await?;
        if segment.late { Box::pin(conclude_again(&segment, context)).await } else { Ok(()) }
    }
}

fn said(segment: &SegmentItem) -> Said<'_> {
    Said { channel: segment.channel, start_ms: segment.start_ms, end_ms: segment.end_ms, text: &segment.text }
}

/// Merges findings into a call's progress and writes the cards that they bring. Returns the progress.
async fn merge(
    org: &OrgId,
    call: &CallId,
    rules: &Rules,
    findings: &[Finding],
    context: &Context,
) -> Result<Progress, AnalyzeError> {
    for _ in 0..TRIES {
        let known = context.calls.progress(org, call).await?;
        let (version, mut progress) = known.map_or((0, Progress::default()), |item| (item.version, item.progress));
        let before = progress.clone();
        let mut changed = false;
        for finding in findings {
            changed |= progress.add(finding);
        }
        // Cards first: should this end here, the next try finds the progress unchanged and writes both.
        for card in progress.cards(rules.playbook()) {
            if before.objections.get(&card.objection) != progress.objections.get(&card.objection) {
                context.calls.put_card(org, call, &card).await?;
            }
        }
        if !changed && version > 0 {
            return Ok(progress);
        }
        if context.calls.put_progress(org, call, &progress, rules.playbook(), version).await? == Written::Yes {
            return Ok(progress);
        }
    }
    Err(AnalyzeError::Contended)
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
    let rules = context.rules(&call.org, &call.playbook).await?;
    let segments = context.calls.segments(&call.org, &call.call).await?;
    let said: Vec<Said<'_>> = segments.iter().filter(|segment| segment.is_final).map(said).collect();
    let findings: Vec<Finding> = said.iter().flat_map(|said| rules.read(said)).collect();
    let progress = merge(&call.org, &call.call, &rules, &findings, context).await?;
    let notes = notes(rules.playbook(), &progress, &said);
    context.calls.put_notes(&call.org, &call.call, &notes, said.len() as u64).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use callboard_domain::playbook;

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
