//! What follows the clock, on a paused one: polls, schedules, retries.

use std::{sync::Arc, time::Duration};

use aws_sdk_kinesis::primitives::Blob;
use callboard_local::{
    aws::LocalAws,
    events::{self, Clock},
    functions::InvokeError,
    gateway::Connections,
    template::{EventSource, Schedule, Template},
};
use tokio::time::Instant;

use crate::support::{Toy, mapping, template};

/// Services whose wall clock is tokio's.
fn open(template: &Template) -> LocalAws {
    let start = Instant::now();
    let clock = Arc::new(move || 1_700_000_000_000 + start.elapsed().as_millis() as u64);
    LocalAws::open_with_clock(None, template, Connections::default(), clock).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_aws_clock_polls_a_shard_once_a_second() {
    let mut template = template(1);
    template.event_sources = vec![mapping(EventSource::Kinesis("Frames".to_owned()))];
    let aws = open(&template);
    let (toy, mut seen) = Toy::new();
    let running = events::start(&template, &aws, toy.invoker(), Clock::Aws).unwrap();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let client = aws_sdk_kinesis::Client::new(&aws.sdk_config());
    let start = Instant::now();
    client.put_record().stream_name("Frames").partition_key("k").data(Blob::new("x")).send().await.unwrap();
    seen.recv().await.unwrap();
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(400) && waited <= Duration::from_millis(600), "{waited:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_fires_at_its_rate_and_again_after_a_failure() {
    let mut template = template(1);
    template.schedules = vec![Schedule {
        id: "SweepFunctionEveryHour".to_owned(),
        function: "SweepFunction".to_owned(),
        every_s: 3600,
        input: None,
    }];
    let aws = open(&template);
    let (toy, mut seen) = Toy::new();
    for _ in 0..3 {
        toy.answer(Err(InvokeError::Handler("no".to_owned())));
    }
    let start = Instant::now();
    let running = events::start(&template, &aws, toy.invoker(), Clock::Aws).unwrap();
    let mut minutes = Vec::new();
    for _ in 0..4 {
        let event = seen.recv().await.unwrap();
        assert_eq!(event["source"], "aws.scheduler");
        minutes.push(start.elapsed().as_secs() / 60);
    }
    assert_eq!(minutes, [60, 61, 63, 120]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn records_past_their_retention_are_dropped() {
    let template = template(1);
    let aws = open(&template);
    let client = aws_sdk_kinesis::Client::new(&aws.sdk_config());
    for hours in 0..3 {
        client.put_record().stream_name("Frames").partition_key("k").data(Blob::new("x")).send().await.unwrap();
        aws.drop_expired_records().unwrap();
        let kept = aws.kinesis().read("Frames", 0, 0, 10, 1 << 20).unwrap().len();
        assert_eq!(kept, if hours == 2 { 2 } else { hours + 1 });
        tokio::time::sleep(Duration::from_secs(12 * 3600 + 60)).await;
    }
}
