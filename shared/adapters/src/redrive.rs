//! What was given up, taken up again: batches that Lambda kept in a bucket when their retries were over, and messages
//! in dead letters.
//!
//! All of it may happen twice and change nothing: a session knows the frames that it has heard, a stream record of an
//! item only tells its present state again, and an utterance that has its text is done with. What could not be taken
//! up stays where it is.

mod batch;

use std::cmp::Ordering;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_sqs::types::MessageSystemAttributeName;

use self::batch::{Batch, Record};
use crate::{ServiceError, audio, table::number};

/// Where Lambda puts what it gave up, in the bucket.
const PREFIX: &str = "aws/lambda/";
/// SQS gives out no more at once.
const MESSAGES: i32 = 10;
/// How long an empty queue is listened to, in seconds: a queue of many parts may seem empty for a moment.
const LISTEN_S: i32 = 2;

/// The services that it takes.
#[derive(Debug, Clone)]
pub struct Redrive {
    s3: aws_sdk_s3::Client,
    kinesis: aws_sdk_kinesis::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
}

/// Why a batch was not taken up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedriveError {
    /// A service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The object is none of Lambda's. What it holds is not told: it may be spoken words.
    #[error("it is no batch that Lambda gave up: {0}")]
    Unreadable(&'static str),
}

/// What a batch came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records put into their stream again.
    pub records: usize,
    /// Items touched, so that their table's stream tells them again.
    pub items: usize,
}

impl Redrive {
    /// The services of this configuration.
    pub fn new(sdk: &aws_types::SdkConfig) -> Self {
        Self {
            s3: audio::client(sdk),
            kinesis: aws_sdk_kinesis::Client::new(sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::new(sdk),
        }
    }

    /// Keys of the batches in a bucket, in the order in which their streams had them.
    ///
    /// # Errors
    /// The bucket failed.
    pub async fn batches(&self, bucket: &str) -> Result<Vec<String>, ServiceError> {
        let mut found: Vec<(Option<Batch>, String)> = Vec::new();
        let mut next = None;
        loop {
            let request = self.s3.list_objects_v2().bucket(bucket).prefix(PREFIX).set_continuation_token(next);
            let page = request.send().await.map_err(|error| failed("s3", "ListObjectsV2", &error))?;
            for key in page.contents().iter().filter_map(|object| object.key()) {
                // One that cannot be read is told when it is its turn.
                let batch = self.read(bucket, key).await.ok();
                found.push((batch.map(Batch::without_records), key.to_owned()));
            }
            next = page.next_continuation_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        found.sort_by(|(one, one_key), (other, other_key)| in_order(one, other).then_with(|| one_key.cmp(other_key)));
        Ok(found.into_iter().map(|(_, key)| key).collect())
    }

    /// Takes one batch up: all of its records, then the object is deleted. A failure leaves it.
    ///
    /// # Errors
    /// Something of it was not taken up, or is still there.
    pub async fn replay(&self, bucket: &str, key: &str, now_ms: i64) -> Result<Replayed, RedriveError> {
        let batch = self.read(bucket, key).await?;
        let mut replayed = Replayed::default();
        // One after the other: what one call said keeps its order.
        for record in &batch.records {
            match record {
                Record::Frame { partition_key, data } => {
                    self.put(&batch.resource, partition_key, data).await?;
                    replayed.records += 1;
                }
                Record::Item { keys } => {
                    replayed.items += usize::from(self.touch(&batch.resource, keys, now_ms).await?)
                }
            }
        }
        let deleted = self.s3.delete_object().bucket(bucket).key(key).send().await;
        deleted.map_err(|error| failed("s3", "DeleteObject", &error))?;
        Ok(replayed)
    }

    /// Moves the messages that a queue of dead letters has now back to where they came from; says how many. Sent first
    /// and deleted then: broken off in between, a message is there twice. What comes in meanwhile is left.
    ///
    /// # Errors
    /// A queue failed. What was moved before stays moved.
    pub async fn move_messages(&self, dead_letters: &str, queue: &str, began_ms: i64) -> Result<usize, ServiceError> {
        let mut moved = 0;
        loop {
            let received = self
                .sqs
                .receive_message()
                .queue_url(dead_letters)
                .max_number_of_messages(MESSAGES)
                .wait_time_seconds(LISTEN_S)
                .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
                .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
                .send()
                .await
                .map_err(|error| failed("sqs", "ReceiveMessage", &error))?;
            let before = moved;
            for message in received.messages() {
                let attributes = message.attributes();
                let sent = attributes.and_then(|known| known.get(&MessageSystemAttributeName::SentTimestamp));
                // One that was moved, failed at once and is here again would else be moved for ever.
                if sent.and_then(|sent| sent.parse::<i64>().ok()).is_some_and(|sent_ms| sent_ms > began_ms) {
                    continue;
                }
                let (body, receipt) = (message.body(), message.receipt_handle());
                let mut send = self.sqs.send_message().queue_url(queue).set_message_body(body.map(str::to_owned));
                if let Some(group) = attributes.and_then(|known| known.get(&MessageSystemAttributeName::MessageGroupId))
                {
                    // Of a FIFO queue. The message's own id: what the queue knew it by may still be remembered there.
                    send =
                        send.message_group_id(group).set_message_deduplication_id(message.message_id().map(Into::into));
                }
                send.send().await.map_err(|error| failed("sqs", "SendMessage", &error))?;
                let deleted = self.sqs.delete_message().queue_url(dead_letters);
                let deleted = deleted.set_receipt_handle(receipt.map(str::to_owned)).send();
                deleted.await.map_err(|error| failed("sqs", "DeleteMessage", &error))?;
                moved += 1;
            }
            if moved == before {
                return Ok(moved);
            }
        }
    }

    async fn read(&self, bucket: &str, key: &str) -> Result<Batch, RedriveError> {
        let object = self.s3.get_object().bucket(bucket).key(key).send().await;
        let object = object.map_err(|error| failed("s3", "GetObject", &error))?;
        let body = object.body.collect().await.map_err(|error| ServiceError::Unavailable {
            service: "s3",
            operation: "GetObject",
            reason: error.to_string(),
        })?;
        Batch::parse(&body.into_bytes()).map_err(RedriveError::Unreadable)
    }

    async fn put(&self, stream: &str, partition_key: &str, data: &[u8]) -> Result<(), ServiceError> {
        let put = self.kinesis.put_record().stream_name(stream).partition_key(partition_key).data(Blob::new(data));
        put.send().await.map(|_| ()).map_err(|error| failed("kinesis", "PutRecord", &error))
    }

    /// Changes an item a little, so that the stream tells it again; says whether it is still there.
    async fn touch(&self, table: &str, keys: &[(String, String)], now_ms: i64) -> Result<bool, ServiceError> {
        let mut request = self
            .dynamodb
            .update_item()
            .table_name(table)
            .update_expression("SET redriven_at = :now")
            .expression_attribute_values(":now", number(now_ms));
        for (name, value) in keys {
            request = request
                .key(name, crate::table::text(value))
                .condition_expression("attribute_exists(#key)")
                .expression_attribute_names("#key", name);
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(failed("dynamodb", "UpdateItem", &error)),
        }
    }
}

fn in_order(one: &Option<Batch>, other: &Option<Batch>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => one.place().cmp(&other.place()),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}

fn failed<E: ProvideErrorMetadata + std::fmt::Display>(
    service: &'static str,
    operation: &'static str,
    error: &E,
) -> ServiceError {
    let reason = error.code().map_or_else(|| error.to_string(), str::to_owned);
    ServiceError::Unavailable { service, operation, reason }
}
