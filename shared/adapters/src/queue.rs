//! The queues: utterances that have to wait, work on calls, and what a language model is wanted for.

use aws_sdk_sqs::{Client, error::ProvideErrorMetadata};
use callboard_wire::{advice::AdviceRequest, deferred::DeferredUtterance, work::Work};

use crate::ServiceError;

/// SQS delays a message by this at most, in seconds.
pub const LONGEST_DELAY_S: u64 = 900;

/// A queue by its URL, and the client to reach it.
#[derive(Debug, Clone)]
struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    async fn send(&self, body: String, delay_s: u64) -> Result<(), ServiceError> {
        let message = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = message.delay_seconds(seconds(delay_s.min(LONGEST_DELAY_S))).send().await;
        sent.map(|_| ()).map_err(|error| failed("SendMessage", &error))
    }

    async fn set_visibility(&self, receipt: &str, hidden_s: u64) -> Result<(), ServiceError> {
        let change = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        let changed = change.visibility_timeout(seconds(hidden_s)).send().await;
        changed.map(|_| ()).map_err(|error| failed("ChangeMessageVisibility", &error))
    }

    /// Whether messages with this `eventSourceARN` come from here: ARNs and URLs both end with the queue's name.
    fn is(&self, arn: &str) -> bool {
        let name = self.url.rsplit('/').next();
        name.is_some() && name == arn.rsplit(':').next()
    }
}

/// The queue of utterances that have to wait, and the client to reach it.
#[derive(Debug, Clone)]
pub struct DeferredQueue(Queue);

impl DeferredQueue {
    /// A queue by its URL.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self(Queue { client, url: url.into() })
    }

    /// Hands an utterance over, to be received after a delay (see [`LONGEST_DELAY_S`]).
    pub async fn send(&self, utterance: &DeferredUtterance, delay_s: u64) -> Result<(), ServiceError> {
        self.0.send(utterance.to_json(), delay_s).await
    }

    /// Hides a message that was received until it is to be received again.
    pub async fn set_visibility(&self, receipt: &str, hidden_s: u64) -> Result<(), ServiceError> {
        self.0.set_visibility(receipt, hidden_s).await
    }
}

/// The queue of work on calls, and the client to reach it. S3 puts its own messages there, too.
#[derive(Debug, Clone)]
pub struct WorkQueue(Queue);

impl WorkQueue {
    /// A queue by its URL.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self(Queue { client, url: url.into() })
    }

    /// Hands work over, to be received after a delay (see [`LONGEST_DELAY_S`]).
    pub async fn send(&self, work: &Work, delay_s: u64) -> Result<(), ServiceError> {
        self.0.send(work.to_json(), delay_s).await
    }

    /// Hides a message that was received until it is to be received again.
    pub async fn set_visibility(&self, receipt: &str, hidden_s: u64) -> Result<(), ServiceError> {
        self.0.set_visibility(receipt, hidden_s).await
    }

    /// Whether messages with this `eventSourceARN` come from here.
    pub fn is(&self, arn: &str) -> bool {
        self.0.is(arn)
    }
}

/// The FIFO queue of what a language model is wanted for, and the client to reach it.
#[derive(Debug, Clone)]
pub struct AdviceQueue {
    client: Client,
    url: String,
}

impl AdviceQueue {
    /// A queue by its URL.
    pub fn new(client: Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    /// Asks for something, unless the same was asked for within the last five minutes.
    pub async fn send(&self, request: &AdviceRequest) -> Result<(), ServiceError> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(request.to_json())
            .message_group_id(request.group())
            .message_deduplication_id(request.deduplication())
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failed("SendMessage", &error))
    }
}

fn seconds(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn failed<E: ProvideErrorMetadata + std::fmt::Display>(operation: &'static str, error: &E) -> ServiceError {
    let reason = error.code().map_or_else(|| error.to_string(), str::to_owned);
    ServiceError::Unavailable { service: "sqs", operation, reason }
}
