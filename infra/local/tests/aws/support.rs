//! A template in code, toy functions, and waiting for conditions.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use callboard_local::{
    aws::LocalAws,
    events::Invoker,
    functions::InvokeError,
    gateway::Connections,
    template::{Destination, EventSource, EventSourceMapping, Queue, Stream, Table, Template},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A table with a stream and an index, a stream of so many shards, a queue with dead letters, a bucket.
pub(crate) fn template(shards: usize) -> Template {
    let create = json!({
        "TableName": "Calls",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "by", "AttributeType": "S"},
        ],
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_start",
            "KeySchema": [{"AttributeName": "by", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "ALL"},
        }],
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    });
    let queue = |name: &str, redrive| Queue {
        name: name.to_owned(),
        visibility_timeout_s: 30,
        redrive,
        retention_s: 345_600,
        delay_s: 0,
        fifo: false,
        content_based_deduplication: false,
    };
    Template {
        tables: vec![Table { name: "Calls".to_owned(), create, ttl_attribute: Some("expires_at".to_owned()) }],
        streams: vec![Stream { name: "Frames".to_owned(), shards, retention_hours: 24 }],
        queues: vec![queue("Work", Some(("Dead".to_owned(), 1))), queue("Dead", None)],
        buckets: vec!["FailedBatchesBucket".to_owned()],
        ..Template::default()
    }
}

/// A mapping with the settings that the real ones have.
pub(crate) fn mapping(source: EventSource) -> EventSourceMapping {
    EventSourceMapping {
        id: "ToyFunctionEvents".to_owned(),
        function: "ToyFunction".to_owned(),
        source,
        from_start: true,
        batch_size: 100,
        window_s: 0,
        parallelization: 4,
        retries: Some(1),
        max_age_s: None,
        bisect: true,
        report_item_failures: true,
        filters: Vec::new(),
        on_failure: Some(Destination::S3("FailedBatchesBucket".to_owned())),
    }
}

/// The services over a directory, or in memory.
pub(crate) fn open(dir: Option<&Path>, template: &Template) -> LocalAws {
    LocalAws::open(dir, template, Connections::default()).unwrap()
}

type Answer = Result<Value, InvokeError>;

/// A function that tells its events, and answers what it is told to (success, when told nothing).
#[derive(Clone)]
pub(crate) struct Toy {
    events: mpsc::UnboundedSender<Value>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Toy {
    pub(crate) fn new() -> (Toy, mpsc::UnboundedReceiver<Value>) {
        let (events, receiver) = mpsc::unbounded_channel();
        (Toy { events, answers: Arc::default() }, receiver)
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub(crate) fn invoker(&self) -> Invoker {
        let toy = self.clone();
        Invoker::new(move |_, event| {
            let answer = toy.answers.lock().unwrap().pop_front().unwrap_or(Ok(Value::Null));
            toy.events.send(event).ok();
            async move { answer }
        })
    }
}

/// The next event, or a failure when none comes.
pub(crate) async fn next(events: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    tokio::time::timeout(Duration::from_secs(20), events.recv()).await.expect("an event in time").unwrap()
}

/// Collects records until there are so many.
pub(crate) async fn records(events: &mut mpsc::UnboundedReceiver<Value>, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    while found.len() < count {
        let mut event = next(events).await;
        found.append(event["Records"].as_array_mut().unwrap());
    }
    found
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}");
}
