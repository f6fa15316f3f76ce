//! Figures of the logs as CloudWatch metrics, in its embedded metric format: one line of JSON for each event that has any.
//!
//! Functions only log. A field that is named here is a metric of the namespace `Callboard`, by stack; `template.yaml` makes
//! alarms and a dashboard of them, by these names.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::{
    fmt,
    io::{self, Write as _},
};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use crate::Clock;

/// Fields that are metrics, and their units.
pub const FIGURES: [(&str, &str); 19] = [
    // Of a transcription service: how long it took for how much, and how often it was asked.
    ("asr.duration_ms", "Milliseconds"),
    ("asr.audio_ms", "Milliseconds"),
    ("asr.attempts", "Count"),
    // Of a live utterance's text: from its last audio to the service's being asked, to its answer, to the table; all of it.
    ("delay.asked_ms", "Milliseconds"),
    ("delay.transcribed_ms", "Milliseconds"),
    ("delay.stored_ms", "Milliseconds"),
    ("delay.text_ms", "Milliseconds"),
    // From the table to a dashboard's socket.
    ("delay.pushed_ms", "Milliseconds"),
    ("utterances.heard", "Count"),
    ("utterances.settled", "Count"),
    ("utterances.deferred", "Count"),
    ("utterances.failed", "Count"),
    ("frames.lost", "Count"),
    ("sockets.gone", "Count"),
    ("model.duration_ms", "Milliseconds"),
    ("model.input_tokens", "Count"),
    ("model.output_tokens", "Count"),
    ("calls.open", "Count"),
    ("calls.stuck", "Count"),
];

/// Writes metrics of events to the standard output, where Lambda takes them for the function's log.
pub(crate) struct Embedded {
    /// The dimension.
    pub(crate) stack: String,
    pub(crate) clock: Clock,
}

impl<S: Subscriber> Layer<S> for Embedded {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut figures = Figures::default();
        event.record(&mut figures);
        if let Some(line) = figures.line(&self.stack, self.clock.now_ms()) {
            // Nobody could be told.
            io::stdout().lock().write_all(line.as_bytes()).ok();
        }
    }
}

/// The metrics of one event.
#[derive(Default)]
struct Figures(Vec<(&'static str, &'static str, Value)>);

impl Figures {
    fn add(&mut self, field: &Field, value: Value) {
        let known = FIGURES.iter().find(|(name, _)| *name == field.name());
        self.0.extend(known.map(|(name, unit)| (*name, *unit, value)));
    }

    fn line(self, stack: &str, now_ms: i64) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let metrics: Vec<_> = self.0.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
        let mut line = Map::new();
        let directive = json!({"Namespace": "Callboard", "Dimensions": [["Stack"]], "Metrics": metrics});
        line.insert("_aws".to_owned(), json!({"Timestamp": now_ms, "CloudWatchMetrics": [directive]}));
        line.insert("Stack".to_owned(), json!(stack));
        line.extend(self.0.into_iter().map(|(name, _, value)| (name.to_owned(), value)));
        Some(format!("{}\n", Value::Object(line)))
    }
}

impl Visit for Figures {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What is written of events, line by line.
    struct Kept(Arc<Mutex<Vec<Value>>>);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut figures = Figures::default();
            event.record(&mut figures);
            let line = figures.line("callboard-dev", 1_700_000_000_000);
            self.0.lock().unwrap().extend(line.map(|line| serde_json::from_str::<Value>(&line).unwrap()));
        }
    }

    #[test]
    fn what_is_named_is_a_metric_and_nothing_else_is() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Kept(Arc::clone(&kept))), || {
            tracing::info!(call.id = "01J", text = "a secret word", "no figure");
            tracing::info!(calls.open = 3_usize, calls.stuck = 0_u64, call.id = "01J", "swept");
            tracing::warn!(delay.text_ms = -5_i64, delay.stored_ms = Some(7_i64), delay.asked_ms = None::<i64>, "stored");
        });
        let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let line = |metrics: Value, rest: Value| {
            let directive = json!({"Namespace": "Callboard", "Dimensions": [["Stack"]], "Metrics": metrics});
            let mut line = json!({
                "_aws": {"Timestamp": 1_700_000_000_000_i64, "CloudWatchMetrics": [directive]},
                "Stack": "callboard-dev",
            });
            line.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            line
        };
        let expected = [
            line(
                json!([metric("calls.open", "Count"), metric("calls.stuck", "Count")]),
                json!({"calls.open": 3, "calls.stuck": 0}),
            ),
            line(
                json!([metric("delay.text_ms", "Milliseconds"), metric("delay.stored_ms", "Milliseconds")]),
                json!({"delay.text_ms": -5, "delay.stored_ms": 7}),
            ),
        ];
        assert_eq!(*kept.lock().unwrap(), expected);
    }
}
