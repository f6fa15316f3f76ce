//! What functions do, counted: their invocations, how long those take, and what they ask AWS for. Each function is what it
//! is; its environment and its way to AWS are wrapped.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared,
};
use aws_smithy_types::body::SdkBody;
use callboard_local::functions::{BoxFuture, Environment, Init, Registry, Start, Streamed};
use serde_json::{Value, json};

/// Bytes of a socket's message that are billed as one.
const MESSAGE_BYTES: usize = 32 * 1_024;
/// Bytes of a record that are billed as one.
const PUT_UNIT_BYTES: usize = 25_000;

/// How long AWS' services take to answer a function of the same region, in milliseconds: typical values, and no promises.
/// Here they answer from memory; what is billed on AWS is the wait, too.
const ANSWER_MS: [(&str, f64); 5] =
    [("dynamodb", 5.0), ("kinesis", 15.0), ("sqs", 8.0), ("s3", 30.0), ("connections", 10.0)];

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Counts {
    /// By the name of the function's crate: invocations, and their time in milliseconds, AWS' answers included.
    pub functions: BTreeMap<String, (f64, f64)>,
    /// Sockets that were opened.
    pub sockets: f64,
    /// Messages of sockets, in and out.
    pub messages: f64,
    /// Bytes of those that went out.
    pub bytes_out: f64,
    /// Records put into the frame stream, their units, and their bytes.
    pub records: f64,
    pub put_units: f64,
    pub record_bytes: f64,
    /// Units of tables.
    pub writes: f64,
    pub reads: f64,
    pub s3_writes: f64,
    /// Of audio that is kept.
    pub s3_kept_writes: f64,
    pub s3_reads: f64,
    /// Bytes that were put under `audio/`: what stays of a call.
    pub kept_bytes: f64,
    /// Messages sent to queues.
    pub queued: f64,
}

/// Counts until it is dropped. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<Mutex<(Counts, Option<Instant>)>>);

impl Counter {
    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        self.lock().0.clone()
    }

    /// Starts anew.
    pub(crate) fn forget(&self) {
        *self.lock() = (Counts::default(), None);
    }

    /// When something that costs was last done for a call: schedules do not count.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.lock().1
    }

    /// The same functions, counted.
    pub(crate) fn registry(&self, registry: Registry) -> Registry {
        registry.into_iter().map(|(name, start)| (name, self.start(name, start))).collect()
    }

    fn start(&self, name: &'static str, start: Start) -> Start {
        let counter = self.clone();
        Arc::new(move |mut init: Init| {
            let counter = counter.clone();
            if let Some(client) = init.sdk.http_client() {
                let client = Counted { inner: client, function: name, counter: counter.clone() };
                init.sdk = init.sdk.into_builder().http_client(client).build();
            }
            let started = start(init);
            Box::pin(async move {
                let inner = started.await?;
                let environment: Box<dyn Environment> = Box::new(Watched { name, inner, counter });
                Ok(environment)
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, (Counts, Option<Instant>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn invoked(&self, name: &str, took_ms: f64) {
        let mut locked = self.lock();
        let function = locked.0.functions.entry(name.to_owned()).or_default();
        *function = (function.0 + 1.0, function.1 + took_ms);
        if name != "sweep" {
            locked.1 = Some(Instant::now());
        }
    }
}

struct Watched {
    name: &'static str,
    inner: Box<dyn Environment>,
    counter: Counter,
}

impl Environment for Watched {
    fn invoke(&self, event: Value) -> BoxFuture<Result<Value, String>> {
        let route = event["requestContext"]["routeKey"].as_str().map(str::to_owned);
        let is_socket = event["requestContext"]["connectionId"].is_string();
        let body = event["body"].as_str().map_or(0, str::len);
        let (name, counter, begun) = (self.name, self.counter.clone(), Instant::now());
        let handled = self.inner.invoke(event);
        Box::pin(async move {
            let done = handled.await;
            counter.invoked(name, begun.elapsed().as_secs_f64() * 1_000.0);
            if is_socket && name != "authorizer" {
                let mut locked = counter.lock();
                match route.as_deref() {
                    Some("$connect") => locked.0.sockets += 1.0,
                    Some("$disconnect") => {}
                    _ => locked.0.messages += steps(body, MESSAGE_BYTES),
                }
            }
            done
        })
    }

    fn stream(&self, event: Value, deadline_ms: i64) -> BoxFuture<Result<Streamed, String>> {
        self.inner.stream(event, deadline_ms)
    }
}

fn steps(bytes: usize, step: usize) -> f64 {
    bytes.div_ceil(step).max(1) as f64
}

/// A way to AWS that is counted.
#[derive(Debug, Clone)]
struct Counted {
    inner: aws_smithy_runtime_api::client::http::SharedHttpClient,
    function: &'static str,
    counter: Counter,
}

impl HttpClient for Counted {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        CountedConnector { inner, function: self.function, counter: self.counter.clone() }.into_shared()
    }
}

#[derive(Debug, Clone)]
struct CountedConnector {
    inner: SharedHttpConnector,
    function: &'static str,
    counter: Counter,
}

impl HttpConnector for CountedConnector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        let asked = Asked::of(target.as_deref(), request.method(), request.uri(), length(&request));
        if let Asked::Table { .. } = asked {
            tell_capacity(&mut request);
        }
        let counter = self.counter.clone();
        if let Some((_, ms)) = ANSWER_MS.iter().find(|(service, _)| *service == asked.service()) {
            counter.lock().0.functions.entry(self.function.to_owned()).or_default().1 += ms;
        }
        let records = matches!(asked, Asked::Record).then(|| parsed(request.body()));
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let response: HttpResponse = answer.await?;
            let mut locked = counter.lock();
            let counts = &mut locked.0;
            match asked {
                Asked::Table { writes } => {
                    let units = capacity(&parsed(response.body()));
                    *(if writes { &mut counts.writes } else { &mut counts.reads }) += units;
                }
                Asked::Record => {
                    let record = records.unwrap_or_default();
                    let bytes = record["Data"].as_str().map_or(0, |text| text.len() / 4 * 3)
                        + record["PartitionKey"].as_str().map_or(0, str::len);
                    counts.records += 1.0;
                    counts.put_units += steps(bytes, PUT_UNIT_BYTES);
                    counts.record_bytes += bytes as f64;
                }
                Asked::Queue { sends: true } => counts.queued += 1.0,
                Asked::Queue { .. } | Asked::Other => {}
                Asked::Object { writes: true, kept } => {
                    *(if kept > 0 { &mut counts.s3_kept_writes } else { &mut counts.s3_writes }) += 1.0;
                    counts.kept_bytes += kept as f64;
                }
                Asked::Object { .. } => counts.s3_reads += 1.0,
                Asked::Post { bytes } => {
                    counts.messages += steps(bytes, MESSAGE_BYTES);
                    counts.bytes_out += bytes as f64;
                }
            }
            drop(locked);
            Ok(response)
        })
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Asked {
    Table { writes: bool },
    Record,
    Queue { sends: bool },
    Object { writes: bool, kept: usize },
    Post { bytes: usize },
    Other,
}

impl Asked {
    fn of(target: Option<&str>, method: &str, uri: &str, bytes: usize) -> Self {
        if uri.contains("connections/") && (uri.contains("/@connections") || uri.contains("/%40connections")) {
            return if method == "POST" { Self::Post { bytes } } else { Self::Other };
        }
        match target.and_then(|target| target.split_once('.')) {
            Some(("DynamoDB_20120810", operation)) => {
                let writes = ["Put", "Update", "Delete", "BatchWrite", "TransactWrite"];
                Self::Table { writes: writes.iter().any(|kind| operation.starts_with(kind)) }
            }
            Some(("Kinesis_20131202", "PutRecord")) => Self::Record,
            Some(("AmazonSQS", operation)) => Self::Queue { sends: operation.starts_with("SendMessage") },
            Some(_) => Self::Other,
            None if method == "PUT" || method == "POST" => {
                let kept = if uri.contains("/audio/") { bytes } else { 0 };
                Self::Object { writes: true, kept }
            }
            None if method == "GET" || method == "HEAD" => Self::Object { writes: false, kept: 0 },
            // Removing an object costs nothing.
            None => Self::Other,
        }
    }

    fn service(self) -> &'static str {
        match self {
            Self::Table { .. } => "dynamodb",
            Self::Record => "kinesis",
            Self::Queue { .. } => "sqs",
            Self::Object { .. } => "s3",
            Self::Post { .. } => "connections",
            Self::Other => "",
        }
    }
}

fn length(request: &HttpRequest) -> usize {
    let stated = request.headers().get("x-amz-decoded-content-length").or(request.headers().get("content-length"));
    let stated = stated.and_then(|length| length.parse().ok());
    request.body().bytes().map(<[u8]>::len).or(stated).unwrap_or_default()
}

fn parsed(body: &SdkBody) -> Value {
    body.bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// Has DynamoDB say what a request is billed for.
fn tell_capacity(request: &mut HttpRequest) {
    let mut body = parsed(request.body());
    if let Some(members) = body.as_object_mut() {
        members.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        let text = body.to_string();
        request.headers_mut().insert("content-length", text.len().to_string());
        *request.body_mut() = SdkBody::from(text);
    }
}

/// What it said: one answer has one, those about several tables a list.
fn capacity(answer: &Value) -> f64 {
    let units = |told: &Value| told["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(all) => all.iter().map(units).sum(),
        told => units(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let check = |target: Option<&str>, method, uri, expected| {
            assert_eq!(Asked::of(target, method, uri, 7), expected, "{uri}")
        };
        let table = |operation| Some(format!("DynamoDB_20120810.{operation}"));
        for (operation, writes) in
            [("PutItem", true), ("TransactWriteItems", true), ("Query", false), ("BatchGetItem", false)]
        {
            let target = table(operation);
            check(target.as_deref(), "POST", "http://h/", Asked::Table { writes });
        }
        check(Some("Kinesis_20131202.PutRecord"), "POST", "http://h/", Asked::Record);
        check(Some("AmazonSQS.SendMessage"), "POST", "http://h/", Asked::Queue { sends: true });
        check(Some("AmazonSQS.ChangeMessageVisibility"), "POST", "http://h/", Asked::Queue { sends: false });
        check(None, "POST", "https://a.execute-api.local/ws/%40connections/c1", Asked::Post { bytes: 7 });
        check(None, "PUT", "http://h/bucket/audio/acme/c/0.wav", Asked::Object { writes: true, kept: 7 });
        check(None, "PUT", "http://h/bucket/frames/acme/c/0", Asked::Object { writes: true, kept: 0 });
        check(None, "GET", "http://h/bucket/frames/acme/c/0", Asked::Object { writes: false, kept: 0 });
        check(None, "DELETE", "http://h/bucket/frames/acme/c/0", Asked::Other);
    }

    #[test]
    fn capacity_is_read_of_one_table_and_of_several() {
        for (answer, expected) in [
            (json!({}), 0.0),
            (json!({"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 2.5}}), 2.5),
            (json!({"ConsumedCapacity": [{"CapacityUnits": 2}, {"CapacityUnits": 4}]}), 6.0),
        ] {
            assert!((capacity(&answer) - expected).abs() < 1e-9, "{answer}");
        }
    }
}
