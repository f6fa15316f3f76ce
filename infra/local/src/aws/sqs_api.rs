//! SQS's JSON API over the queues in `sqs`. Long polling is left to the caller's patience: it answers at once.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    ACCOUNT, AwsError,
    queue::{Message, NewMessage, QueueError},
    reply::{ApiError, parse, uuid},
    sqs::{Sqs, queue_arn},
};
use crate::template;

const MESSAGE_LIMIT: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    queue_url: Option<String>,
    queue_name: Option<String>,
    max_number_of_messages: Option<usize>,
    attributes: Option<Map<String, Value>>,
    entries: Option<Vec<Entry>>,
    #[serde(flatten)]
    entry: Entry,
}

/// One message, or one receipt.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Entry {
    id: String,
    message_body: Option<String>,
    message_attributes: Value,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    delay_seconds: Option<u64>,
    receipt_handle: String,
    visibility_timeout: Option<u64>,
}

/// Answers one operation.
pub(crate) fn answer(sqs: &Sqs, operation: &str, body: &Bytes) -> Result<Value, ApiError> {
    let request: Request = parse(body)?;
    match operation {
        "CreateQueue" => create(sqs, &request),
        "ListQueues" => {
            let urls: Vec<String> = sqs.names().iter().map(|name| queue_url(name)).collect();
            Ok(json!({"QueueUrls": urls}))
        }
        "GetQueueUrl" => {
            let name = request.queue_name.unwrap_or_default();
            sqs.with(&name, |_, _| ()).map_err(refusal)?;
            Ok(json!({"QueueUrl": queue_url(&name)}))
        }
        "GetQueueAttributes" => attributes(sqs, &name_of(&request)?),
        "SendMessage" => send(sqs, &name_of(&request)?, request.entry),
        "ReceiveMessage" => receive(sqs, &request),
        "DeleteMessage" => {
            change(sqs, &name_of(&request)?, &request.entry, operation)?;
            Ok(json!({}))
        }
        "ChangeMessageVisibility" => {
            change(sqs, &name_of(&request)?, &request.entry, operation)?;
            Ok(json!({}))
        }
        "SendMessageBatch" => {
            let name = name_of(&request)?;
            batch(request, |entry| send(sqs, &name, entry))
        }
        "DeleteMessageBatch" => {
            let name = name_of(&request)?;
            batch(request, |entry| change(sqs, &name, &entry, "DeleteMessage"))
        }
        "ChangeMessageVisibilityBatch" => {
            let name = name_of(&request)?;
            batch(request, |entry| change(sqs, &name, &entry, "ChangeMessageVisibility"))
        }
        "PurgeQueue" => {
            sqs.with(&name_of(&request)?, |queue, _| queue.purge()).map_err(refusal)?;
            Ok(json!({}))
        }
        _ => Err(ApiError::unknown("SQS", operation)),
    }
}

fn create(sqs: &Sqs, request: &Request) -> Result<Value, ApiError> {
    let name = request.queue_name.clone().unwrap_or_default();
    let attributes = request.attributes.clone().unwrap_or_default();
    let text = |key: &str| attributes.get(key).and_then(Value::as_str);
    let seconds = |key: &str, default| text(key).and_then(|text| text.parse().ok()).unwrap_or(default);
    let redrive = text("RedrivePolicy").and_then(|policy| {
        let policy: Value = serde_json::from_str(policy).ok()?;
        let target = policy["deadLetterTargetArn"].as_str()?.rsplit(':').next()?.to_owned();
        let receives = match &policy["maxReceiveCount"] {
            Value::String(text) => text.parse().ok()?,
            number => u32::try_from(number.as_u64()?).ok()?,
        };
        Some((target, receives))
    });
    sqs.create(&template::Queue {
        visibility_timeout_s: seconds("VisibilityTimeout", 30),
        retention_s: seconds("MessageRetentionPeriod", 345_600),
        delay_s: seconds("DelaySeconds", 0),
        fifo: name.ends_with(".fifo"),
        content_based_deduplication: text("ContentBasedDeduplication") == Some("true"),
        redrive,
        name: name.clone(),
    })?;
    Ok(json!({"QueueUrl": queue_url(&name)}))
}

fn attributes(sqs: &Sqs, name: &str) -> Result<Value, ApiError> {
    let (counts, rules) =
        sqs.with(name, |queue, now_ms| (queue.counts(now_ms), queue.rules().clone())).map_err(refusal)?;
    Ok(json!({"Attributes": {
        "QueueArn": queue_arn(name),
        "ApproximateNumberOfMessages": counts.visible.to_string(),
        "ApproximateNumberOfMessagesNotVisible": counts.in_flight.to_string(),
        "ApproximateNumberOfMessagesDelayed": counts.delayed.to_string(),
        "VisibilityTimeout": (rules.visibility_ms / 1000).to_string(),
        "MessageRetentionPeriod": (rules.retention_ms / 1000).to_string(),
        "DelaySeconds": (rules.delay_ms / 1000).to_string(),
        "FifoQueue": rules.fifo.to_string(),
    }}))
}

fn send(sqs: &Sqs, name: &str, entry: Entry) -> Result<Value, ApiError> {
    let body = entry.message_body.unwrap_or_default();
    if body.is_empty() {
        return Err(ApiError::bad("MissingParameter", "the request must contain the parameter MessageBody"));
    }
    if body.len() > MESSAGE_LIMIT {
        return Err(ApiError::bad("InvalidParameterValue", "the message is larger than 1 MiB"));
    }
    let digest = format!("{:x}", md5::compute(&body));
    let message = NewMessage {
        id: uuid(),
        body,
        attributes: entry.message_attributes,
        group: entry.message_group_id,
        deduplication: entry.message_deduplication_id,
        delay_ms: entry.delay_seconds.map(|seconds| seconds * 1000),
    };
    let (fifo, sent) =
        sqs.with(name, |queue, now_ms| (queue.rules().fifo, queue.send(message, now_ms))).map_err(refusal)?;
    let (id, seq) = sent.map_err(invalid)?;
    let mut answer = json!({"MessageId": id, "MD5OfMessageBody": digest});
    if fifo {
        answer["SequenceNumber"] = json!(format!("{seq:020}"));
    }
    Ok(answer)
}

fn receive(sqs: &Sqs, request: &Request) -> Result<Value, ApiError> {
    let max = request.max_number_of_messages.unwrap_or(1).clamp(1, 10);
    let visibility_ms = request.entry.visibility_timeout.map(|seconds| seconds * 1000);
    let messages = sqs.receive(&name_of(request)?, max, visibility_ms).map_err(refusal)?;
    let messages: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "MessageId": message.id,
                "ReceiptHandle": message.receipt(),
                "Body": message.body,
                "MD5OfBody": format!("{:x}", md5::compute(&message.body)),
                "Attributes": system_attributes(message),
                "MessageAttributes": message.attributes,
            })
        })
        .collect();
    Ok(json!({"Messages": messages}))
}

/// What SQS itself knows of a message.
pub(crate) fn system_attributes(message: &Message) -> Value {
    let mut attributes = json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "SentTimestamp": message.sent_ms.to_string(),
        "SenderId": ACCOUNT,
        "ApproximateFirstReceiveTimestamp": message.first_received_ms.unwrap_or(message.sent_ms).to_string(),
    });
    if let Some(group) = &message.group {
        attributes["MessageGroupId"] = json!(group);
        attributes["MessageDeduplicationId"] = json!(message.deduplication);
        attributes["SequenceNumber"] = json!(format!("{:020}", message.seq));
    }
    attributes
}

fn change(sqs: &Sqs, name: &str, entry: &Entry, operation: &str) -> Result<Value, ApiError> {
    let receipt = &entry.receipt_handle;
    let hidden_ms = entry.visibility_timeout.unwrap_or(0) * 1000;
    sqs.with(name, |queue, now_ms| match operation {
        "DeleteMessage" => queue.delete(receipt, now_ms),
        _ => queue.change_visibility(receipt, hidden_ms, now_ms),
    })
    .map_err(refusal)?
    .map_err(invalid)?;
    Ok(json!({}))
}

fn batch(request: Request, mut each: impl FnMut(Entry) -> Result<Value, ApiError>) -> Result<Value, ApiError> {
    let entries = request.entries.unwrap_or_default();
    if entries.is_empty() || entries.len() > 10 {
        return Err(ApiError::bad("TooManyEntriesInBatchRequest", "a batch has between 1 and 10 entries"));
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = entry.id.clone();
        match each(entry) {
            Ok(mut answer) => {
                answer["Id"] = json!(id);
                successful.push(answer);
            }
            Err(error) => failed.push(json!({
                "Id": id, "Code": error.code, "Message": error.message, "SenderFault": error.status < 500,
            })),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}

fn name_of(request: &Request) -> Result<String, ApiError> {
    let url = request.queue_url.as_deref().unwrap_or_default();
    match url.rsplit('/').next() {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(ApiError::bad("MissingParameter", "QueueUrl is missing")),
    }
}

fn queue_url(name: &str) -> String {
    format!("https://sqs.{}.amazonaws.com/{ACCOUNT}/{name}", super::REGION)
}

fn refusal(error: AwsError) -> ApiError {
    match error {
        AwsError::Missing { .. } => ApiError::bad("QueueDoesNotExist", error.to_string()),
        error => error.into(),
    }
}

fn invalid(error: QueueError) -> ApiError {
    let code = match error {
        QueueError::GroupMissing => "MissingParameter",
        QueueError::DeduplicationMissing => "InvalidParameterValue",
        QueueError::Receipt => "ReceiptHandleIsInvalid",
    };
    ApiError::bad(code, error.to_string())
}
