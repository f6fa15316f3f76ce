//! Queues: the mapping, partial failures, dead letters, and the API over HTTP.

use axum::{body::Body, extract::Request};
use callboard_local::{
    aws::LocalAws,
    events::{self, Clock},
    template::{EventSource, Template},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Toy, mapping, next, open, template, until};

/// One call of the API over HTTP, as an outsider makes it.
async fn call(aws: &LocalAws, operation: &str, body: Value) -> Value {
    let request = Request::post("/").header("x-amz-target", format!("AmazonSQS.{operation}"));
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = aws.router().oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

fn with_mapping() -> Template {
    let mut template = template(1);
    template.event_sources = vec![mapping(EventSource::Sqs("Work".to_owned()))];
    template
}

#[tokio::test]
async fn the_api_sends_receives_and_deletes() {
    let dir = tempfile::tempdir().unwrap();
    let aws = open(Some(dir.path()), &template(1));
    let url = call(&aws, "GetQueueUrl", json!({"QueueName": "Work"})).await["QueueUrl"].clone();
    let entries = json!([{"Id": "1", "MessageBody": "a"}, {"Id": "2", "MessageBody": ""}]);
    let sent = call(&aws, "SendMessageBatch", json!({"QueueUrl": url, "Entries": entries})).await;
    assert_eq!(sent["Successful"][0]["MD5OfMessageBody"], "0cc175b9c0f1b6a831c399e269772661");
    assert_eq!(sent["Failed"][0]["Code"], "MissingParameter");
    std::mem::forget(aws);

    let aws = open(Some(dir.path()), &template(1));
    let received = call(&aws, "ReceiveMessage", json!({"QueueUrl": url, "MaxNumberOfMessages": 10})).await;
    assert_eq!(received["Messages"][0]["Body"], "a");
    let receipt = &received["Messages"][0]["ReceiptHandle"];
    call(&aws, "DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": receipt})).await;
    let counts = call(&aws, "GetQueueAttributes", json!({"QueueUrl": url})).await;
    assert_eq!(counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "0");
    let none = call(&aws, "SendMessage", json!({"QueueUrl": "https://x/y/Nope", "MessageBody": "a"})).await;
    assert_eq!(none["__type"], "QueueDoesNotExist");
}

#[tokio::test]
async fn a_failed_message_ends_as_a_dead_letter_and_the_others_do_not() {
    let template = with_mapping();
    let aws = open(None, &template);
    let mut ids = Vec::new();
    for body in ["good", "bad"] {
        let sent = call(&aws, "SendMessage", json!({"QueueUrl": "Work", "MessageBody": body})).await;
        ids.push(sent["MessageId"].clone());
    }
    let (toy, mut seen) = Toy::new();
    toy.answer(Ok(json!({"batchItemFailures": [{"itemIdentifier": ids[1]}]})));
    let running = events::start(&template, &aws, toy.invoker(), Clock::Snappy).unwrap();
    let event = next(&mut seen).await;
    assert_eq!(event["Records"].as_array().unwrap().len(), 2);
    let receipt = event["Records"][1]["receiptHandle"].as_str().unwrap().to_owned();
    let count = |queue: &str| aws.sqs().with(queue, |queue, now_ms| queue.counts(now_ms)).unwrap();
    until("the good one deleted", || count("Work").in_flight == 1).await;
    // Shown again before its time; it was received once, which is all that the policy allows.
    let shown = aws.sqs().with("Work", |queue, now_ms| queue.change_visibility(&receipt, 0, now_ms));
    shown.unwrap().unwrap();
    until("a dead letter", || count("Dead").visible == 1).await;
    assert_eq!(count("Work").in_flight, 0);
    running.stop().await;
}
