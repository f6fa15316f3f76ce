//! Stands between the SDK's clients and a back end: notes which operations succeeded or were refused, that is: answered,
//! and can make DynamoDB seem busy, which neither back end does by itself.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::{Value, json};

/// The client that does it.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    inner: SharedHttpClient,
    known: Arc<Known>,
}

#[derive(Debug, Default)]
struct Known {
    answered: Mutex<BTreeSet<String>>,
    busy: AtomicUsize,
    renames_lists: bool,
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    known: Arc<Known>,
}

impl Recorder {
    /// With `renames_lists`, what a back end calls the list of an upload's parts is made what S3 calls it.
    pub(crate) fn new(inner: SharedHttpClient, renames_lists: bool) -> Self {
        Self { inner, known: Arc::new(Known { renames_lists, ..Known::default() }) }
    }

    /// The operations that were answered so far, as the SDK's methods are named: `put_item`.
    pub(crate) fn answered(&self) -> BTreeSet<String> {
        self.known.answered.lock().unwrap().clone()
    }

    /// Notes a request that went past the SDK: to a presigned address.
    pub(crate) fn note(&self, method: &str, address: &str) {
        self.known.note(method, address, None);
    }

    /// Of the next batches, so many are done by half: the rest is answered as unprocessed.
    pub(crate) fn busy(&self, batches: usize) {
        self.known.busy.store(batches, Ordering::SeqCst);
    }

    /// How many of these batches are still to come.
    pub(crate) fn busy_for(&self) -> usize {
        self.known.busy.load(Ordering::SeqCst)
    }
}

impl HttpClient for Recorder {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, known: self.known.clone() })
    }
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let operation = self.known.note(request.method(), request.uri(), request.headers().get("x-amz-target"));
        let unprocessed = match operation.as_str() {
            "batch_write_item" | "batch_get_item" => self.known.halve(&operation, &mut request),
            _ => None,
        };
        let answer = self.inner.call(request);
        let renamed = operation == "list_parts" && self.known.renames_lists;
        if unprocessed.is_none() && !renamed {
            return answer;
        }
        HttpConnectorFuture::new(async move {
            let response = answer.await?;
            let status = response.status();
            let body = ByteStream::new(response.into_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::other(error.into(), None))?.into_bytes();
            let mut body = String::from_utf8(body.to_vec()).unwrap();
            match unprocessed {
                Some((field, rest)) => {
                    let mut answer: Value = serde_json::from_str(&body).unwrap();
                    answer[field] = rest;
                    body = answer.to_string();
                }
                None => body = body.replace("ListPartsResponse", "ListPartsResult"),
            }
            Ok(HttpResponse::new(status, SdkBody::from(body)))
        })
    }
}

impl Known {
    fn note(&self, method: &str, address: &str, target: Option<&str>) -> String {
        let operation = operation(method, address, target);
        self.answered.lock().unwrap().insert(operation.clone());
        operation
    }

    /// Takes every other item or key out of a batch, as long as the table is to seem busy; they are what is answered
    /// under this name.
    fn halve(&self, operation: &str, request: &mut HttpRequest) -> Option<(&'static str, Value)> {
        self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |busy| busy.checked_sub(1)).ok()?;
        let mut body: Value = serde_json::from_slice(request.body().bytes()?).unwrap();
        let (table, wanted) = body["RequestItems"].as_object_mut()?.iter_mut().next()?;
        let table = table.clone();
        let mut rest = wanted.clone();
        let (kept, left, field) = match operation {
            "batch_get_item" => (&mut wanted["Keys"], &mut rest["Keys"], "UnprocessedKeys"),
            _ => (wanted, &mut rest, "UnprocessedItems"),
        };
        let (kept, left) = (kept.as_array_mut()?, left.as_array_mut()?);
        *left = kept.split_off(kept.len() / 2);
        let body = body.to_string();
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
        Some((field, json!({ table: rest })))
    }
}

/// The operation of a request: JSON services name it in a header, S3 by method and query, API Gateway by the method.
fn operation(method: &str, address: &str, target: Option<&str>) -> String {
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return snake_case(operation);
    }
    if address.contains("@connections") || address.contains("%40connections") {
        return format!("{}_connection", if method == "POST" { "post_to" } else { "delete" });
    }
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let parameter = |name: &str| query.split('&').find(|pair| pair.split('=').next() == Some(name));
    if let Some((_, operation)) = parameter("x-id").and_then(|pair| pair.split_once('=')) {
        return snake_case(operation);
    }
    let named = [
        ("POST", "uploads", "create_multipart_upload"),
        ("POST", "uploadId", "complete_multipart_upload"),
        ("POST", "delete", "delete_objects"),
        ("GET", "list-type", "list_objects_v2"),
    ];
    let found = named.iter().find(|(by, name, _)| *by == method && parameter(name).is_some());
    match (found, method) {
        (Some((_, _, operation)), _) => (*operation).to_owned(),
        (None, "HEAD") => "head_object".to_owned(),
        _ => format!("{method} {query}"),
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
