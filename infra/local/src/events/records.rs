//! Event JSON as Lambda hands it to functions, and what a filter sees of it. Pure.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::batching::Record;
use crate::aws::{ACCOUNT, REGION, StoredRecord, StreamEntry, queue::Message, sequence_number};

/// Where a record comes from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// ARN of the stream or queue.
    pub(crate) arn: String,
    /// Shard, if it has any.
    pub(crate) shard: String,
    /// Function logical id.
    pub(crate) function: String,
}

/// A Kinesis record within its event.
pub(crate) fn kinesis(origin: &Origin, stored: StoredRecord) -> Record {
    let sequence = sequence_number(stored.position);
    let event = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": stored.partition_key,
            "sequenceNumber": sequence,
            "data": BASE64_STANDARD.encode(&stored.data),
            "approximateArrivalTimestamp": stored.at_ms as f64 / 1000.0,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("{}:{sequence}", origin.shard),
        "eventName": "aws:kinesis:record",
        "awsRegion": REGION,
        "eventSourceARN": origin.arn,
    });
    Record {
        position: stored.position,
        sequence,
        key: stored.partition_key,
        at_ms: stored.at_ms,
        bytes: json_length(&event),
        event: Arc::new(event),
    }
}

/// The same for the function that it is meant for.
pub(crate) fn addressed(origin: &Origin, record: &Record) -> Value {
    let mut event = Value::clone(&record.event);
    if event["eventSource"] == "aws:kinesis" {
        event["invokeIdentityArn"] = json!(format!("arn:aws:iam::{ACCOUNT}:role/{}", origin.function));
    }
    event
}

/// What a filter sees of a Kinesis record: `data` is the decoded payload, as JSON where it is JSON.
pub(crate) fn kinesis_filter_view(event: &Value) -> Value {
    let data = event["kinesis"]["data"].as_str().and_then(|data| BASE64_STANDARD.decode(data).ok());
    let data = data.unwrap_or_default();
    let data =
        serde_json::from_slice(&data).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&data).into_owned()));
    let mut view = event.clone();
    view["partitionKey"] = event["kinesis"]["partitionKey"].clone();
    view["data"] = data;
    view
}

/// A record of a table's stream within its event.
pub(crate) fn dynamodb(origin: &Origin, entry: StreamEntry) -> Record {
    let mut event = entry.record;
    event["awsRegion"] = json!(REGION);
    event["eventSourceARN"] = json!(origin.arn);
    // The engine's own id is random; this one is as unique, and the same in every run.
    event["eventID"] = json!(format!("{:x}", md5::compute(format!("{}/{}", origin.arn, entry.position))));
    let change = &event["dynamodb"];
    let at_s = change["ApproximateCreationDateTime"].as_f64().unwrap_or_default();
    Record {
        position: entry.position,
        sequence: change["SequenceNumber"].as_str().unwrap_or_default().to_owned(),
        key: item_key(&change["Keys"]),
        at_ms: (at_s * 1000.0) as u64,
        bytes: json_length(&event),
        event: Arc::new(event),
    }
}

/// An item's key as text, the same whatever the order of its attributes.
fn item_key(keys: &Value) -> String {
    let mut parts: Vec<String> =
        keys.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect();
    parts.sort();
    parts.join("&")
}

/// A queue's message within its event.
pub(crate) fn sqs(origin: &Origin, message: &Message, system_attributes: Value) -> Value {
    let attributes = message.attributes.as_object();
    let attributes = attributes.into_iter().flatten().map(|(name, value)| {
        let value = json!({
            "stringValue": value["StringValue"],
            "binaryValue": value["BinaryValue"],
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": value["DataType"],
        });
        (name.clone(), value)
    });
    let attributes: serde_json::Map<String, Value> = attributes.collect();
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt(),
        "body": message.body,
        "attributes": system_attributes,
        "messageAttributes": attributes,
        "md5OfBody": format!("{:x}", md5::compute(&message.body)),
        "eventSource": "aws:sqs",
        "eventSourceARN": origin.arn,
        "awsRegion": REGION,
    })
}

/// What a filter sees of a message: `body` as JSON where it is JSON.
pub(crate) fn sqs_filter_view(event: &Value) -> Value {
    let mut view = event.clone();
    if let Some(body) = event["body"].as_str().and_then(|body| serde_json::from_str(body).ok()) {
        view["body"] = body;
    }
    view
}

/// How long a value is as JSON, without writing it anywhere.
fn json_length(value: &Value) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // Never for a counter; too long is the safe side.
        Err(_) => usize::MAX / 2,
    }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::event::{dynamodb::Event, kinesis::KinesisEvent, sqs::SqsEvent};

    use super::*;

    fn origin() -> Origin {
        Origin {
            arn: "arn:aws:kinesis:local:000000000000:stream/Frames".to_owned(),
            shard: "shardId-000000000000".to_owned(),
            function: "Transcribe".to_owned(),
        }
    }

    #[test]
    fn a_kinesis_event_reads_as_the_crate_has_it() {
        let stored = StoredRecord {
            position: 7,
            partition_key: "org#call".to_owned(),
            at_ms: 1_700_000_000_123,
            data: br#"{"a":1}"#.to_vec(),
        };
        let record = kinesis(&origin(), stored);
        assert_eq!(record.bytes, record.event.to_string().len());
        assert_eq!(kinesis_filter_view(&record.event)["data"]["a"], 1);
        let event = addressed(&origin(), &record);
        assert_eq!(event["invokeIdentityArn"], "arn:aws:iam::000000000000:role/Transcribe");
        let event: KinesisEvent = serde_json::from_value(json!({"Records": [event]})).unwrap();
        let read = &event.records[0];
        assert_eq!(read.kinesis.data.0, br#"{"a":1}"#);
        assert_eq!(read.kinesis.sequence_number, record.sequence);
        assert_eq!(read.kinesis.partition_key, "org#call");
        assert_eq!(read.kinesis.approximate_arrival_timestamp.timestamp(), 1_700_000_000);
        assert_eq!(read.event_source.as_deref(), Some("aws:kinesis"));
    }

    #[test]
    fn a_table_event_reads_as_the_crate_has_it() {
        let entry = StreamEntry {
            position: 5,
            record: json!({
                "eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
                "awsRegion": "x",
                "dynamodb": {
                    "Keys": {"sk": {"S": "b"}, "pk": {"S": "a"}},
                    "NewImage": {"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "3"}},
                    "SequenceNumber": "100000000000000000005", "SizeBytes": 12, "StreamViewType": "NEW_IMAGE",
                    "ApproximateCreationDateTime": 1_700_000_000.0,
                },
            }),
        };
        let record = dynamodb(&origin(), entry);
        assert_eq!(record.key, r#"pk={"S":"a"}&sk={"S":"b"}"#);
        let event: Event = serde_json::from_value(json!({"Records": [addressed(&origin(), &record)]})).unwrap();
        let read = &event.records[0];
        assert_eq!(read.event_name, "INSERT");
        assert_eq!(read.aws_region, "local");
        assert_eq!(read.change.sequence_number.as_deref(), Some("100000000000000000005"));
        assert!(read.change.new_image.contains_key("n"));
    }

    #[test]
    fn a_queue_event_reads_as_the_crate_has_it() {
        let message = Message {
            seq: 1,
            id: "m".to_owned(),
            body: r#"{"call":"c"}"#.to_owned(),
            attributes: json!({"kind": {"DataType": "String", "StringValue": "x"}}),
            group: None,
            deduplication: None,
            sent_ms: 1,
            visible_ms: 2,
            receives: 1,
            first_received_ms: Some(1),
        };
        let event = sqs(&origin(), &message, json!({"ApproximateReceiveCount": "1"}));
        assert_eq!(sqs_filter_view(&event)["body"]["call"], "c");
        let event: SqsEvent = serde_json::from_value(json!({"Records": [event]})).unwrap();
        assert_eq!(event.records[0].message_id.as_deref(), Some("m"));
        assert_eq!(event.records[0].message_attributes["kind"].string_value.as_deref(), Some("x"));
    }
}
