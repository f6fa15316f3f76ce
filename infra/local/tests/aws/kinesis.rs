//! Kinesis through its SDK client.

use std::collections::BTreeMap;

use aws_sdk_kinesis::{
    Client,
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{PutRecordsRequestEntry, Record, ShardIteratorType},
};
use callboard_local::aws::LocalAws;

use crate::support::{open, template};

async fn put(client: &Client, key: &str, data: &str) -> (String, String) {
    let put = client.put_record().stream_name("Frames").partition_key(key).data(Blob::new(data)).send().await.unwrap();
    (put.shard_id, put.sequence_number)
}

async fn read(client: &Client, shard: &str, kind: ShardIteratorType, from: Option<&str>) -> Vec<Record> {
    let iterator = client.get_shard_iterator().stream_name("Frames").shard_id(shard).shard_iterator_type(kind);
    let iterator = iterator.set_starting_sequence_number(from.map(str::to_owned)).send().await.unwrap();
    let read = client.get_records().set_shard_iterator(iterator.shard_iterator).send().await.unwrap();
    assert_eq!(read.millis_behind_latest(), Some(0));
    read.records
}

fn data(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.data.as_ref().to_vec()).unwrap()).collect()
}

async fn shards(aws: &LocalAws) -> Vec<String> {
    let listed = Client::new(&aws.sdk_config()).list_shards().stream_name("Frames").send().await.unwrap();
    listed.shards().iter().map(|shard| shard.shard_id.clone()).collect()
}

#[tokio::test]
async fn keys_keep_their_order_and_iterators_their_place() {
    let aws = open(None, &template(3));
    let client = Client::new(&aws.sdk_config());
    let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for number in 0..60 {
        let key = format!("call-{}", number % 7);
        let (shard, _) = put(&client, &key, &format!("{key}:{number}")).await;
        sent.entry(shard).or_default().push(format!("{key}:{number}"));
    }
    assert_eq!(shards(&aws).await.len(), 3);
    assert!(sent.len() > 1, "several shards in use");
    for (shard, expected) in &sent {
        let all = read(&client, shard, ShardIteratorType::TrimHorizon, None).await;
        assert_eq!(&data(&all), expected);
        let number = all[2].sequence_number.as_str();
        let at = read(&client, shard, ShardIteratorType::AtSequenceNumber, Some(number)).await;
        assert_eq!(data(&at), expected[2..]);
        let after = read(&client, shard, ShardIteratorType::AfterSequenceNumber, Some(number)).await;
        assert_eq!(data(&after), expected[3..]);
        assert!(read(&client, shard, ShardIteratorType::Latest, None).await.is_empty());
    }
}

#[tokio::test]
async fn limits_are_those_of_kinesis() {
    let aws = open(None, &template(1));
    let client = Client::new(&aws.sdk_config());
    let large = client.put_record().stream_name("Frames").partition_key("k");
    let large = large.data(Blob::new(vec![0; 1024 * 1024 + 1])).send().await.unwrap_err().into_service_error();
    assert_eq!(large.code(), Some("ValidationException"));
    let none = client.put_record().stream_name("Nope").partition_key("k").data(Blob::new("x")).send().await;
    assert!(none.unwrap_err().into_service_error().is_resource_not_found_exception());

    aws.enforce_kinesis_throughput(true);
    let entry =
        |size| PutRecordsRequestEntry::builder().partition_key("k").data(Blob::new(vec![0; size])).build().unwrap();
    let entries = [600_000, 600_000, 100].map(entry).to_vec();
    let put = client.put_records().stream_name("Frames").set_records(Some(entries)).send().await.unwrap();
    assert_eq!(put.failed_record_count(), Some(1));
    let codes: Vec<Option<&str>> = put.records().iter().map(|record| record.error_code()).collect();
    assert_eq!(codes, [None, Some("ProvisionedThroughputExceededException"), None]);
}

#[tokio::test]
async fn records_survive_another_number_of_shards() {
    let dir = tempfile::tempdir().unwrap();
    let before = open(Some(dir.path()), &template(1));
    let client = Client::new(&before.sdk_config());
    for number in 0..40 {
        put(&client, &format!("call-{}", number % 9), &number.to_string()).await;
    }
    // As after a kill: nothing is closed.
    std::mem::forget(before);
    let aws = open(Some(dir.path()), &template(4));
    let client = Client::new(&aws.sdk_config());
    let mut found = Vec::new();
    for shard in shards(&aws).await {
        let part = data(&read(&client, &shard, ShardIteratorType::TrimHorizon, None).await);
        let numbers: Vec<u32> = part.iter().map(|number| number.parse().unwrap()).collect();
        assert!(numbers.is_sorted());
        found.extend(numbers);
    }
    found.sort();
    assert_eq!(found, (0..40).collect::<Vec<u32>>());
}
