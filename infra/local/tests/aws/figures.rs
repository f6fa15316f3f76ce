//! Figures, not checks: `cargo test --profile local --test aws -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kinesis::primitives::Blob;
use callboard_local::{
    events::{self, Clock, Invoker},
    template::EventSource,
};
use serde_json::Value;

use crate::support::{mapping, open, template};

fn percentiles(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_micros();
    eprintln!("{name}: p50 {} µs, p95 {} µs, p99 {} µs", at(0.5), at(0.95), at(0.99));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn puts_and_latency() {
    let dir = tempfile::tempdir().unwrap();
    let mut template = template(1);
    let mut kinesis_mapping = mapping(EventSource::Kinesis("Frames".to_owned()));
    kinesis_mapping.parallelization = 10;
    template.event_sources = vec![kinesis_mapping];
    let aws = open(Some(dir.path()), &template);
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws.sdk_config());
    let kinesis = aws_sdk_kinesis::Client::new(&aws.sdk_config());

    let mut at = 0_u32;
    for stage in ["at the start", "after 20,000 records"] {
        let mut times = Vec::new();
        for _ in 0..1000 {
            let start = Instant::now();
            put(&dynamodb, at).await;
            times.push(start.elapsed());
            at += 1;
        }
        percentiles(&format!("DynamoDB put, {stage}"), times);
        while at < 20_000 {
            put(&dynamodb, at).await;
            at += 1;
        }
    }

    let mut times = Vec::new();
    for number in 0..2000 {
        let start = Instant::now();
        let put = kinesis.put_record().stream_name("Frames").partition_key(format!("call-{}", number % 40));
        put.data(Blob::new(vec![7_u8; 4000])).send().await.unwrap();
        times.push(start.elapsed());
    }
    percentiles("Kinesis PutRecord of 4 KB", times);

    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let invoker = Invoker::new(move |_, event: Value| {
        for _ in event["Records"].as_array().unwrap() {
            sender.send(Instant::now()).unwrap();
        }
        async { Ok(Value::Null) }
    });
    let running = events::start(&template, &aws, invoker, Clock::Snappy).unwrap();
    for _ in 0..2000 {
        seen.recv().await.unwrap();
    }
    let mut times = Vec::new();
    for number in 0..500 {
        let start = Instant::now();
        let put = kinesis.put_record().stream_name("Frames").partition_key(format!("call-{}", number % 40));
        put.data(Blob::new(vec![7_u8; 4000])).send().await.unwrap();
        times.push(seen.recv().await.unwrap() - start);
    }
    percentiles("PutRecord called to function invoked", times);

    // Past the first sweep of the 20,000 items.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let before = cpu_ms();
    tokio::time::sleep(Duration::from_secs(10)).await;
    eprintln!("idle: {} ms of CPU in 10 s", cpu_ms() - before);
    running.stop().await;
}

async fn put(client: &aws_sdk_dynamodb::Client, number: u32) {
    let put = client.put_item().table_name("Calls").item("pk", AttributeValue::S(format!("call-{}", number % 50)));
    let put = put.item("sk", AttributeValue::S(format!("SEG#{number:08}")));
    put.item("text", AttributeValue::S("what was said in this segment of the call".repeat(4))).send().await.unwrap();
}

/// This process's CPU time, in units of 10 ms as Linux counts it.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10
}
