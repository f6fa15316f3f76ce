//! On-failure destinations: what AWS writes about a batch that was given up, and where.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    batching::{Condition, Record},
    records::{self, Origin},
};
use crate::{
    aws::{ACCOUNT, AwsError, LocalAws, REGION, iso_time, queue::NewMessage, uuid, uuid_from},
    template::{Destination, EventSource, EventSourceMapping},
};

/// A batch that is given up.
pub(crate) struct GivenUp<'a> {
    pub(crate) mapping: &'a EventSourceMapping,
    pub(crate) origin: &'a Origin,
    pub(crate) records: &'a [Arc<Record>],
    pub(crate) condition: Condition,
    pub(crate) invocations: u32,
}

/// Hands a batch to its mapping's destination; without one there is nothing to do.
pub(crate) async fn deliver(aws: &LocalAws, batch: &GivenUp<'_>) -> Result<(), AwsError> {
    let now_ms = aws.now_ms();
    match &batch.mapping.on_failure {
        None => Ok(()),
        Some(Destination::S3(bucket)) => {
            let mut body = describe(batch, now_ms);
            body["payload"] = json!(payload(batch));
            let key = object_key(batch, now_ms);
            let records = batch.records.len();
            aws.s3().put(bucket, &key, Bytes::from(body.to_string())).await?;
            tracing::info!(mapping = batch.mapping.id, bucket, key, records, "failed batch kept");
            Ok(())
        }
        Some(Destination::Sqs(queue)) => {
            let message = NewMessage {
                id: uuid(),
                body: describe(batch, now_ms).to_string(),
                attributes: Value::Null,
                group: Some(batch.origin.shard.clone()),
                deduplication: Some(uuid()),
                delay_ms: None,
            };
            aws.sqs().with(queue, |queue, now_ms| queue.send(message, now_ms))??;
            Ok(())
        }
    }
}

/// The event that the function was given.
fn payload(batch: &GivenUp<'_>) -> String {
    let records = batch.records.iter().map(|record| records::addressed(batch.origin, record));
    let records: Vec<Value> = records.collect();
    json!({"Records": records}).to_string()
}

/// `aws/lambda/<mapping>/<shard>/2026/11/21/2026-11-21T02.35.19-<random>`, as AWS names it.
fn object_key(batch: &GivenUp<'_>, now_ms: u64) -> String {
    let time = iso_time(now_ms);
    let seconds = time.split('.').next().unwrap_or_default();
    let (day, clock) = seconds.split_once('T').unwrap_or((seconds, ""));
    format!(
        "aws/lambda/{}/{}/{}/{day}T{}-{}",
        mapping_uuid(&batch.mapping.id),
        batch.origin.shard,
        day.replace('-', "/"),
        clock.replace(':', "."),
        uuid(),
    )
}

/// A mapping's UUID: the same in every run.
pub fn mapping_uuid(mapping: &str) -> String {
    let digest = Sha256::digest(mapping);
    let bits = digest.iter().take(16).fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    uuid_from(bits)
}

fn describe(batch: &GivenUp<'_>, now_ms: u64) -> Value {
    let condition = match batch.condition {
        Condition::RetryAttemptsExhausted => "RetryAttemptsExhausted",
        Condition::RecordAgeExceeded => "RecordAgeExceeded",
    };
    let function = &batch.mapping.function;
    let mut description = json!({
        "requestContext": {
            "requestId": uuid(),
            "functionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"),
            "condition": condition,
            "approximateInvokeCount": batch.invocations,
        },
        "version": "1.0",
        "timestamp": iso_time(now_ms),
    });
    if batch.invocations > 0 {
        description["responseContext"] =
            json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
    }
    if let (Some(first), Some(last)) = (batch.records.first(), batch.records.last()) {
        let name = match batch.mapping.source {
            EventSource::DynamoDb(_) => "DDBStreamBatchInfo",
            _ => "KinesisBatchInfo",
        };
        description[name] = json!({
            "shardId": batch.origin.shard,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": iso_time(first.at_ms),
            "approximateArrivalOfLastRecord": iso_time(last.at_ms),
            "batchSize": batch.records.len(),
            "streamArn": batch.origin.arn,
        });
    }
    description
}
