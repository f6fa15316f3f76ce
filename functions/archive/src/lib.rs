//! What becomes of calls that are over: they are written out for tables elsewhere, kept for as long as their organization
//! says, and removed.
//!
//! Messages of a queue say what is wanted of which call; each may come again, and to do it twice changes nothing. Every
//! hour it looks which calls have been kept for long enough, and which recordings never came.

mod delete;
mod export;
mod retain;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use callboard_adapters::{
    ServiceError,
    accounts::Accounts,
    audio::{self, AudioStore},
    calls::Calls,
    live::Live,
    orgs::Orgs,
    queue::{ArchiveQueue, LONGEST_DELAY_S},
    table::Table,
};
use callboard_runtime::{
    Clock, SettingError, Start,
    watch::{call_span, note_queue_age},
};
use callboard_wire::archive::{ArchiveError, ArchiveRequest, Wanted};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

pub use crate::retain::Retained;

/// What the function needs.
#[derive(Debug)]
pub struct Context {
    /// What organizations learned from feedback.
    pub accounts: Accounts,
    /// Settings of organizations.
    pub orgs: Orgs,
    /// Calls.
    pub calls: Calls,
    /// Sessions of live calls.
    pub live: Live,
    /// Audio of calls.
    pub audio: AudioStore,
    /// Where calls are written out.
    pub exports: AudioStore,
    /// Where messages come from, and where others go.
    pub queue: ArchiveQueue,
    /// How long after a call was removed it is looked for what late writers left of it, in seconds.
    pub again_s: u64,
    /// How long a recording's audio may be expected, in milliseconds.
    pub patience_ms: i64,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `LIVE_TABLE`, `AUDIO_BUCKET`, `EXPORT_BUCKET`, `ARCHIVE_QUEUE_URL`,
    /// `DELETE_AGAIN_SECONDS` (900 by default and at most) and `UPLOAD_PATIENCE_HOURS` (48 by default, at least 1).
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let settings = &start.settings;
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), settings.required(name)?));
        let buckets = audio::client(&start.sdk);
        let bucket = |name| Ok::<_, SettingError>(AudioStore::new(buckets.clone(), settings.required(name)?));
        let again_s = settings.parsed("DELETE_AGAIN_SECONDS", LONGEST_DELAY_S)?;
        if again_s > LONGEST_DELAY_S {
            let problem = format!("use at most {LONGEST_DELAY_S} seconds");
            return Err(SettingError::malformed("DELETE_AGAIN_SECONDS", problem));
        }
        let patience_h: u16 = settings.parsed("UPLOAD_PATIENCE_HOURS", 48)?;
        if patience_h == 0 {
            return Err(SettingError::malformed("UPLOAD_PATIENCE_HOURS", "use at least 1 hour"));
        }
        Ok(Self {
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            orgs: Orgs::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?),
            live: Live::new(table("LIVE_TABLE")?),
            audio: bucket("AUDIO_BUCKET")?,
            exports: bucket("EXPORT_BUCKET")?,
            queue: ArchiveQueue::new(aws_sdk_sqs::Client::new(&start.sdk), settings.required("ARCHIVE_QUEUE_URL")?),
            again_s,
            patience_ms: i64::from(patience_h) * 3_600_000,
            clock: start.clock.clone(),
        })
    }
}

/// What the function is called with.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Messages of the queue. The schedule's event has none, and nothing of it is read.
    #[serde(default, rename = "Records")]
    messages: Option<Vec<SqsMessage>>,
}

/// What it answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// Messages that are to come again.
    Messages(SqsBatchResponse),
    /// What was found to be due.
    Retained(Retained),
}

/// Why a message comes again.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Message(#[from] ArchiveError),
}

/// Works on messages, one after the other, or looks what is due.
///
/// # Errors
/// Of what is due only: a table or the queue failed, and what was not looked at is looked at the next time. Failures of
/// messages are reported message by message.
pub async fn handle(event: Event, context: &Context) -> Result<Done, ServiceError> {
    let Some(messages) = event.messages else {
        return Ok(Done::Retained(Box::pin(retain::look(context)).await?));
    };
    let mut response = SqsBatchResponse::default();
    for message in &messages {
        if let Err(error) = Box::pin(work(message, context)).await {
            let id = message.message_id.clone().unwrap_or_default();
            tracing::error!(%error, message.id = id, "message comes again");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(Done::Messages(response))
}

async fn work(message: &SqsMessage, context: &Context) -> Result<(), Failure> {
    let request = ArchiveRequest::parse(message.body.as_deref().unwrap_or_default())?;
    note_queue_age(message.attributes.get("SentTimestamp"), context.clock.now_ms());
    let of = (&request.org, &request.call);
    let work = async {
        match request.wanted {
            Wanted::Export {} => export::write(of, context).await,
            Wanted::Delete { finally: false } => delete::first(of, context).await,
            Wanted::Delete { finally: true } => delete::finally(of, context).await,
        }
    };
    Ok(work.instrument(call_span(&request.org, &request.call, request.trace.as_deref())).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_events_are_a_message_and_a_tick() {
        let event: Event = serde_json::from_str(include_str!("../../../events/archive.json")).unwrap();
        let request = ArchiveRequest::parse(event.messages.unwrap()[0].body.as_deref().unwrap()).unwrap();
        assert_eq!(request.wanted, Wanted::Delete { finally: false });
        let event: Event = serde_json::from_str(include_str!("../../../events/sweep.json")).unwrap();
        assert!(event.messages.is_none(), "{event:?}");
    }
}
