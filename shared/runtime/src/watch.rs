//! What is told of each invocation besides its logs, and when: at its end, once its answer is sent.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use callboard_domain::{CallId, OrgId};
use lambda_runtime::{LambdaInvocation, Service, tower::Layer};
use tracing::{Span, Subscriber};
use tracing_subscriber::registry::LookupSpan;

use crate::{
    Clock, SettingError, Settings,
    metrics::{Metrics, TARGET},
};

/// Speech that has no text for so long is worth an alarm.
const LONG_WITHOUT_TEXT_MS: i64 = 10_000;

/// What is told of each invocation. Nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    metrics: Option<Metrics>,
}

impl Watch {
    /// Reads `METRICS`.
    pub(crate) fn from_settings(settings: &Settings, clock: &Clock) -> Result<Self, SettingError> {
        Ok(Self { metrics: Metrics::from_settings(settings, clock.clone())? })
    }

    /// What listens to the logs for it.
    pub(crate) fn layer<S>(&self) -> impl tracing_subscriber::Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.metrics.as_ref().map(Metrics::layer)
    }

    /// Tells what there is.
    pub async fn flush(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.flush();
        }
    }
}

/// The span of work on a call: what is logged in it says which call it is about.
pub fn call_span(org: &OrgId, call: &CallId) -> Span {
    tracing::info_span!("call", org.id = %org, call.id = %call)
}

/// Notes how old the oldest record of a batch is. Both are wall clock, milliseconds since the Unix epoch.
pub fn note_stream_age(oldest_ms: Option<i64>, now_ms: i64) {
    if let Some(oldest_ms) = oldest_ms {
        tracing::debug!(target: TARGET, stream.age_ms = now_ms.saturating_sub(oldest_ms), "a batch was taken");
    }
}

/// Notes how old a message is, of which SQS says when it was sent: wall clock, milliseconds since the Unix epoch, as text.
pub fn note_queue_age(sent: Option<&String>, now_ms: i64) {
    if let Some(sent_ms) = sent.and_then(|sent| sent.parse::<i64>().ok()) {
        tracing::debug!(target: TARGET, queue.age_ms = now_ms.saturating_sub(sent_ms), "a message was taken");
    }
}

/// Notes that an utterance had no text until now, if that is long after its frames were received. Both are wall clock,
/// milliseconds since the Unix epoch.
pub fn note_waiting(received_ms: i64, now_ms: i64) {
    if now_ms.saturating_sub(received_ms) > LONG_WITHOUT_TEXT_MS {
        tracing::debug!(target: TARGET, utterances.without_text = 1_u64, "an utterance had no text for long");
    }
}

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Watched<S> {
        Watched { inner, watch: self.clone() }
    }
}

/// Invocations that are watched.
#[derive(Debug)]
pub struct Watched<S> {
    inner: S,
    watch: Watch,
}

impl<S> Service<LambdaInvocation> for Watched<S>
where
    S: Service<LambdaInvocation>,
    S::Future: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let handled = self.inner.call(invocation);
        let watch = self.watch.clone();
        Box::pin(async move {
            let done = handled.await;
            watch.flush().await;
            done
        })
    }
}
