//! Stream mappings from a write to a toy function, over kills and failures.

use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kinesis::primitives::Blob;
use base64::{Engine, prelude::BASE64_STANDARD};
use callboard_local::{
    aws::LocalAws,
    events::{self, Clock, mapping_uuid},
    functions::InvokeError,
    template::{EventSource, Template},
};
use serde_json::{Value, json};

use crate::support::{Toy, mapping, next, open, records, template, until};

async fn put_item(aws: &LocalAws, sk: &str, number: u32) {
    let client = aws_sdk_dynamodb::Client::new(&aws.sdk_config());
    let put = client.put_item().table_name("Calls").item("pk", AttributeValue::S("call".to_owned()));
    let put = put.item("sk", AttributeValue::S(sk.to_owned()));
    put.item("n", AttributeValue::N(number.to_string())).send().await.unwrap();
}

async fn put_record(aws: &LocalAws, key: &str, data: &str) {
    let client = aws_sdk_kinesis::Client::new(&aws.sdk_config());
    client.put_record().stream_name("Frames").partition_key(key).data(Blob::new(data)).send().await.unwrap();
}

fn data(record: &Value) -> String {
    let data = record["kinesis"]["data"].as_str().unwrap();
    String::from_utf8(BASE64_STANDARD.decode(data).unwrap()).unwrap()
}

fn kinesis_template() -> Template {
    let mut template = template(1);
    template.event_sources = vec![mapping(EventSource::Kinesis("Frames".to_owned()))];
    template
}

fn objects(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let hidden = path.file_name().unwrap().to_string_lossy().starts_with('.');
        match path.is_dir() {
            true => found.extend(objects(&path)),
            false if !hidden => found.push(path),
            false => {}
        }
    }
    found
}

#[tokio::test]
async fn a_table_s_changes_reach_the_function_filtered_and_in_order() {
    let mut template = template(1);
    let mut finals = mapping(EventSource::DynamoDb("Calls".to_owned()));
    finals.filters = vec![json!({"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "SEG#"}]}}}})];
    template.event_sources = vec![finals];
    let aws = open(None, &template);
    let (toy, mut seen) = Toy::new();
    let running = events::start(&template, &aws, toy.invoker(), Clock::Snappy).unwrap();
    for number in 0..30 {
        put_item(&aws, &format!("SEG#{}", number % 3), number).await;
        put_item(&aws, "CALL", number).await;
    }
    let records = records(&mut seen, 30).await;
    for segment in 0..3_u32 {
        let own = records.iter().filter(|record| record["dynamodb"]["Keys"]["sk"]["S"] == format!("SEG#{segment}"));
        let numbers: Vec<&str> = own.map(|record| record["dynamodb"]["NewImage"]["n"]["N"].as_str().unwrap()).collect();
        let expected: Vec<String> = (0..10).map(|round| (round * 3 + segment).to_string()).collect();
        assert_eq!(numbers, expected);
    }
    assert_eq!(records[0]["eventSourceARN"].as_str().unwrap(), aws.dynamodb().stream_arn("Calls").unwrap());
    running.stop().await;
    let shard = aws.dynamodb().shard_id("Calls");
    let position = aws.positions().load("ToyFunctionEvents", &shard).unwrap().unwrap();
    assert_eq!(position, aws.dynamodb().last_position("Calls").unwrap());
}

#[tokio::test]
async fn after_a_kill_what_was_not_done_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut template = kinesis_template();
    template.event_sources[0].parallelization = 1;
    template.event_sources[0].batch_size = 1;
    let aws = open(Some(dir.path()), &template);
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    // The first record is handled, the second one's handler never ends.
    let hanging = events::Invoker::new(move |_, event: Value| {
        let sender = sender.clone();
        async move {
            let text = data(&event["Records"][0]);
            sender.send(text.clone()).unwrap();
            if text != "first" {
                std::future::pending::<()>().await;
            }
            Ok(Value::Null)
        }
    });
    let running = events::start(&template, &aws, hanging, Clock::Snappy).unwrap();
    put_record(&aws, "call", "first").await;
    put_record(&aws, "call", "second").await;
    assert_eq!(seen.recv().await.unwrap(), "first");
    assert_eq!(seen.recv().await.unwrap(), "second");
    put_record(&aws, "call", "third").await;
    // Tasks end where they stand, and no connection is closed.
    drop(running);
    std::mem::forget(aws);

    let aws = open(Some(dir.path()), &template);
    let (toy, mut seen) = Toy::new();
    let running = events::start(&template, &aws, toy.invoker(), Clock::Snappy).unwrap();
    let again: Vec<String> = records(&mut seen, 2).await.iter().map(data).collect();
    assert_eq!(again, ["second", "third"]);
    running.stop().await;
    drop(aws);

    let aws = open(Some(dir.path()), &template);
    let (toy, mut seen) = Toy::new();
    let running = events::start(&template, &aws, toy.invoker(), Clock::Snappy).unwrap();
    put_record(&aws, "call", "fourth").await;
    assert_eq!(data(&records(&mut seen, 1).await[0]), "fourth");
    running.stop().await;
}

#[tokio::test]
async fn a_reported_failure_repeats_from_there_only() {
    let template = kinesis_template();
    let aws = open(None, &template);
    for number in 0..3 {
        put_record(&aws, "call", &number.to_string()).await;
    }
    let records = aws.kinesis().read("Frames", 0, 0, 10, 1 << 20).unwrap();
    let second = callboard_local::aws::sequence_number(records[1].position);
    let (toy, mut seen) = Toy::new();
    toy.answer(Ok(json!({"batchItemFailures": [{"itemIdentifier": second}]})));
    let running = events::start(&template, &aws, toy.invoker(), Clock::Snappy).unwrap();
    let batches = [next(&mut seen).await, next(&mut seen).await];
    let sizes = batches.each_ref().map(|event| event["Records"].as_array().unwrap().len());
    assert_eq!(sizes, [3, 2]);
    assert_eq!(data(&batches[1]["Records"][0]), "1");
    running.stop().await;
}

#[tokio::test]
async fn an_exhausted_batch_is_kept_in_the_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let template = kinesis_template();
    let aws = open(Some(dir.path()), &template);
    let (toy, mut seen) = Toy::new();
    toy.answer(Err(InvokeError::Handler("no".to_owned())));
    toy.answer(Err(InvokeError::Panicked));
    let running = events::start(&template, &aws, toy.invoker(), Clock::Snappy).unwrap();
    put_record(&aws, "call", "poison").await;
    let first = next(&mut seen).await;
    assert_eq!(first, next(&mut seen).await);
    let bucket = dir.path().join("s3/FailedBatchesBucket");
    until("an object in the bucket", || !objects(&bucket).is_empty()).await;
    let position = || aws.positions().load("ToyFunctionEvents", "shardId-000000000000").unwrap();
    until("the position moved on", || position() == Some(1)).await;
    let object = objects(&bucket).remove(0);
    let uuid = mapping_uuid("ToyFunctionEvents");
    assert!(object.starts_with(bucket.join(format!("aws/lambda/{uuid}/shardId-000000000000"))), "{object:?}");
    let body: Value = serde_json::from_slice(&std::fs::read(object).unwrap()).unwrap();
    assert_eq!(body["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(body["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(body["KinesisBatchInfo"]["batchSize"], 1);
    let payload: Value = serde_json::from_str(body["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload, first);
    running.stop().await;
}

#[tokio::test]
async fn acknowledged_changes_leave_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let template = template(1);
    let aws = open(Some(dir.path()), &template);
    for number in 0..500 {
        put_item(&aws, "CALL", number).await;
    }
    let all = aws.dynamodb().read_stream("Calls", 0, 1000).unwrap();
    aws.dynamodb().trim_stream("Calls", all[449].position).unwrap();
    let left = aws.dynamodb().read_stream("Calls", 0, 1000).unwrap();
    assert_eq!((left.len(), left[0].position), (50, all[450].position));
    aws.dynamodb().trim_stream("Calls", u64::MAX).unwrap();
    assert_eq!(aws.dynamodb().last_position("Calls").unwrap(), all[499].position);
    put_item(&aws, "CALL", 500).await;
    assert!(aws.dynamodb().last_position("Calls").unwrap() > all[499].position);
}

#[tokio::test]
async fn a_bad_filter_is_refused() {
    let mut template = kinesis_template();
    template.event_sources[0].filters = vec![json!({"data": "x"})];
    let aws = open(None, &template);
    let (toy, _) = Toy::new();
    assert!(events::start(&template, &aws, toy.invoker(), Clock::Snappy).is_err());
}
