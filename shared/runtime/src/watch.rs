//! What is told of each invocation besides its logs, and when: at its end, once its answer is sent.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use callboard_domain::{CallId, OrgId};
use lambda_runtime::{LambdaInvocation, Service, tower::Layer};
use tracing::{Span, Subscriber};
use tracing_subscriber::{Layer as _, registry::LookupSpan};

#[cfg(feature = "traces")]
use crate::traces::Traces;
use crate::{
    Clock, SettingError, Settings,
    errors::Errors,
    metrics::{Metrics, TARGET},
};

/// Speech that has no text for so long is worth an alarm.
const LONG_WITHOUT_TEXT_MS: i64 = 10_000;

/// What is told of each invocation. Nothing by default.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    metrics: Option<Metrics>,
    errors: Option<Errors>,
    #[cfg(feature = "traces")]
    traces: Option<Traces>,
}

impl Watch {
    /// Reads `METRICS`, `SENTRY_DSN` and `OTEL_EXPORTER_OTLP_ENDPOINT`; of the function that Lambda says this is, in the
    /// environment that is called like the stack, `STACK_NAME`.
    pub(crate) fn from_settings(settings: &Settings, clock: &Clock) -> Result<Self, SettingError> {
        let environment = settings.optional("STACK_NAME").unwrap_or("none");
        let function = function_of(settings.optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or("none"), environment);
        Ok(Self {
            metrics: Metrics::from_settings(settings, function, environment, clock)?,
            errors: Errors::from_settings(settings, function, environment, clock)?,
            #[cfg(feature = "traces")]
            traces: Traces::from_settings(settings, function, environment)?,
        })
    }

    /// What listens to the logs for it; none where nothing does: layers of which there are none let nothing through.
    pub(crate) fn layers<S>(&self) -> Option<Vec<Box<dyn tracing_subscriber::Layer<S> + Send + Sync>>>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let mut layers: Vec<Box<dyn tracing_subscriber::Layer<S> + Send + Sync>> = Vec::new();
        layers.extend(self.metrics.as_ref().map(|it| it.layer().boxed()));
        layers.extend(self.errors.as_ref().map(|it| it.layer().boxed()));
        #[cfg(feature = "traces")]
        layers.extend(self.traces.as_ref().map(|it| it.layer().boxed()));
        (!layers.is_empty()).then_some(layers)
    }

    /// Tells what there is.
    pub async fn flush(&self) {
        if let Some(errors) = &self.errors {
            errors.flush().await;
        }
        #[cfg(feature = "traces")]
        if let Some(traces) = &self.traces {
            traces.flush().await;
        }
        if let Some(metrics) = &self.metrics {
            metrics.flush();
        }
    }
}

/// `TranscribeFunction` of `callboard-dev-TranscribeFunction-1A2B3C4D5E6F`, as CloudFormation names it in the stack
/// `callboard-dev`; a name of another kind as it is.
fn function_of<'a>(name: &'a str, stack: &str) -> &'a str {
    let own = name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('-'));
    own.and_then(|own| own.rsplit_once('-')).map_or(name, |(id, _)| id)
}

/// The span of work on a call: what is logged in it says which call it is about. It goes on with the last of the traces that
/// the work came with, each as [`trace`] told it where it was asked for.
pub fn call_span<'a>(org: &OrgId, call: &CallId, traces: impl IntoIterator<Item = &'a str>) -> Span {
    let span = tracing::info_span!("call", org.id = %org, call.id = %call);
    #[cfg(feature = "traces")]
    crate::traces::follow(&span, traces);
    #[cfg(not(feature = "traces"))]
    drop(traces);
    span
}

/// The trace of what is being done, as a W3C `traceparent` for whoever goes on with it; none where there are no traces.
pub fn trace() -> Option<String> {
    #[cfg(feature = "traces")]
    return crate::traces::current();
    #[cfg(not(feature = "traces"))]
    None
}

/// Notes how old the oldest record of a batch is. Both are wall clock, milliseconds since the Unix epoch.
pub fn note_stream_age(oldest_ms: Option<i64>, now_ms: i64) {
    if let Some(oldest_ms) = oldest_ms {
        tracing::debug!(target: TARGET, { stream.age_ms = now_ms.saturating_sub(oldest_ms) }, "a batch was taken");
    }
}

/// Notes how old a message is, of which SQS says when it was sent: wall clock, milliseconds since the Unix epoch, as text.
pub fn note_queue_age(sent: Option<&String>, now_ms: i64) {
    if let Some(sent_ms) = sent.and_then(|sent| sent.parse::<i64>().ok()) {
        tracing::debug!(target: TARGET, { queue.age_ms = now_ms.saturating_sub(sent_ms) }, "a message was taken");
    }
}

/// Notes that an utterance had no text until now, if that is long after its frames were received. Both are wall clock,
/// milliseconds since the Unix epoch.
pub fn note_waiting(received_ms: i64, now_ms: i64) {
    if now_ms.saturating_sub(received_ms) > LONG_WITHOUT_TEXT_MS {
        tracing::debug!(target: TARGET, { utterances.without_text = 1_u64 }, "an utterance had no text for long");
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

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _};

    use super::*;

    /// Lines of logs that are let through, and whether there are traces.
    fn logged(pairs: &[(&str, &str)]) -> (usize, bool) {
        let settings = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>();
        let watch = Watch::from_settings(&Settings::from(settings), &Clock::from_fn(|| 0)).unwrap();
        let lines = Arc::<Mutex<Vec<u8>>>::default();
        let sink = lines.clone();
        let logs = tracing_subscriber::fmt::layer().json().with_writer(move || Sink(sink.clone()));
        let logs = logs.with_filter(EnvFilter::new("info"));
        let traced =
            tracing::subscriber::with_default(tracing_subscriber::registry().with(logs).with(watch.layers()), || {
                tracing::info!("a line");
                tracing::debug!("none");
                tracing::debug!(target: TARGET, { queue.age_ms = 1_i64 }, "none either");
                tracing::info_span!("work").in_scope(trace).is_some()
            });
        let lines = lines.lock().unwrap();
        (lines.iter().filter(|byte| **byte == b'\n').count(), traced)
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn logs_are_the_same_whoever_else_listens() {
        let (metrics, errors) = (("METRICS", "emf"), ("SENTRY_DSN", "https://k@127.0.0.1:9/1"));
        assert_eq!(logged(&[]), (1, false));
        assert_eq!(logged(&[metrics]), (1, false));
        assert_eq!(logged(&[metrics, errors]), (1, false));
        let traces = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
        assert_eq!(logged(&[traces]), (1, cfg!(feature = "traces")));
        assert_eq!(logged(&[metrics, errors, traces]), (1, cfg!(feature = "traces")));
    }

    #[test]
    fn a_function_is_called_as_in_the_template() {
        let name = "callboard-dev-TranscribeFunction-1A2B3C4D5E6F";
        for (name, stack, expected) in [
            (name, "callboard-dev", "TranscribeFunction"),
            (name, "callboard", "dev-TranscribeFunction"),
            (name, "other", name),
            ("transcribe", "none", "transcribe"),
        ] {
            assert_eq!(function_of(name, stack), expected);
        }
    }
}
