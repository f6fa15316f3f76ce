//! Utterances that had to wait: messages of a queue in, final segments out.
//!
//! A message comes again until its utterance has its text, later each time. Everything here can be repeated: the first
//! final segment wins, and audio that is gone already stays gone. After [`LAST_TRY`] the placeholder says that it failed,
//! and the queue moves the message to its dead letters, from where a person can have it tried anew.

pub mod utterance;

use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use callboard_adapters::{
    ServiceError,
    audio::{self, AudioStore},
    calls::Calls,
    queue::DeferredQueue,
    table::Table,
};
use callboard_domain::speech::Transcriber;
use callboard_runtime::{
    Clock, SettingError, Start,
    speech::{self, HintBook},
};
use callboard_wire::deferred::DeferredUtterance;
use futures_util::future::join_all;

use crate::utterance::WaitError;

/// The receive of a message that is the last to ask the transcription service: from then on its placeholder says that
/// it failed. The queue's `maxReceiveCount` is a few higher, so that it is marked even if this very try breaks off.
pub const LAST_TRY: u32 = 20;
/// How long a message waits after its first try, in seconds; doubled with each further one…
const FIRST_BACKOFF_S: u64 = 15;
/// …up to this; the service's own word is followed up to this, too.
const LONGEST_BACKOFF_S: u64 = 900;

/// What the function needs.
pub struct Context {
    /// What playbooks tell the transcription service.
    pub hints: HintBook,
    /// Where segments go.
    pub calls: Calls,
    /// Where the audio is.
    pub audio: AudioStore,
    /// Where the messages come from.
    pub queue: DeferredQueue,
    /// The transcription service.
    pub speech: Arc<dyn Transcriber>,
    /// The time of day.
    pub clock: Clock,
    /// See [`LAST_TRY`], of which this is the value outside of tests.
    pub last_try: u32,
    /// How long a message waits after its first try, in seconds.
    pub first_backoff_s: u64,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `AUDIO_BUCKET`, `DEFERRED_QUEUE_URL`, `DEFERRED_TRIES` (20 by default and
    /// at most), `DEFERRED_BACKOFF_SECONDS` (15 by default, at most 900), and `SPEECH_PROVIDER`, `SPEECH_URL`,
    /// `SPEECH_MODEL`, `SPEECH_API_KEY`, `SPEECH_TIMEOUT_MS`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let speech = speech::connect(&start.settings)?;
        Self::with_speech(start, speech)
    }

    /// The same with a transcription service of one's own.
    pub fn with_speech(start: &Start, speech: Arc<dyn Transcriber>) -> Result<Self, SettingError> {
        let settings = &start.settings;
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name| Ok::<_, SettingError>(Table::new(client.clone(), settings.required(name)?));
        let last_try = settings.parsed("DEFERRED_TRIES", LAST_TRY)?;
        if !(1..=LAST_TRY).contains(&last_try) {
            return Err(SettingError::malformed("DEFERRED_TRIES", format!("use a number from 1 to {LAST_TRY}")));
        }
        let first_backoff_s = settings.parsed("DEFERRED_BACKOFF_SECONDS", FIRST_BACKOFF_S)?;
        if first_backoff_s > LONGEST_BACKOFF_S {
            let problem = format!("use at most {LONGEST_BACKOFF_S} seconds");
            return Err(SettingError::malformed("DEFERRED_BACKOFF_SECONDS", problem));
        }
        Ok(Self {
            hints: HintBook::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?),
            audio: AudioStore::new(audio::client(&start.sdk), settings.required("AUDIO_BUCKET")?),
            queue: DeferredQueue::new(aws_sdk_sqs::Client::new(&start.sdk), settings.required("DEFERRED_QUEUE_URL")?),
            speech,
            clock: start.clock.clone(),
            last_try,
            first_backoff_s,
        })
    }
}

/// Takes a batch of messages, all at once. Those whose utterance has no text yet are reported, and come again.
///
/// # Errors
/// None: failures are reported message by message.
pub async fn handle(event: SqsEvent, context: &Context) -> Result<SqsBatchResponse, ServiceError> {
    let worked = event.records.iter().map(|message| async move {
        let done = Box::pin(work(message, context)).await;
        (message, done)
    });
    let mut response = SqsBatchResponse::default();
    for (message, done) in join_all(worked).await {
        if !done {
            let mut failure = BatchItemFailure::default();
            // A message without an id is not to be told from the others: an empty one makes all of them come again.
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

/// Works on one message; says whether it is done with. One that is not is hidden until its next try.
async fn work(message: &SqsMessage, context: &Context) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    // A message that is not understood comes again after the queue's own time: by then, another version may be there.
    let deferred = match DeferredUtterance::parse(message.body.as_deref().unwrap_or_default()) {
        Ok(deferred) => deferred,
        Err(error) => {
            tracing::error!(%error, message.id = id, "message refused");
            return false;
        }
    };
    let receives = receives(message);
    let error = match utterance::finish(&deferred, receives <= context.last_try, context).await {
        Ok(()) => return true,
        Err(error) => error,
    };
    tracing::warn!(%error, message.id = id, receives, call.id = %deferred.call, "utterance still has to wait");
    let mut hidden_s = backoff_s(context.first_backoff_s, receives, error.wish_ms());
    if receives >= context.last_try {
        match utterance::mark_failed(&deferred, context).await {
            // Nothing more will be tried: straight on to the dead letters.
            Ok(()) => hidden_s = 0,
            Err(error) => tracing::error!(%error, call.id = %deferred.call, "placeholder not marked as failed"),
        }
    }
    let receipt = message.receipt_handle.as_deref().unwrap_or_default();
    if let Err(error) = context.queue.set_visibility(receipt, hidden_s).await {
        tracing::warn!(%error, message.id = id, "the message comes again when its queue says so");
    }
    false
}

/// How often the message was received, this time included.
fn receives(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// How long a message is hidden after a try, in seconds: as long as the service wishes at least, and longer each time,
/// since many that come back at once are refused at once.
fn backoff_s(first_s: u64, receives: u32, wish_ms: Option<u64>) -> u64 {
    let own_s = first_s.saturating_mul(2_u64.saturating_pow(receives.saturating_sub(1)));
    own_s.max(wish_ms.unwrap_or(0).div_ceil(1_000)).min(LONGEST_BACKOFF_S)
}

/// Why an utterance still has to wait.
pub type Error = WaitError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_is_an_utterance() {
        let event: SqsEvent = serde_json::from_str(include_str!("../../../events/recordings.json")).unwrap();
        let message = &event.records[0];
        let deferred = DeferredUtterance::parse(message.body.as_deref().unwrap()).unwrap();
        assert_eq!((deferred.org.as_str(), deferred.start_ms, deferred.sample_rate), ("acme", 1_040, 16_000));
        assert_eq!(receives(message), 2);
    }

    #[test]
    fn each_try_waits_twice_as_long_up_to_a_quarter_of_an_hour() {
        for (receives, wish_ms, expected_s) in [
            (1, None, 15),
            (2, None, 30),
            (6, None, 480),
            (7, None, 900),
            (u32::MAX, None, 900),
            (1, Some(0), 15),
            (1, Some(20_001), 21),
            (5, Some(1_001), 240),
            (1, Some(u64::MAX), 900),
        ] {
            assert_eq!(backoff_s(FIRST_BACKOFF_S, receives, wish_ms), expected_s, "{receives} {wish_ms:?}");
        }
    }
}
