//! Lambda's runtime API on loopback, for one function's process: it asks for events, and answers each.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{sync::Arc, time::Instant};

use anyhow::Context as _;
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{Response, StatusCode},
    response::IntoResponse as _,
    routing::{get, post},
};
use bytes::Bytes;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

/// How long an invocation may take, as the function is told.
const DEADLINE_MS: i64 = 60_000;

/// What a function's process did, and when.
#[derive(Debug)]
pub(crate) enum Told {
    /// It asked for an event.
    Polled(Instant),
    /// It answered the event.
    Answered(Instant),
    /// The event failed, or the process could not start: why.
    Failed(Instant, String),
}

/// The interface that one process talks to.
pub(crate) struct RuntimeApi {
    /// Host and port.
    pub address: String,
    /// What the process does.
    pub told: mpsc::UnboundedReceiver<Told>,
    events: mpsc::UnboundedSender<Bytes>,
    serving: JoinHandle<()>,
}

struct Door {
    told: mpsc::UnboundedSender<Told>,
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    now_ms: fn() -> i64,
}

impl RuntimeApi {
    /// Opens one. Deadlines are told by this clock: milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// No port is free.
    pub(crate) async fn open(now_ms: fn() -> i64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("opening a port")?;
        let address = listener.local_addr()?.to_string();
        let (told, hears) = mpsc::unbounded_channel();
        let (events, wanted) = mpsc::unbounded_channel();
        let door = Arc::new(Door { told, events: Mutex::new(wanted), now_ms });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .with_state(door);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the runtime API ended");
            }
        });
        Ok(Self { address, told: hears, events, serving })
    }

    /// Has an event given to the process as soon as it asks for one.
    pub(crate) fn give(&self, event: Bytes) {
        // The other end lives as long as this does.
        self.events.send(event).ok();
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next(State(door): State<Arc<Door>>) -> Response<Body> {
    door.told.send(Told::Polled(Instant::now())).ok();
    let Some(event) = door.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let response = Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("Lambda-Runtime-Deadline-Ms", (door.now_ms)() + DEADLINE_MS)
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:local:000000000000:function:measured")
        .header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
        .body(Body::from(event));
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The answer may come bit by bit: it is there with its last one.
async fn answered(State(door): State<Arc<Door>>, Path(_): Path<String>, body: Body) -> StatusCode {
    let told = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(_) => Told::Answered(Instant::now()),
        Err(error) => Told::Failed(Instant::now(), format!("its answer broke off: {error}")),
    };
    door.told.send(told).ok();
    StatusCode::ACCEPTED
}

async fn failed(State(door): State<Arc<Door>>, body: Bytes) -> StatusCode {
    let fault: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = fault["errorMessage"].as_str().unwrap_or("it did not say why").to_owned();
    door.told.send(Told::Failed(Instant::now(), message)).ok();
    StatusCode::ACCEPTED
}
