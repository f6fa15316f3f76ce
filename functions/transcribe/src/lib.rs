//! The streaming function: records of the frame stream in, segments out.
//!
//! One invocation takes a batch, in order, from one shard; `call` carries a single call through it, `utterance` is what
//! becomes of each utterance, `partial` what is shown of one before that, `state` what remains of a call between two
//! batches. Calls do not wait for each other within a batch, and none waits for a transcription service that fails.

pub mod call;
pub mod partial;
pub mod state;
pub mod utterance;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lambda_events::{
    kinesis::KinesisEvent,
    streams::{KinesisBatchItemFailure, KinesisEventResponse},
};
use callboard_adapters::{
    ServiceError,
    audio::{self, AudioStore},
    calls::Calls,
    gateway::Gateway,
    live::Live,
    queue::DeferredQueue,
    table::Table,
};
use callboard_domain::speech::{Breaker, Transcriber};
use callboard_runtime::{
    Clock, SettingError, Start,
    seal::Seal,
    speech::{self, HintBook},
    watch::{call_span, note_stream_age, trace},
};
use callboard_wire::record::Record;
use futures_util::{StreamExt as _, stream};
use tracing::Instrument as _;

use crate::{call::CallError, partial::Partials, state::CallState};

/// Calls that a warm environment keeps at most: up to 16 MB each (48 kHz stereo, both channels in a long utterance that
/// clicks came before, and as many early frames as are kept), below 1 MB mostly.
const WARM_CALLS: usize = 24;
/// Calls of one batch that are worked on at once.
const CALLS_AT_ONCE: usize = 16;

/// What the function needs.
pub struct Context {
    /// What playbooks tell the transcription service.
    pub hints: HintBook,
    /// Where segments go.
    pub calls: Calls,
    /// Sessions between batches.
    pub live: Live,
    /// Where acknowledgements go.
    pub gateway: Gateway,
    /// Where the audio of utterances goes that have to wait…
    pub audio: AudioStore,
    /// …and where the word of them does.
    pub deferred: DeferredQueue,
    /// The transcription service.
    pub speech: Arc<dyn Transcriber>,
    /// The time of day.
    pub clock: Clock,
    /// Keeps what redaction remembers between batches.
    pub seal: Seal,
    /// Whether text is shown before an utterance is over.
    pub partials: Partials,
    breaker: Mutex<Breaker>,
    /// Sessions of the last batches, each under its partition key.
    warm: Mutex<HashMap<String, CallState>>,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `LIVE_TABLE`, `SOCKET_ENDPOINT`, `AUDIO_BUCKET`, `DEFERRED_QUEUE_URL`, and
    /// `SPEECH_PROVIDER`, `SPEECH_URL`, `SPEECH_MODEL`, `SPEECH_API_KEY`, `SPEECH_TIMEOUT_MS`. Without `REDACTION_KEY`,
    /// numbers that may be said with pauses stay masked, whatever follows. `PARTIAL_TEXT` is `off` by default.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let speech = speech::connect(&start.settings)?;
        Self::with_speech(start, speech)
    }

    /// The same with a transcription service of one's own.
    pub fn with_speech(start: &Start, speech: Arc<dyn Transcriber>) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name: &str| Ok(Table::new(client.clone(), start.settings.required(name)?));
        let management = aws_sdk_apigatewaymanagement::config::Builder::from(&start.sdk);
        Ok(Self {
            hints: HintBook::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?).traced(trace),
            live: Live::new(table("LIVE_TABLE")?),
            gateway: Gateway::new(&management, &start.settings.address("SOCKET_ENDPOINT")?),
            audio: AudioStore::new(audio::client(&start.sdk), start.settings.required("AUDIO_BUCKET")?),
            deferred: DeferredQueue::new(
                aws_sdk_sqs::Client::new(&start.sdk),
                start.settings.required("DEFERRED_QUEUE_URL")?,
            ),
            speech,
            clock: start.clock.clone(),
            seal: Seal::new(start.settings.optional("REDACTION_KEY")),
            partials: Partials::new(&start.settings)?,
            breaker: Mutex::default(),
            warm: Mutex::default(),
        })
    }

    /// Whether the transcription service is worth asking. Held for a moment, never while anything is waited for.
    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_warm(&self, key: &str) -> Option<CallState> {
        self.warm.lock().ok()?.remove(key)
    }

    pub(crate) fn keep_warm(&self, key: String, state: CallState) {
        if let Ok(mut warm) = self.warm.lock() {
            if warm.len() >= WARM_CALLS {
                warm.clear();
            }
            warm.insert(key, state);
        }
    }
}

/// The records of one call in a batch, with the sequence number of the first.
struct Share {
    first: usize,
    records: Vec<Record>,
}

/// Takes a batch. The lowest record that could not be worked on is reported, and all from there on comes again.
///
/// # Errors
/// None: failures are reported record by record.
pub async fn handle(event: KinesisEvent, context: &Context) -> Result<KinesisEventResponse, ServiceError> {
    let arrived = event.records.iter().map(|it| it.kinesis.approximate_arrival_timestamp.timestamp_millis());
    note_stream_age(arrived.min(), context.clock.now_ms());
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    let mut failed: Option<usize> = None;
    for (at, record) in event.records.iter().enumerate() {
        match Record::decode(&record.kinesis.data) {
            Ok(decoded) => {
                let share = shares.entry(decoded.partition_key()).or_insert(Share { first: at, records: Vec::new() });
                share.records.push(decoded);
            }
            // Written by a version of this code that is not this one, or damaged. Retried, then kept in the bucket.
            Err(error) => {
                tracing::error!(error = %error, record.sequence = %record.kinesis.sequence_number, "record refused");
                failed = Some(failed.map_or(at, |first| first.min(at)));
            }
        }
    }
    let outcomes = stream::iter(shares.into_iter().map(|(key, share)| async move {
        let span = share.records.first().map_or_else(tracing::Span::none, |first| {
            let traces = share.records.iter().filter_map(|record| record.header.trace.as_deref());
            call_span(&first.header.org, &first.header.call, traces)
        });
        let outcome = Box::pin(call::process(&key, &share.records, context)).instrument(span).await;
        (key, share.first, share.records.len(), outcome)
    }));
    let outcomes: Vec<_> = outcomes.buffer_unordered(CALLS_AT_ONCE).collect().await;
    for (key, first, count, outcome) in outcomes {
        if let Err(error) = outcome {
            tracing::error!(error = %error, call.key = %key, records = count, "records not worked on");
            failed = Some(failed.map_or(first, |lowest| lowest.min(first)));
        }
    }
    let mut response = KinesisEventResponse::default();
    if let Some(at) = failed {
        let mut failure = KinesisBatchItemFailure::default();
        failure.item_identifier = event.records.get(at).map(|record| record.kinesis.sequence_number.clone());
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

/// Why a call's records could not be worked on.
pub type Error = CallError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_event_is_a_frame() {
        let event: KinesisEvent = serde_json::from_str(include_str!("../../../events/transcribe.json")).unwrap();
        let record = Record::decode(&event.records[0].kinesis.data).unwrap();
        assert_eq!(record.partition_key(), event.records[0].kinesis.partition_key);
        assert_eq!(record.payload.len(), 3_200);
    }
}
