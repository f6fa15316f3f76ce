//! Figures of the logs as CloudWatch metrics: what an invocation logged of them is written at its end, in the embedded
//! metric format, for Lambda to take with the function's log.
//!
//! Functions only log. A field that is named here is a metric of the namespace `Callboard`, by function and environment (the
//! stack's name), and of the environment as a whole; `template.yaml` makes alarms and a dashboard of them, by these names.
//! Events below [`TARGET`] are for metrics alone: at the level of debugging, so that logs do not grow by them.

pub mod emf;

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::Targets,
    layer::{Context, Layer},
};

use self::emf::Series;
use crate::{Clock, SettingError, Settings};

/// Target of events that are no news, and figures only.
pub const TARGET: &str = "callboard::metrics";
/// What all metrics are under.
const NAMESPACE: &str = "Callboard";

/// A field of logs that is a metric.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// The field.
    pub field: &'static str,
    /// The metric.
    pub metric: &'static str,
    /// Its unit, as CloudWatch calls it.
    pub unit: &'static str,
    /// What the dimension `Stage` says, where there is one.
    pub stage: Option<&'static str>,
}

const fn figure(field: &'static str, metric: &'static str, unit: &'static str) -> Figure {
    Figure { field, metric, unit, stage: None }
}

const fn stage(field: &'static str, stage: &'static str) -> Figure {
    Figure { field, metric: "StageDelayMs", unit: "Milliseconds", stage: Some(stage) }
}

/// All fields that are metrics.
pub const FIGURES: [Figure; 27] = [
    // Of a live utterance's text: from the frame that closed it to the service's being asked, to its answer, to the table,
    // from there to a dashboard's socket; and as a whole, from its last audio to the table.
    stage("delay.heard_ms", "heard"),
    stage("delay.transcribed_ms", "transcribed"),
    stage("delay.stored_ms", "stored"),
    stage("delay.pushed_ms", "pushed"),
    stage("delay.text_ms", "text"),
    // Of a transcription service: how long it took for how much, its share, and how often it was asked and could not.
    figure("asr.duration_ms", "SpeechDurationMs", "Milliseconds"),
    figure("asr.audio_ms", "SpeechAudioMs", "Milliseconds"),
    figure("asr.real_time_factor", "RealTimeFactor", "None"),
    figure("asr.attempts", "SpeechAttempts", "Count"),
    figure("asr.errors", "SpeechErrors", "Count"),
    figure("utterances.heard", "UtterancesHeard", "Count"),
    figure("utterances.settled", "UtterancesSettled", "Count"),
    figure("utterances.deferred", "DeferredUtterances", "Count"),
    figure("utterances.failed", "FailedUtterances", "Count"),
    // How long one had no text that had to wait for the service.
    figure("utterances.waited_ms", "UtteranceWaitMs", "Milliseconds"),
    // Of those that were looked at: had no text ten seconds after their frames came.
    figure("utterances.without_text", "SpeechWithoutText", "Count"),
    figure("frames.lost", "FramesLost", "Count"),
    figure("sockets.gone", "GoneSockets", "Count"),
    figure("model.duration_ms", "ModelDurationMs", "Milliseconds"),
    figure("model.input_tokens", "ModelInputTokens", "Count"),
    figure("model.output_tokens", "ModelOutputTokens", "Count"),
    figure("model.cost_usd", "ModelCostUsd", "None"),
    figure("model.faults", "ModelFaults", "Count"),
    // How old the oldest record of a batch was, and a message, when a function got it.
    figure("stream.age_ms", "IteratorAgeMs", "Milliseconds"),
    figure("queue.age_ms", "QueueAgeMs", "Milliseconds"),
    figure("calls.open", "CallsOpen", "Count"),
    figure("calls.stuck", "CallsStuck", "Count"),
];

type Numbers = BTreeMap<(Option<&'static str>, &'static str, &'static str), Vec<f64>>;
type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// The metrics of one environment, written at the end of each invocation. Cloning shares them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    function: String,
    environment: String,
    clock: Clock,
    sink: Sink,
    numbers: Mutex<Numbers>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("function", &self.0.function).finish_non_exhaustive()
    }
}

impl Metrics {
    /// Where `METRICS` is `emf`: of a function in an environment, written to the standard output.
    pub(crate) fn from_settings(
        settings: &Settings,
        function: &str,
        environment: &str,
        clock: &Clock,
    ) -> Result<Option<Self>, SettingError> {
        match settings.optional("METRICS").unwrap_or("off") {
            "off" => return Ok(None),
            "emf" => {}
            _ => return Err(SettingError::malformed("METRICS", "use emf or off")),
        }
        // Nobody could be told that it cannot be written.
        let sink = |line: &str| drop(writeln!(io::stdout().lock(), "{line}"));
        Ok(Some(Self::new(function, environment, clock.clone(), sink)))
    }

    /// Of a function in an environment, given to `sink` line by line.
    pub fn new(function: &str, environment: &str, clock: Clock, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let numbers = Mutex::default();
        let (function, environment) = (function.to_owned(), environment.to_owned());
        Self(Arc::new(Inner { function, environment, clock, sink: Arc::new(sink), numbers }))
    }

    /// What listens to the logs.
    pub fn layer<S: Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>>(
        &self,
    ) -> impl Layer<S> + use<S> {
        let wanted = Targets::new().with_default(Level::INFO).with_target(TARGET, Level::DEBUG);
        Gathering(self.clone()).with_filter(wanted)
    }

    /// Writes what came together, and forgets it.
    pub fn flush(&self) {
        let numbers = std::mem::take(&mut *self.numbers());
        let Inner { function, environment, clock, sink, .. } = &*self.0;
        let mut stages: BTreeMap<Option<&str>, Vec<Series>> = BTreeMap::new();
        for ((stage, name, unit), values) in numbers {
            stages.entry(stage).or_default().push(Series { name, unit, values });
        }
        for (stage, series) in stages {
            let mut dimensions = vec![("Function", function.as_str()), ("Environment", environment.as_str())];
            let sets: [&[&str]; 2] = if let Some(stage) = stage {
                dimensions.push(("Stage", stage));
                [&["Function", "Environment", "Stage"], &["Environment", "Stage"]]
            } else {
                [&["Function", "Environment"], &["Environment"]]
            };
            let lines = emf::documents(NAMESPACE, &dimensions, &sets, &series, clock.now_ms());
            lines.iter().for_each(|line| sink(line));
        }
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Gathering(Metrics);

impl<S: Subscriber> Layer<S> for Gathering {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Taking(&self.0));
    }
}

struct Taking<'a>(&'a Metrics);

impl Taking<'_> {
    fn take(&mut self, field: &Field, value: f64) {
        if let Some(figure) = FIGURES.iter().find(|figure| figure.field == field.name()) {
            self.0.numbers().entry((figure.stage, figure.metric, figure.unit)).or_default().push(value);
        }
    }
}

impl Visit for Taking<'_> {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value as f64);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value as f64);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::from(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn what_an_invocation_logs_is_written_at_its_end_and_once() {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = lines.clone();
        let metrics =
            Metrics::new("PushFunction", "callboard-dev", Clock::from_fn(|| 1_700_000_000_000), move |line| {
                kept.lock().unwrap().push(line.to_owned());
            });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(metrics.layer()), || {
            tracing::info!(call.id = "01J", text = "a secret word", "no figure");
            tracing::debug!(calls.open = 9_u64, "not for metrics");
            tracing::debug!(target: TARGET, { asr.real_time_factor = 0.25 }, "a figure only");
            tracing::info!(calls.open = 3_usize, calls.stuck = 0_u64, call.id = "01J", "swept");
            tracing::warn!(
                delay.text_ms = -5_i64,
                delay.stored_ms = Some(7_i64),
                delay.heard_ms = None::<i64>,
                "stored"
            );
            tracing::info!(delay.text_ms = 2_i64, "stored");
        });
        metrics.flush();
        metrics.flush();
        let lines = lines.lock().unwrap();
        assert!(!lines.concat().contains("secret"));
        let found: Vec<Value> = lines
            .iter()
            .map(|line| {
                let (document, numbers) = emf::tests::read(line);
                json!([document["Function"], document["Environment"], document["Stage"], numbers])
            })
            .collect();
        let of = |stage: Value, numbers: Value| json!(["PushFunction", "callboard-dev", stage, numbers]);
        let all = json!([["CallsOpen", [3.0]], ["CallsStuck", [0.0]], ["RealTimeFactor", [0.25]]]);
        let expected = [
            of(Value::Null, all),
            of(json!("stored"), json!([["StageDelayMs", [7.0]]])),
            of(json!("text"), json!([["StageDelayMs", [-5.0, 2.0]]])),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn there_are_none_unless_they_are_wanted() {
        let made = |value| Metrics::from_settings(&settings(&[("METRICS", value)]), "f", "e", &Clock::from_fn(|| 0));
        assert!(made("").unwrap().is_none() && made("off").unwrap().is_none());
        assert!(made("emf").unwrap().is_some());
        assert_eq!(made("statsd").unwrap_err().to_string(), "METRICS is malformed: use emf or off");
    }

    #[test]
    fn each_field_is_one_metric_and_each_metric_has_one_unit() {
        for (at, one) in FIGURES.iter().enumerate() {
            for other in &FIGURES[..at] {
                assert_ne!(one.field, other.field);
                assert!(one.metric != other.metric || (one.unit == other.unit && one.stage != other.stage), "{one:?}");
            }
        }
    }
}
