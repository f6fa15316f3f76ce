//! What brings records from streams, queues and schedules to functions, as Lambda's event source mappings do.
//!
//! The rules are pure (`batching`, `outcome`, `filter`, `records`) and have their time handed in; the loops around
//! them (`stream_source`, `sqs_source`, `schedule`) only read, wait, invoke and store. Delivery is at least once: a
//! position is stored when everything before it is done.

pub mod batching;
mod destination;
pub mod filter;
mod housekeeping;
pub mod outcome;
mod records;
mod schedule;
mod sqs_source;
mod stream_source;
mod tail;

use std::{future::Future, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::watch, task::JoinSet, time::timeout};

pub use self::destination::mapping_uuid;
use self::{filter::Filter, records::Origin, sqs_source::SqsSource, stream_source::StreamSource, tail::Tails};
use crate::{
    aws::{AwsError, LocalAws},
    functions::{BoxFuture, Functions, InvokeError},
    template::{EventSource, EventSourceMapping, Template},
};

/// How long `Running::stop` waits for what is in flight.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// How fast events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// A write wakes its readers at once. A poll once a second stands behind that.
    #[default]
    Snappy,
    /// As AWS polls: Kinesis once a second and shard, DynamoDB streams four times a second.
    Aws,
}

/// Why the mappings could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// A mapping's filter is malformed.
    #[error("event source mapping {mapping}: {source}")]
    Filter {
        /// Mapping id.
        mapping: String,
        /// What is wrong.
        source: filter::FilterError,
    },
    /// A source is not there, or state could not be read.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

type Invoke = dyn Fn(String, Value) -> BoxFuture<Result<Value, InvokeError>> + Send + Sync;

/// Invokes functions by logical id. Any closure can stand in.
#[derive(Clone)]
pub struct Invoker(Arc<Invoke>);

impl Invoker {
    /// Wraps what invokes.
    pub fn new<F, Answer>(invoke: F) -> Invoker
    where
        F: Fn(String, Value) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<Value, InvokeError>> + Send + 'static,
    {
        Invoker(Arc::new(move |function, event| Box::pin(invoke(function, event))))
    }

    /// Invokes a function.
    pub(crate) fn invoke(&self, function: &str, event: Value) -> BoxFuture<Result<Value, InvokeError>> {
        (self.0)(function.to_owned(), event)
    }
}

impl From<Functions> for Invoker {
    fn from(functions: Functions) -> Invoker {
        Invoker::new(move |function, event| {
            let functions = functions.clone();
            async move { functions.invoke(&function, event).await }
        })
    }
}

/// The mappings at work. Dropping it breaks off what is in flight, as a kill would.
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Lets batches in flight end, for at most ten seconds, and stores positions. Nothing new begins.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = timeout(STOP_PATIENCE, async { while self.tasks.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::error!(mappings = self.tasks.len(), "batches in flight were broken off; they come again");
        }
    }
}

/// Starts every event source mapping and schedule of the template.
pub fn start(
    template: &Template,
    aws: &LocalAws,
    invoker: impl Into<Invoker>,
    clock: Clock,
) -> Result<Running, EventsError> {
    let invoker = invoker.into();
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let tails = Arc::default();
    for mapping in &template.event_sources {
        start_mapping(mapping, (aws, &tails), &invoker, clock, &stopped, &mut tasks)?;
    }
    for schedule in &template.schedules {
        let (schedule, aws) = (schedule.clone(), aws.clone());
        tasks.spawn(schedule::run(schedule, aws, invoker.clone(), clock, stopped.clone()));
    }
    tasks.spawn(housekeeping::run(template.clone(), aws.clone(), stopped));
    Ok(Running { stop, tasks })
}

fn start_mapping(
    mapping: &EventSourceMapping,
    (aws, tails): (&LocalAws, &Arc<Tails>),
    invoker: &Invoker,
    clock: Clock,
    stopped: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) -> Result<(), EventsError> {
    let filter =
        Filter::new(&mapping.filters).map_err(|source| EventsError::Filter { mapping: mapping.id.clone(), source })?;
    let (aws, invoker, mapping) = (aws.clone(), invoker.clone(), mapping.clone());
    if let EventSource::Sqs(queue) = &mapping.source {
        let origin =
            Origin { arn: crate::aws::queue_arn(queue), shard: String::new(), function: mapping.function.clone() };
        let queue = queue.clone();
        let source = SqsSource { mapping, queue, filter, origin, aws, invoker, clock };
        tasks.spawn(Box::pin(Arc::new(source).run(stopped.clone())));
        return Ok(());
    }
    let source = Arc::new(StreamSource { mapping, filter, aws, tails: tails.clone(), invoker, clock });
    for (number, origin) in source.origins()?.into_iter().enumerate() {
        let position = source.start_position(number, &origin)?;
        tasks.spawn(Box::pin(source.clone().run(number, origin, position, stopped.clone())));
    }
    Ok(())
}

impl Clock {
    /// Pause between two reads of a shard.
    fn poll_pause(self, source: &EventSource) -> Duration {
        match (self, source) {
            (Clock::Aws, EventSource::DynamoDb(_)) => Duration::from_millis(250),
            _ => Duration::from_secs(1),
        }
    }

    /// Longest pause between two looks at a queue that nobody writes to.
    fn queue_pause(self) -> Duration {
        Duration::from_secs(1)
    }

    /// Pause before a batch's first retry, and the longest one.
    fn retry_pauses_ms(self) -> (u64, u64) {
        match self {
            Clock::Snappy => (50, 5_000),
            Clock::Aws => (1_000, 60_000),
        }
    }

    /// Pause after a failed asynchronous invocation.
    fn async_retry_pause(self, attempt: u32) -> Duration {
        let minutes = Duration::from_secs(60 * u64::from(attempt + 1));
        match self {
            Clock::Snappy => minutes / 60,
            Clock::Aws => minutes,
        }
    }
}
