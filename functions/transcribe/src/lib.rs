//! The streaming function: records of the frame stream in, segments out.
//!
//! One invocation takes a batch, in order, from one shard; `call` carries a single call through it, `state` is what
//! remains of a call between two batches. Calls do not wait for each other within a batch.

pub mod call;
pub mod state;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lambda_events::{
    kinesis::KinesisEvent,
    streams::{KinesisBatchItemFailure, KinesisEventResponse},
};
use callboard_adapters::{
    ServiceError,
    accounts::Accounts,
    calls::Calls,
    gateway::Gateway,
    live::Live,
    speech::{self, ConfigError, Secret},
    table::Table,
};
use callboard_domain::{OrgId, PlaybookId, speech::Transcriber};
use callboard_runtime::{Cache, Clock, SettingError, Settings, Start};
use callboard_wire::record::Record;
use futures_util::{StreamExt as _, stream};

use crate::{call::CallError, state::CallState};

/// Calls that a warm environment keeps at most: up to 16 MB each (48 kHz stereo, both channels in a long utterance that
/// clicks came before, and as many early frames as are kept), below 1 MB mostly.
const WARM_CALLS: usize = 24;
/// Calls of one batch that are worked on at once.
const CALLS_AT_ONCE: usize = 16;
/// How long a playbook's terms are kept before they are read again.
const TERMS_MS: i64 = 60_000;

/// What the function needs.
pub struct Context {
    /// Playbooks, for their terms.
    pub accounts: Accounts,
    /// Where segments go.
    pub calls: Calls,
    /// Sessions between batches.
    pub live: Live,
    /// Where acknowledgements go.
    pub gateway: Gateway,
    /// The transcription service.
    pub speech: Arc<dyn Transcriber>,
    /// The time of day.
    pub clock: Clock,
    terms: Cache<(OrgId, PlaybookId), Arc<Hints>>,
    /// Sessions of the last batches, each under its partition key.
    warm: Mutex<HashMap<String, CallState>>,
}

/// What a playbook tells the transcription service.
#[derive(Debug, Default)]
pub struct Hints {
    /// Language tag.
    pub language: Option<String>,
    /// Names and products.
    pub terms: Vec<String>,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `LIVE_TABLE`, `SOCKET_ENDPOINT`, and `SPEECH_PROVIDER`, `SPEECH_URL`,
    /// `SPEECH_MODEL`, `SPEECH_API_KEY`, `SPEECH_TIMEOUT_MS`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let speech = connect_speech(&start.settings)?;
        Self::with_speech(start, speech)
    }

    /// The same with a transcription service of one's own.
    pub fn with_speech(start: &Start, speech: Arc<dyn Transcriber>) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let table = |name: &str| Ok(Table::new(client.clone(), start.settings.required(name)?));
        let management = aws_sdk_apigatewaymanagement::config::Builder::from(&start.sdk);
        Ok(Self {
            accounts: Accounts::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?),
            live: Live::new(table("LIVE_TABLE")?),
            gateway: Gateway::new(&management, &start.settings.address("SOCKET_ENDPOINT")?),
            speech,
            clock: start.clock.clone(),
            terms: Cache::new(TERMS_MS),
            warm: Mutex::default(),
        })
    }

    /// What the call's playbook tells the transcription service.
    pub(crate) async fn hints(&self, org: &OrgId, playbook: &PlaybookId) -> Result<Arc<Hints>, ServiceError> {
        let load = async {
            let found = self.accounts.playbook(org, playbook).await?;
            Ok(Arc::new(
                found.map(|found| Hints { language: Some(found.language), terms: found.terms }).unwrap_or_default(),
            ))
        };
        self.terms.get((org.clone(), playbook.clone()), self.clock.now_ms(), load).await
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

fn connect_speech(settings: &Settings) -> Result<Arc<dyn Transcriber>, SettingError> {
    let name = |error: &ConfigError| match error {
        ConfigError::Provider => "SPEECH_PROVIDER",
        ConfigError::Url => "SPEECH_URL",
        ConfigError::Model => "SPEECH_MODEL",
        ConfigError::KeyMissing | ConfigError::Key => "SPEECH_API_KEY",
        ConfigError::Timeout => "SPEECH_TIMEOUT_MS",
    };
    let malformed = |error: ConfigError| SettingError::malformed(name(&error), error);
    let provider: speech::Provider =
        settings.optional("SPEECH_PROVIDER").unwrap_or("openai").parse().map_err(malformed)?;
    let config = speech::Config {
        provider,
        url: settings.optional("SPEECH_URL").unwrap_or(provider.default_url()).to_owned(),
        model: settings.optional("SPEECH_MODEL").unwrap_or_default().to_owned(),
        api_key: settings.optional("SPEECH_API_KEY").map(Secret::new),
        timeout: Duration::from_millis(settings.parsed("SPEECH_TIMEOUT_MS", 20_000)?),
    };
    speech::connect(config, callboard_runtime::start::http_client()?).map_err(malformed)
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
        let outcome = Box::pin(call::process(&key, &share.records, context)).await;
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

    #[test]
    fn a_wrong_setting_is_named() {
        let settings = |pairs: &[(&str, &str)]| {
            Settings::from(
                pairs
                    .iter()
                    .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                    .collect::<std::collections::BTreeMap<_, _>>(),
            )
        };
        for (pairs, name) in [
            (vec![("SPEECH_PROVIDER", "siri")], "SPEECH_PROVIDER"),
            (vec![("SPEECH_URL", "nowhere")], "SPEECH_URL"),
            (vec![("SPEECH_PROVIDER", "assemblyai")], "SPEECH_API_KEY"),
            (vec![("SPEECH_TIMEOUT_MS", "soon")], "SPEECH_TIMEOUT_MS"),
            (vec![("SPEECH_TIMEOUT_MS", "0")], "SPEECH_TIMEOUT_MS"),
        ] {
            let error = connect_speech(&settings(&pairs)).err().expect(name).to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }
}
