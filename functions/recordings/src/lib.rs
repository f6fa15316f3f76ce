//! Recorded calls, and of live ones their audio and utterances that had to wait: messages of queues in, final segments and
//! minutes of audio out.
//!
//! Two functions have this code. One takes what S3 tells of recordings and the work that follows from it: `plan` looks at
//! a recording and hands out its parts, `part` works on one of them; `live` makes the audio of a live call of its frames.
//! The other takes utterances that a transcription service could not do at once: `deferred`. A message comes again until
//! it is done with, later each time. Everything here can be repeated: the first final segment wins, and what is settled is
//! not worked on again.

mod deferred;
mod hearing;
mod keep;
mod live;
mod part;
mod plan;
mod source;
mod stages;
mod whole;

use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use callboard_adapters::{
    ServiceError,
    audio::{self, AudioStore},
    calls::Calls,
    orgs::Orgs,
    queue::{DeferredQueue, WorkQueue},
    table::Table,
};
use callboard_domain::speech::{SpeechError, Transcriber};
use callboard_runtime::{
    Clock, SettingError, Start,
    speech::{self, HintBook},
    watch::{call_span, note_queue_age, note_waiting, trace},
};
use callboard_wire::{
    deferred::DeferredUtterance,
    work::{Asked, Task, Work},
};
use futures_util::future::join_all;
use tracing::Instrument as _;

use crate::deferred::WaitError;
pub use crate::whole::Whole;

/// The receive of a message that is the last to ask the transcription service: from then on its placeholder says that
/// it failed. The queue's `maxReceiveCount` is a few higher, so that it is marked even if this very try breaks off.
pub const LAST_TRY: u32 = 20;
/// The same of a part of a recording: what it could not do then is told as missing.
pub const LAST_TRY_OF_PART: u32 = 6;
/// How long a message waits after its first try, in seconds; doubled with each further one…
const FIRST_BACKOFF_S: u64 = 15;
/// …up to this; the service's own word is followed up to this, too.
const LONGEST_BACKOFF_S: u64 = 900;
/// Sections of a part, unless a setting says otherwise: about five minutes.
const PART_SECTIONS: u32 = 1;
/// Utterances of a part that the transcription service is asked about at once, unless a setting says otherwise.
const AT_ONCE: usize = 8;

/// What the function needs.
pub struct Context {
    /// What playbooks tell the transcription service.
    pub hints: HintBook,
    /// What organizations want to have kept.
    pub orgs: Orgs,
    /// Where segments go.
    pub calls: Calls,
    /// Where the audio is.
    pub audio: AudioStore,
    /// Where messages of utterances come from.
    pub queue: DeferredQueue,
    /// Where messages of recordings come from, and go to.
    pub work: WorkQueue,
    /// The transcription service.
    pub speech: Arc<dyn Transcriber>,
    /// The time of day.
    pub clock: Clock,
    /// See [`LAST_TRY`], of which this is the value outside of tests.
    pub last_try: u32,
    /// How long a message waits after its first try, in seconds.
    pub first_backoff_s: u64,
    /// Sections of a part of a recording: about five minutes each.
    pub part_sections: u32,
    /// Utterances of a part that the transcription service is asked about at once.
    pub at_once: usize,
    /// The service that works on whole recordings; without one, they are worked on in parts.
    pub whole: Option<Whole>,
}

impl Context {
    /// Reads `ACCOUNTS_TABLE`, `CALLS_TABLE`, `AUDIO_BUCKET`, `DEFERRED_QUEUE_URL`, `WORK_QUEUE_URL`, `DEFERRED_TRIES` (20
    /// by default and at most), `DEFERRED_BACKOFF_SECONDS` (15 by default, at most 900), `RECORDING_PART_SECTIONS` (1 by
    /// default), `RECORDING_AT_ONCE` (8 by default), and `SPEECH_PROVIDER`, `SPEECH_URL`, `SPEECH_MODEL`,
    /// `SPEECH_API_KEY`, `SPEECH_TIMEOUT_MS`; `RECORDINGS_POLL_SECONDS` (15 by default) and what
    /// [`speech::prerecorded`] reads.
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
        let positive = |name: &str, default: u32| match settings.parsed(name, default)? {
            0 => Err(SettingError::malformed(name, "use a number from 1 on")),
            count => Ok(count),
        };
        let first_poll_s = settings.parsed("RECORDINGS_POLL_SECONDS", whole::FIRST_POLL_S)?;
        let service = speech::prerecorded(settings)?;
        let sqs = aws_sdk_sqs::Client::new(&start.sdk);
        Ok(Self {
            hints: HintBook::new(table("ACCOUNTS_TABLE")?),
            orgs: Orgs::new(table("ACCOUNTS_TABLE")?),
            calls: Calls::new(table("CALLS_TABLE")?).traced(trace),
            audio: AudioStore::new(audio::client(&start.sdk), settings.required("AUDIO_BUCKET")?),
            queue: DeferredQueue::new(sqs.clone(), settings.required("DEFERRED_QUEUE_URL")?),
            work: WorkQueue::new(sqs, settings.required("WORK_QUEUE_URL")?),
            speech,
            clock: start.clock.clone(),
            last_try,
            first_backoff_s,
            part_sections: positive("RECORDING_PART_SECTIONS", PART_SECTIONS)?,
            at_once: positive("RECORDING_AT_ONCE", AT_ONCE as u32)? as usize,
            whole: service.map(|service| Whole { service, first_poll_s }),
        })
    }
}

/// Why work on a call is not done. All of it is worth a retry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// A table, a queue or the bucket failed.
    #[error(transparent)]
    Service(ServiceError),
    /// The recording, or what came of a live call, could not be read.
    #[error("{0}")]
    Source(String),
    /// The transcription service could not do it.
    #[error(transparent)]
    Speech(SpeechError),
    /// The recording is not what the message says of it.
    #[error("the recording has no such part")]
    Part,
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
    match message.event_source_arn.as_deref() {
        Some(arn) if context.work.is(arn) => work_on_call(message, context).await,
        _ => work_on_utterance(message, context).await,
    }
}

/// Works on what is asked for about a call.
async fn work_on_call(message: &SqsMessage, context: &Context) -> bool {
    note_queue_age(message.attributes.get("SentTimestamp"), context.clock.now_ms());
    let id = message.message_id.as_deref().unwrap_or_default();
    let asked = match Asked::parse(message.body.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(error) => {
            tracing::error!(%error, message.id = id, "message refused");
            return false;
        }
    };
    let receives = receives(message);
    let done = match asked {
        Asked::Uploaded(calls) => {
            let planned = calls
                .iter()
                .map(|(org, call)| Box::pin(plan::plan(org, call, context)).instrument(call_span(org, call, [])));
            join_all(planned).await.into_iter().collect()
        }
        Asked::Work(work) => {
            let span = call_span(&work.org, &work.call, work.trace.as_deref());
            Box::pin(work_of(&work, receives, context)).instrument(span).await
        }
    };
    let Err(error) = done else { return true };
    tracing::warn!(%error, message.id = id, receives, "work on a call is tried again");
    let wish_ms = match &error {
        WorkError::Speech(SpeechError::Busy { retry_after_ms }) => *retry_after_ms,
        _ => None,
    };
    let receipt = message.receipt_handle.as_deref().unwrap_or_default();
    let hidden_s = backoff_s(context.first_backoff_s, receives, wish_ms);
    if let Err(error) = context.work.set_visibility(receipt, hidden_s).await {
        tracing::warn!(%error, message.id = id, "the message comes again when its queue says so");
    }
    false
}

async fn work_of(work: &Work, receives: u32, context: &Context) -> Result<(), WorkError> {
    let (org, call) = (&work.org, &work.call);
    match work.task {
        Task::Plan => return plan::plan(org, call, context).await,
        Task::Keep { asked } => return live::keep(org, call, asked, context).await,
        _ => {}
    }
    let Some(item) = context.calls.recording(org, call).await? else { return Ok(()) };
    match &work.task {
        Task::Plan | Task::Keep { .. } => Ok(()),
        Task::Part { part } if receives > LAST_TRY_OF_PART => part::give_up(&item, *part, context).await,
        Task::Part { part } => part::work(&item, *part, receives == LAST_TRY_OF_PART, context).await,
        Task::Submit => whole::submit(&item, receives >= LAST_TRY_OF_PART, context).await,
        Task::Poll { id, asked } => whole::poll(&item, id, Some(*asked), context).await,
        Task::Told { id } => whole::poll(&item, id, None, context).await,
    }
}

/// Works on an utterance that had to wait.
async fn work_on_utterance(message: &SqsMessage, context: &Context) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    // A message that is not understood comes again after the queue's own time: by then, another version may be there.
    let utterance = match DeferredUtterance::parse(message.body.as_deref().unwrap_or_default()) {
        Ok(utterance) => utterance,
        Err(error) => {
            tracing::error!(%error, message.id = id, "message refused");
            return false;
        }
    };
    note_queue_age(message.attributes.get("SentTimestamp"), context.clock.now_ms());
    let span = call_span(&utterance.org, &utterance.call, utterance.trace.as_deref());
    Box::pin(try_utterance(message, &utterance, context)).instrument(span).await
}

async fn try_utterance(message: &SqsMessage, utterance: &DeferredUtterance, context: &Context) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    let receives = receives(message);
    let error = match deferred::finish(utterance, receives <= context.last_try, context).await {
        Ok(()) => return true,
        Err(error) => error,
    };
    note_waiting(utterance.times.received, context.clock.now_ms());
    tracing::warn!(%error, message.id = id, receives, call.id = %utterance.call, "utterance still has to wait");
    let mut hidden_s = backoff_s(context.first_backoff_s, receives, error.wish_ms());
    if receives >= context.last_try {
        match deferred::mark_failed(utterance, context).await {
            // Nothing more will be tried: straight on to the dead letters.
            Ok(()) => {
                tracing::warn!(call.id = %utterance.call, utterances.failed = 1_u64, "utterance has no text");
                hidden_s = 0;
            }
            Err(error) => tracing::error!(%error, call.id = %utterance.call, "placeholder not marked as failed"),
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
