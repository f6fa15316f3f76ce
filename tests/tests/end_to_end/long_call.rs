//! A call of two hours: its last utterances cost what its first did. Counted in requests, and in the capacity units that
//! DynamoDB bills for what they carry.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::HttpRequest,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared,
};
use aws_smithy_types::body::SdkBody;
use callboard_domain::{CallId, Channel, OrgId, PlaybookId, Segment, SegmentTimes};
use callboard_local::aws::LocalAws;
use callboard_runtime::{Clock, Settings, Start, Watch};
use callboard_tests::{new_call, project, speech::Speech, stack::Local};
use callboard_wire::items::SegmentItem;
use serde_json::{Value, json};

/// The local services, counting what is asked of them.
#[derive(Debug, Clone)]
struct Counted {
    inner: LocalAws,
    requests: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
}

/// What an attribute counts for, in bytes: developer guide, "DynamoDB item sizes and formats".
fn size(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S" | "B", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("L", Value::Array(list)) => 3 + list.iter().map(|one| 1 + size(one)).sum::<usize>(),
        ("M", Value::Object(map)) => 3 + map.iter().map(|(name, one)| 1 + name.len() + size(one)).sum::<usize>(),
        _ => 1,
    }
}

fn item_size(item: &Value) -> usize {
    item.as_object().map_or(0, |item| item.iter().map(|(name, value)| name.len() + size(value)).sum())
}

fn parsed(body: &SdkBody) -> Value {
    body.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

impl HttpConnector for Counted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let asked = parsed(request.body());
        // A change of some attributes is billed as the whole item, of which these are the most.
        let written = item_size(&asked["Item"]) + item_size(&asked["ExpressionAttributeValues"]);
        let writes = asked["Item"].is_object() || asked["UpdateExpression"].is_string();
        if writes {
            self.writes.fetch_add(written.div_ceil(1_024), Ordering::Relaxed);
        }
        let (answer, reads) = (HttpConnector::call(&self.inner, request), self.reads.clone());
        HttpConnectorFuture::new(async move {
            let response = answer.await?;
            let told = parsed(response.body());
            let items = told["Items"].as_array().map_or(0, |items| items.iter().map(item_size).sum());
            if !writes {
                reads.fetch_add((items + item_size(&told["Item"])).div_ceil(4_096).max(1), Ordering::Relaxed);
            }
            Ok(response)
        })
    }
}

impl HttpClient for Counted {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

/// Utterances: one every four seconds, two hours long.
const UTTERANCES: u64 = 1_800;
/// What is compared: this many of them. What people say is the same in each stretch.
const STRETCH: u64 = 300;

/// What people say: an hour's neutral talk with pushback in between, the same again and again.
fn lines() -> Vec<String> {
    let read = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(project().join("shared/domain/tests/data").join(file)).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    let (neutral, pushback) = (read("neutral.jsonl"), read("objections.jsonl"));
    let line = |at: usize| if at % 10 == 9 { &pushback[at] } else { &neutral[at] };
    (0..STRETCH as usize).map(|at| line(at).clone()).collect()
}

fn event(item: &SegmentItem) -> aws_lambda_events::dynamodb::Event {
    let image: Value = serde_json::to_value(serde_dynamo::to_item::<_, serde_dynamo::Item>(item).unwrap()).unwrap();
    let keys = json!({"pk": image["pk"], "sk": image["sk"]});
    let change = json!({"Keys": keys, "NewImage": image, "SequenceNumber": "1", "SizeBytes": 1,
        "StreamViewType": "NEW_IMAGE", "ApproximateCreationDateTime": 1_795_255_204});
    serde_json::from_value(json!({"Records": [{"eventID": "1", "eventName": "INSERT", "eventVersion": "1.1",
        "eventSource": "aws:dynamodb", "awsRegion": "local", "dynamodb": change}]}))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_long_call_costs_what_its_beginning_did() {
    let local = Local::start(&Speech::start().url).await;
    let counted = Counted {
        inner: local.stack.aws().clone(),
        requests: Arc::default(),
        reads: Arc::default(),
        writes: Arc::default(),
    };
    let settings = local.stack.template().functions["AnalyzeFunction"].environment.clone();
    let start = Start {
        settings: Settings::from(settings),
        sdk: local.stack.sdk_config().into_builder().http_client(counted.clone()).build(),
        clock: Clock::system(),
        watch: Watch::default(),
    };
    let analyze = callboard_analyze::Context::start(&start).unwrap();
    let (call, org) = (CallId::parse(&new_call()).unwrap(), OrgId::parse("acme").unwrap());
    let (playbook, lines) = (PlaybookId::parse("sales").unwrap(), lines());
    let mut stretches: Vec<[usize; 3]> = Vec::new();
    // Told and not judged: what else the machine does shows in it.
    let (mut milliseconds, mut since) = (Vec::new(), Instant::now());
    for at in 0..UTTERANCES {
        let segment = Segment {
            call: call.clone(),
            channel: if at % 2 == 0 { Channel::Agent } else { Channel::Customer },
            start_ms: at * 4_000,
            end_ms: at * 4_000 + 3_000,
            text: lines[(at % STRETCH) as usize].clone(),
            words: Vec::new(),
            is_final: true,
            placeholder: None,
            masked: Vec::new(),
            provisional: false,
            times: SegmentTimes::default(),
        };
        let item = SegmentItem::new(&segment, &org, "desk-1", &playbook, at + 1);
        let answer = callboard_analyze::handle(event(&item), &analyze).await.unwrap();
        assert!(answer.batch_item_failures.is_empty());
        if (at + 1) % STRETCH == 0 {
            let spent = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
            stretches.push([&counted.requests, &counted.reads, &counted.writes].map(|count| spent(count)));
            milliseconds.push(mem::replace(&mut since, Instant::now()).elapsed().as_millis());
        }
    }
    eprintln!(
        "requests, read units and write units per {STRETCH} utterances: {stretches:?}, in milliseconds: {milliseconds:?}"
    );
    // What is kept of a call grows while landmarks are reached and objections raised for the first time, and is bounded by
    // the playbook: here most of it was said within the first twenty minutes.
    let (early, last) = (stretches[1], stretches[stretches.len() - 1]);
    assert_eq!(last[0], early[0], "requests: {stretches:?}");
    for (early, last) in early.iter().zip(&last) {
        assert!(last * 100 <= early * 103, "{stretches:?}");
    }
    for (first, last) in stretches[0].iter().zip(&last) {
        assert!(last * 100 <= first * 120, "{stretches:?}");
    }
}
