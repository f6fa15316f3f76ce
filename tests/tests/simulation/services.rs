//! The AWS services as a network away: slow, throttled, answers lost. What they do is done by the local stack's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    shared::IntoShared,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use aws_types::region::Region;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use callboard_wire::record::{Event, Record};
use serde_json::Value;

use crate::world::{Broken, World};

/// The services as functions reach them.
#[derive(Clone)]
pub(crate) struct Services {
    world: Arc<World>,
    region: Region,
    renumbered: Arc<std::sync::Mutex<std::collections::BTreeMap<String, u32>>>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}

impl Services {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        // The SDK counts retries against a budget that all clients of one service and region in a process share: a
        // region of its own keeps one run from showing in another.
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let region = Region::new(format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed)));
        Self { world: world.clone(), region, renumbered: Arc::default() }
    }

    /// An SDK configuration whose requests come here.
    pub(crate) fn sdk_config(&self) -> aws_types::SdkConfig {
        self.world.aws.sdk_config().into_builder().region(self.region.clone()).http_client(self.clone()).build()
    }

    async fn answer(self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = Operation::of(&request);
        let world = &self.world;
        world.delay(world.plan.faults.request_ms).await;
        if world.fails(|faults| faults.throttled) {
            world.log(format_args!("{} throttled", operation.name));
            return Ok(operation.throttled());
        }
        if let Some(broken) = world.broken {
            match self.sabotage(broken, &operation, request) {
                Ok(changed) => request = changed,
                Err(done) => return Ok(*done),
            }
        }
        let response = self.pass_on(request).await;
        if operation.changes && world.fails(|faults| faults.answer_lost) {
            world.log(format_args!("{} done, its answer is lost", operation.name));
            return Err(ConnectorError::io("the answer is lost".into()));
        }
        response
    }

    async fn pass_on(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let answer = async {
            let mut response = HttpConnector::call(&self.world.aws, request).await?;
            let body = std::mem::replace(response.body_mut(), SdkBody::taken());
            let body = ByteStream::new(body).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
            *response.body_mut() = SdkBody::from(body.into_bytes());
            Ok(response)
        };
        // Files are written and read by other threads, whose pace must not show: nothing else happens meanwhile.
        futures_executor::block_on(tokio::task::unconstrained(answer))
    }

    /// Takes a guard away. Gives the request as it is passed on, or the answer to it.
    fn sabotage(
        &self,
        broken: Broken,
        operation: &Operation,
        mut request: HttpRequest,
    ) -> Result<HttpRequest, Box<HttpResponse>> {
        let change = |request: &mut HttpRequest, body: &Value| {
            let text = body.to_string();
            request.headers_mut().insert("content-length", text.len().to_string());
            *request.body_mut() = SdkBody::from(text);
        };
        let stores_version = operation.name == "PutItem"
            && operation.body["TableName"] == "LiveTable"
            && operation.body["Item"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("V#"));
        let mut body = operation.body.clone();
        match broken {
            Broken::NoVersionCondition if stores_version => {
                body.as_object_mut().map(|fields| fields.remove("ConditionExpression"));
                change(&mut request, &body);
            }
            Broken::AcknowledgedBeforeTheCommit if stores_version => {
                let late = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(1_500)).await;
                    // A kill in between takes the write along.
                    if !late.world.was_killed_within(1_500) {
                        late.pass_on(request).await.unwrap();
                    }
                });
                return Err(Box::new(response(200, "{}")));
            }
            Broken::ArrivalOrder if operation.name == "PutRecord" => {
                let data = STANDARD.decode(body["Data"].as_str().unwrap()).unwrap();
                let mut record = Record::decode(&data).unwrap();
                if let Event::Audio { seq } = &mut record.header.event {
                    let mut numbers = self.renumbered.lock().unwrap();
                    let number = numbers.entry(record.header.call.to_string()).or_insert(0);
                    *number += 1;
                    *seq = *number;
                }
                body["Data"] = STANDARD.encode(record.encode()).into();
                change(&mut request, &body);
            }
            _ => {}
        }
        Ok(request)
    }
}

/// What a request asks for.
struct Operation {
    name: String,
    body: Value,
    changes: bool,
}

impl Operation {
    fn of(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").and_then(|target| target.split('.').nth(1));
        let name = target.map_or_else(
            || {
                format!(
                    "{} {}",
                    request.method(),
                    if request.uri().contains("connections") { "connection" } else { "object" }
                )
            },
            str::to_owned,
        );
        let body = target.and(request.body().bytes());
        let body = body.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        let changes = !matches!(name.as_str(), "GetItem" | "Query") && !name.starts_with("GET");
        Self { name, body, changes }
    }

    fn throttled(&self) -> HttpResponse {
        let code = match self.name.as_str() {
            "PutRecord" | "PutItem" | "GetItem" | "Query" | "UpdateItem" | "DeleteItem" => {
                "ProvisionedThroughputExceededException"
            }
            _ => return response(503, r#"{"__type":"ServiceUnavailableException","message":"busy"}"#),
        };
        response(400, &format!(r#"{{"__type":"{code}","message":"the rate is exceeded"}}"#))
    }
}

fn response(status: u16, body: &str) -> HttpResponse {
    let response = http::Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    HttpResponse::try_from(response.body(SdkBody::from(body)).unwrap()).unwrap()
}

impl HttpClient for Services {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

impl HttpConnector for Services {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(Box::pin(self.clone().answer(request)))
    }
}
