//! Traces through OpenTelemetry: the spans of an invocation, sent at its end by OTLP over HTTP.
//!
//! A trace goes on from function to function by the W3C `traceparent` of the span that wrote something: in the header of a
//! frame's record, in a segment's item, in messages of queues. So one trace follows a frame from its socket to the text on
//! a dashboard. Who takes traces (a collector, Lambda's extension of one, X-Ray behind it) is not known here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator as _,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, Span as SdkSpan, SpanData, SpanExporter as _, SpanProcessor},
};
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::{SettingError, Settings, outlet::Outlet};

/// Spans of one invocation that are kept at most.
const MOST: usize = 2_048;
/// The member of a carrier that this is about.
const PARENT: &str = "traceparent";

/// The spans of one environment. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Traces {
    exporter: Arc<SpanExporter>,
    provider: SdkTracerProvider,
    ended: Ended,
}

impl Traces {
    /// Where `OTEL_EXPORTER_OTLP_ENDPOINT` is set: sent there, of a function in an environment. `OTEL_EXPORTER_OTLP_HEADERS`
    /// and `OTEL_TRACES_SAMPLER` are read as OpenTelemetry has it.
    pub(crate) fn from_settings(
        settings: &Settings,
        function: &str,
        environment: &str,
    ) -> Result<Option<Self>, SettingError> {
        const NAME: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        if settings.optional(NAME).is_none() {
            return Ok(None);
        }
        let endpoint = format!("{}/v1/traces", settings.address(NAME)?);
        let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(endpoint);
        // What is not taken at once is not worth a function's time.
        let exporter = exporter.with_retry_policy(RetryPolicy::disabled());
        let exporter = exporter.with_http_client(Client(Outlet::new())).build();
        let mut exporter = exporter.map_err(|error| SettingError::malformed(NAME, error))?;
        let attributes = [
            KeyValue::new("service.name", function.to_owned()),
            KeyValue::new("service.namespace", "callboard"),
            KeyValue::new("deployment.environment.name", environment.to_owned()),
            KeyValue::new("cloud.provider", "aws"),
            KeyValue::new("cloud.platform", "aws_lambda"),
        ];
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        exporter.set_resource(&resource);
        let ended = Ended::default();
        let provider = SdkTracerProvider::builder().with_span_processor(ended.clone()).with_resource(resource).build();
        Ok(Some(Self { exporter: Arc::new(exporter), provider, ended }))
    }

    /// What listens to spans.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let layer = tracing_opentelemetry::layer().with_tracer(self.provider.tracer("callboard"));
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        // Events are logs: they are taken elsewhere.
        layer.with_filter(filter_fn(|metadata| metadata.is_span() && *metadata.level() <= Level::INFO))
    }

    /// Sends what came together, and forgets it, sent or not.
    pub(crate) async fn flush(&self) {
        let spans = std::mem::take(&mut *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner));
        if spans.is_empty() {
            return;
        }
        if let Err(error) = self.exporter.export(spans).await {
            tracing::warn!(%error, "traces were not taken");
        }
    }
}

/// Spans that are over.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut SdkSpan, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() < MOST && span.span_context.is_sampled() {
            ended.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[derive(Debug)]
struct Client(Outlet);

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        Ok(self.0.send(request).await?)
    }
}

/// The `traceparent` of the current span; none where there are no traces.
pub(crate) fn current() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(PARENT)
}

/// Has a span that was not entered yet go on with the last of these traces, and name the others. What is none is passed
/// over.
pub(crate) fn follow<'a>(span: &Span, traces: impl IntoIterator<Item = &'a str>) {
    let propagator = TraceContextPropagator::new();
    let read = |text: &str| {
        let carrier = HashMap::from([(PARENT.to_owned(), text.to_owned())]);
        let context = propagator.extract_with_context(&Context::new(), &carrier);
        context.span().span_context().is_valid().then_some(context)
    };
    let mut known: Vec<&str> = traces.into_iter().collect();
    known.dedup();
    let mut contexts = known.into_iter().rev().filter_map(read);
    // Nothing listens to spans where this fails.
    if let Some(parent) = contexts.next()
        && span.set_parent(parent).is_ok()
    {
        contexts.for_each(|context| span.add_link(context.span().span_context().clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use callboard_domain::{CallId, OrgId};
    use opentelemetry_proto::tonic::{collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span as Sent};
    use prost::Message as _;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::{receiver::Receiver, watch};

    fn traces(endpoint: &str) -> Result<Option<Traces>, SettingError> {
        let settings =
            Settings::from(BTreeMap::from([("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), endpoint.to_owned())]));
        Traces::from_settings(&settings, "TranscribeFunction", "callboard-dev")
    }

    #[tokio::test]
    async fn one_trace_follows_a_frame_from_function_to_function() {
        let mut receiver = Receiver::start().await;
        let traces = traces(&receiver.url).unwrap().unwrap();
        let (org, call) = (OrgId::parse("acme").unwrap(), CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(traces.layer()), || {
            let work = |written: &[&str]| {
                // Each function has an invocation of its own.
                let invocation = tracing::info_span!("Lambda runtime invoke", requestId = "r1");
                let span = invocation.in_scope(|| watch::call_span(&org, &call, written.iter().copied()));
                span.in_scope(|| {
                    tracing::info!(text = "a secret word", "logs are no part of it");
                    watch::trace().unwrap()
                })
            };
            let (first, second) = (work(&[]), work(&[]));
            let heard = work(&["no trace", &first, &second]);
            work(&[&heard]);
        });
        traces.flush().await;
        traces.flush().await;

        let (path, headers, body) = receiver.next().await;
        assert_eq!((path.as_str(), headers["content-type"].as_bytes()), ("/v1/traces", &b"application/x-protobuf"[..]));
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
        let sent = ExportTraceServiceRequest::decode(body).unwrap();
        let [of] = sent.resource_spans.as_slice() else { panic!("{sent:?}") };
        let name = &of.resource.as_ref().unwrap().attributes.iter().find(|it| it.key == "service.name").unwrap().value;
        assert!(format!("{name:?}").contains("TranscribeFunction"), "{name:?}");
        let spans: Vec<&Sent> = of.scope_spans.iter().flat_map(|scope| &scope.spans).collect();
        let calls: Vec<&&Sent> = spans.iter().filter(|span| span.name == "call").collect();
        let [first, second, heard, pushed] = calls.as_slice() else { panic!("{calls:?}") };
        assert_ne!(first.trace_id, second.trace_id);
        assert_eq!((&heard.trace_id, &heard.parent_span_id), (&second.trace_id, &second.span_id));
        assert_eq!((&pushed.trace_id, &pushed.parent_span_id), (&second.trace_id, &heard.span_id));
        let [link] = heard.links.as_slice() else { panic!("{heard:?}") };
        assert_eq!((&link.trace_id, &link.span_id), (&first.trace_id, &first.span_id));
        for call in calls {
            let told = format!("{:?}", call.attributes);
            assert!(told.contains("acme") && told.contains("01ARZ3NDEKTSV4RRFFQ69G5FAV"), "{told}");
        }
        receiver.nothing_more().await;
    }

    #[tokio::test]
    async fn a_collector_that_is_not_there_holds_nothing_up() {
        let traces = traces("http://127.0.0.1:9").unwrap().unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(traces.layer()), || {
            tracing::info_span!("lost").in_scope(|| {});
        });
        assert_eq!(traces.ended.0.lock().unwrap().len(), 1);
        traces.flush().await;
        assert!(traces.ended.0.lock().unwrap().is_empty());
    }

    #[test]
    fn there_are_none_unless_they_are_wanted() {
        assert!(traces("").unwrap().is_none());
        let told = traces("collector:4318").unwrap_err().to_string();
        assert!(told.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT is malformed: use an address"), "{told}");
        assert_eq!(current(), None);
    }
}
