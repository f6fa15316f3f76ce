//! The object that Lambda writes about a batch that it gave up: what the records are, and where they came from. Pure.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

/// A batch that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// The stream's name, or the table's whose stream it was.
    pub(super) resource: String,
    /// The shard.
    shard: String,
    /// Sequence number of its first record.
    first: String,
    /// Its records, in order.
    pub(super) records: Vec<Record>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// Of a Kinesis stream.
    Frame {
        /// Its partition key.
        partition_key: String,
        /// Its bytes.
        data: Vec<u8>,
    },
    /// Of a table's stream: the attributes of the changed item's key, all of them strings.
    Item {
        /// Names and values.
        keys: Vec<(String, String)>,
    },
}

impl Batch {
    /// Reads an object. The error says what it lacks.
    pub(super) fn parse(bytes: &[u8]) -> Result<Batch, &'static str> {
        let object: Value = serde_json::from_slice(bytes).map_err(|_| "it is no JSON")?;
        let info = ["KinesisBatchInfo", "DDBStreamBatchInfo"].into_iter().find_map(|name| object.get(name));
        let info = info.ok_or("it has no KinesisBatchInfo or DDBStreamBatchInfo")?;
        let text = |name: &str| info[name].as_str().map(str::to_owned);
        let arn = text("streamArn").ok_or("it has no streamArn")?;
        let payload = object["payload"].as_str().ok_or("it has no payload: only a bucket keeps it")?;
        let event: Value = serde_json::from_str(payload).map_err(|_| "its payload is no JSON")?;
        let records = event["Records"].as_array().ok_or("its payload has no Records")?;
        let mut batch = Batch {
            resource: resource(&arn).ok_or("its streamArn is of no Kinesis stream and of no table")?,
            shard: text("shardId").unwrap_or_default(),
            first: text("startSequenceNumber").unwrap_or_default(),
            records: Vec::new(),
        };
        for record in records {
            let record = Record::read(record)?;
            // To tell an item once is enough.
            if matches!(record, Record::Frame { .. }) || !batch.records.contains(&record) {
                batch.records.push(record);
            }
        }
        Ok(batch)
    }

    /// What is needed to sort it.
    pub(super) fn without_records(self) -> Batch {
        Batch { records: Vec::new(), ..self }
    }

    /// Where it stood in its stream: sequence numbers are numbers, however long.
    pub(super) fn place(&self) -> (&str, &str, usize, &str) {
        (&self.resource, &self.shard, self.first.len(), &self.first)
    }
}

impl Record {
    fn read(record: &Value) -> Result<Record, &'static str> {
        if let Some(keys) = record["dynamodb"]["Keys"].as_object() {
            let key = |(name, value): (&String, &Value)| Some((name.clone(), value["S"].as_str()?.to_owned()));
            let keys = keys.iter().map(key).collect::<Option<Vec<_>>>();
            let keys = keys.filter(|keys| !keys.is_empty()).ok_or("a record's keys are no strings")?;
            return Ok(Record::Item { keys });
        }
        let frame = &record["kinesis"];
        let partition_key = frame["partitionKey"].as_str().ok_or("a record has no partition key")?.to_owned();
        let data = frame["data"].as_str().and_then(|data| BASE64_STANDARD.decode(data).ok());
        Ok(Record::Frame { partition_key, data: data.ok_or("a record has no data in base64")? })
    }
}

/// `…:stream/frames` is the stream frames, `…:table/calls/stream/2026-…` the table calls.
fn resource(arn: &str) -> Option<String> {
    let (kind, rest) = arn.splitn(6, ':').nth(5)?.split_once('/')?;
    match kind {
        "stream" => Some(rest.to_owned()),
        "table" => rest.split_once("/stream/").map(|(table, _)| table.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(info: &str, arn: &str, records: Value) -> Vec<u8> {
        let info_value = json!({"streamArn": arn, "shardId": "shardId-000000000000", "startSequenceNumber": "49"});
        let payload = json!({"Records": records}).to_string();
        json!({"requestContext": {"condition": "RetryAttemptsExhausted"}, info: info_value, "payload": payload})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn frames_keep_their_keys_and_their_order() {
        let record = |key: &str, data: &str| json!({"kinesis": {"partitionKey": key, "data": data}});
        let records = json!([record("acme#1", "AQI="), record("acme#2", ""), record("acme#1", "AQI=")]);
        let arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/frames";
        let batch = Batch::parse(&object("KinesisBatchInfo", arn, records)).unwrap();
        let frame = |key: &str, data: &[u8]| Record::Frame { partition_key: key.into(), data: data.into() };
        assert_eq!(batch.resource, "frames");
        assert_eq!(batch.records, [frame("acme#1", &[1, 2]), frame("acme#2", &[]), frame("acme#1", &[1, 2])]);
    }

    #[test]
    fn an_item_is_told_once() {
        let record = |sk: &str| json!({"dynamodb": {"Keys": {"pk": {"S": "ORG#acme"}, "sk": {"S": sk}}}});
        let records = json!([record("CALL"), record("NOTES"), record("CALL")]);
        let arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/calls/stream/2026-11-25T00:00:00.000";
        let batch = Batch::parse(&object("DDBStreamBatchInfo", arn, records)).unwrap();
        let item = |sk: &str| Record::Item { keys: vec![("pk".into(), "ORG#acme".into()), ("sk".into(), sk.into())] };
        assert_eq!(batch.resource, "calls");
        assert_eq!(batch.records, [item("CALL"), item("NOTES")]);
    }

    #[test]
    fn batches_stand_in_the_order_of_their_numbers() {
        let batch = |first: &str| Batch {
            resource: "frames".into(),
            shard: "0".into(),
            first: first.into(),
            records: Vec::new(),
        };
        let mut batches = [batch("100"), batch("99"), batch("101")];
        batches.sort_by(|one, other| one.place().cmp(&other.place()));
        assert_eq!(batches.map(|batch| batch.first), ["99", "100", "101"]);
    }

    #[test]
    fn what_is_no_batch_says_why() {
        let arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/frames";
        for (bytes, expected) in [
            (b"words".to_vec(), "it is no JSON"),
            (b"{}".to_vec(), "it has no KinesisBatchInfo or DDBStreamBatchInfo"),
            (
                object("KinesisBatchInfo", "arn:aws:sqs:x:1:queue", json!([])),
                "its streamArn is of no Kinesis stream and of no table",
            ),
            (object("KinesisBatchInfo", arn, json!([{}])), "a record has no partition key"),
            (object("KinesisBatchInfo", arn, json!({})), "its payload has no Records"),
        ] {
            assert_eq!(Batch::parse(&bytes), Err(expected));
        }
    }
}
