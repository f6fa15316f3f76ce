//! Kinesis Data Streams' JSON API over the log in `kinesis`.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ACCOUNT, REGION,
    kinesis::{Kinesis, NewRecord, PutError},
    reply::{ApiError, parse},
    shards::{first_hash, parse_sequence_number, sequence_number, shard_id},
};
use crate::template::Stream;

const RECORD_LIMIT: usize = 1024 * 1024;
const REQUEST_LIMIT: usize = 5 * 1024 * 1024;
const READ_BYTES: usize = 10 * 1024 * 1024;
const READ_RECORDS: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    shard_id: Option<String>,
    shard_iterator: Option<String>,
    shard_iterator_type: Option<String>,
    starting_sequence_number: Option<String>,
    timestamp: Option<f64>,
    limit: Option<usize>,
    records: Option<Vec<Entry>>,
    #[serde(flatten)]
    entry: Option<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    data: String,
    partition_key: String,
    explicit_hash_key: Option<String>,
}

/// Where a reader stands; base64 of this is the iterator.
#[derive(Serialize, Deserialize)]
struct Iterator {
    stream: String,
    shard: usize,
    after: u64,
}

/// Answers one operation.
pub(crate) fn answer(kinesis: &Kinesis, operation: &str, body: &Bytes) -> Result<Value, ApiError> {
    let request: Request = parse(body)?;
    match operation {
        "PutRecord" => put_record(kinesis, request),
        "PutRecords" => put_records(kinesis, request),
        "GetShardIterator" => get_shard_iterator(kinesis, &request),
        "GetRecords" => get_records(kinesis, &request),
        "ListShards" => {
            let stream = find(kinesis, &request)?;
            Ok(json!({"Shards": shards(stream)}))
        }
        "DescribeStream" => {
            let stream = find(kinesis, &request)?;
            let mut description = describe(stream);
            description["Shards"] = shards(stream);
            description["HasMoreShards"] = json!(false);
            Ok(json!({"StreamDescription": description}))
        }
        "DescribeStreamSummary" => {
            let stream = find(kinesis, &request)?;
            let mut description = describe(stream);
            description["OpenShardCount"] = json!(stream.shards);
            description["ConsumerCount"] = json!(0);
            Ok(json!({"StreamDescriptionSummary": description}))
        }
        "ListStreams" => {
            let names: Vec<&str> = kinesis.streams().map(|stream| stream.name.as_str()).collect();
            Ok(json!({"StreamNames": names, "HasMoreStreams": false}))
        }
        _ => Err(ApiError::unknown("Kinesis", operation)),
    }
}

fn put_record(kinesis: &Kinesis, request: Request) -> Result<Value, ApiError> {
    let stream = find(kinesis, &request)?;
    let entry = request.entry.ok_or_else(|| validation("Data and PartitionKey are required"))?;
    let record = new_record(entry)?;
    let answers = kinesis.put(stream, &[record])?;
    match answers.into_iter().next() {
        Some(Ok((shard, position))) => {
            Ok(json!({"ShardId": shard_id(shard), "SequenceNumber": sequence_number(position)}))
        }
        Some(Err(PutError::Throughput(shard))) => {
            Err(ApiError::bad(THROUGHPUT, format!("Rate exceeded for shard {shard}")))
        }
        Some(Err(PutError::State(error))) => Err(error.into()),
        None => Err(validation("no record")),
    }
}

const THROUGHPUT: &str = "ProvisionedThroughputExceededException";

fn put_records(kinesis: &Kinesis, request: Request) -> Result<Value, ApiError> {
    let stream = find(kinesis, &request)?;
    let entries = request.records.unwrap_or_default();
    if entries.is_empty() || entries.len() > 500 {
        return Err(validation("Records must have between 1 and 500 members"));
    }
    let records: Vec<NewRecord> = entries.into_iter().map(new_record).collect::<Result<_, _>>()?;
    if records.iter().map(|record| record.data.len()).sum::<usize>() > REQUEST_LIMIT {
        return Err(ApiError::bad("InvalidArgumentException", "Records size exceeds 5 MB limit"));
    }
    let mut failed = 0;
    let answers: Vec<Value> = kinesis
        .put(stream, &records)?
        .into_iter()
        .map(|answer| match answer {
            Ok((shard, position)) => {
                json!({"ShardId": shard_id(shard), "SequenceNumber": sequence_number(position)})
            }
            Err(error) => {
                failed += 1;
                let code = match &error {
                    PutError::Throughput(_) => THROUGHPUT,
                    PutError::State(_) => "InternalFailure",
                };
                json!({"ErrorCode": code, "ErrorMessage": error.to_string()})
            }
        })
        .collect();
    Ok(json!({"FailedRecordCount": failed, "Records": answers}))
}

fn new_record(entry: Entry) -> Result<NewRecord, ApiError> {
    let data = BASE64_STANDARD
        .decode(&entry.data)
        .map_err(|error| ApiError::bad("SerializationException", error.to_string()))?;
    if data.len() > RECORD_LIMIT {
        return Err(validation(
            "1 validation error detected: Value at 'data' failed to satisfy constraint: \
             Member must have length less than or equal to 1048576",
        ));
    }
    let characters = entry.partition_key.chars().count();
    if characters == 0 || characters > 256 {
        return Err(validation(
            "1 validation error detected: Value at 'partitionKey' failed to satisfy constraint: \
             Member must have length between 1 and 256",
        ));
    }
    let explicit_hash = entry
        .explicit_hash_key
        .map(|key| key.parse::<u128>())
        .transpose()
        .map_err(|_| ApiError::bad("InvalidArgumentException", "ExplicitHashKey is no 128-bit number"))?;
    Ok(NewRecord { partition_key: entry.partition_key, explicit_hash, data })
}

fn get_shard_iterator(kinesis: &Kinesis, request: &Request) -> Result<Value, ApiError> {
    let stream = find(kinesis, request)?;
    let shard = request.shard_id.as_deref().unwrap_or_default();
    let shard = (0..stream.shards).find(|number| shard_id(*number) == shard).ok_or_else(|| {
        not_found(format!("Shard {shard} in stream {} under account {ACCOUNT} does not exist", stream.name))
    })?;
    let named = || {
        let number = request.starting_sequence_number.as_deref();
        number.and_then(parse_sequence_number).ok_or_else(|| {
            ApiError::bad("InvalidArgumentException", "StartingSequenceNumber is missing or was never issued")
        })
    };
    let after = match request.shard_iterator_type.as_deref() {
        Some("TRIM_HORIZON") => 0,
        Some("LATEST") => kinesis.last(&stream.name, shard)?.map_or(0, |(position, _)| position),
        Some("AT_SEQUENCE_NUMBER") => named()?.saturating_sub(1),
        Some("AFTER_SEQUENCE_NUMBER") => named()?,
        Some("AT_TIMESTAMP") => {
            let at = request
                .timestamp
                .ok_or_else(|| ApiError::bad("InvalidArgumentException", "AT_TIMESTAMP needs a Timestamp"))?;
            kinesis.before(&stream.name, shard, (at * 1000.0) as u64)?
        }
        other => return Err(validation(format!("unknown ShardIteratorType {other:?}"))),
    };
    Ok(json!({"ShardIterator": encode(&Iterator { stream: stream.name.clone(), shard, after })}))
}

fn get_records(kinesis: &Kinesis, request: &Request) -> Result<Value, ApiError> {
    let iterator = request
        .shard_iterator
        .as_deref()
        .and_then(decode)
        .ok_or_else(|| ApiError::bad("InvalidArgumentException", "Invalid ShardIterator."))?;
    let limit = request.limit.unwrap_or(READ_RECORDS).clamp(1, READ_RECORDS);
    let Iterator { stream, shard, after } = iterator;
    let records = kinesis.read(&stream, shard, after, limit, READ_BYTES)?;
    let after = records.last().map_or(after, |record| record.position);
    let next = encode(&Iterator { stream: stream.clone(), shard, after });
    let newest = kinesis.last(&stream, shard)?;
    let behind_ms = match (newest, records.last()) {
        (Some((position, _)), _) if position <= after => 0,
        (Some((_, newest_ms)), Some(last)) => newest_ms.saturating_sub(last.at_ms),
        _ => 0,
    };
    let records: Vec<Value> = records
        .into_iter()
        .map(|record| {
            json!({
                "SequenceNumber": sequence_number(record.position),
                "ApproximateArrivalTimestamp": record.at_ms as f64 / 1000.0,
                "Data": BASE64_STANDARD.encode(&record.data),
                "PartitionKey": record.partition_key,
            })
        })
        .collect();
    Ok(json!({"Records": records, "NextShardIterator": next, "MillisBehindLatest": behind_ms}))
}

fn find<'a>(kinesis: &'a Kinesis, request: &Request) -> Result<&'a Stream, ApiError> {
    let from_arn = request.stream_arn.as_deref().and_then(|arn| arn.rsplit('/').next());
    let name = request.stream_name.as_deref().or(from_arn).unwrap_or_default();
    kinesis.stream(name).ok_or_else(|| not_found(format!("Stream {name} under account {ACCOUNT} not found.")))
}

/// ARN of a stream.
pub(crate) fn stream_arn(name: &str) -> String {
    format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}")
}

fn describe(stream: &Stream) -> Value {
    json!({
        "StreamName": stream.name,
        "StreamARN": stream_arn(&stream.name),
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": stream.retention_hours,
        "StreamCreationTimestamp": 0,
        "EnhancedMonitoring": [],
        "EncryptionType": "NONE",
    })
}

fn shards(stream: &Stream) -> Value {
    let shards = (0..stream.shards).map(|shard| {
        let last = match shard + 1 == stream.shards {
            true => u128::MAX,
            false => first_hash(shard + 1, stream.shards) - 1,
        };
        json!({
            "ShardId": shard_id(shard),
            "HashKeyRange": {
                "StartingHashKey": first_hash(shard, stream.shards).to_string(),
                "EndingHashKey": last.to_string(),
            },
            "SequenceNumberRange": {"StartingSequenceNumber": sequence_number(0)},
        })
    });
    shards.collect()
}

fn encode(iterator: &Iterator) -> String {
    BASE64_STANDARD.encode(serde_json::to_vec(iterator).unwrap_or_default())
}

fn decode(iterator: &str) -> Option<Iterator> {
    serde_json::from_slice(&BASE64_STANDARD.decode(iterator).ok()?).ok()
}

fn validation(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationException", message)
}

fn not_found(message: String) -> ApiError {
    ApiError::bad("ResourceNotFoundException", message)
}
