//! One shard of one mapping at work: reads the stream, asks `batching` what to do, invokes, stores the checkpoint.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use super::{
    Clock, EventsError, Invoker,
    batching::{Condition, Settings, Shard, Verdict, Work},
    destination::{self, GivenUp},
    filter::Filter,
    outcome::{self, Outcome},
    records::{self, Origin},
    tail::Tails,
};
use crate::{
    aws::{AwsError, LocalAws},
    template::{EventSource, EventSourceMapping},
};

/// Most records that one read gives, and most bytes.
const READ_RECORDS: usize = 1000;
const READ_BYTES: usize = 10 * 1024 * 1024;

/// What all shards of a mapping share.
pub(crate) struct StreamSource {
    pub(crate) mapping: EventSourceMapping,
    pub(crate) filter: Filter,
    pub(crate) aws: LocalAws,
    /// What the mappings of a stream read of it.
    pub(crate) tails: Arc<Tails>,
    pub(crate) invoker: Invoker,
    pub(crate) clock: Clock,
}

/// What a lane's task ends with.
enum Ended {
    Invoked(Outcome),
    Discarded(bool),
}

impl StreamSource {
    /// ARN and shards of the stream.
    pub(crate) fn origins(&self) -> Result<Vec<Origin>, EventsError> {
        let aws = &self.aws;
        let origin =
            |arn: &str, shard: String| Origin { arn: arn.to_owned(), shard, function: self.mapping.function.clone() };
        match &self.mapping.source {
            EventSource::Kinesis(name) => {
                let stream = aws
                    .kinesis()
                    .stream(name)
                    .ok_or_else(|| AwsError::Missing { kind: "stream", name: name.clone() })?;
                let arn = crate::aws::stream_arn(name);
                Ok((0..stream.shards).map(|shard| origin(&arn, crate::aws::shard_id(shard))).collect())
            }
            EventSource::DynamoDb(table) => {
                let arn = aws.dynamodb().stream_arn(table)?;
                Ok(vec![origin(&arn, aws.dynamodb().shard_id(table))])
            }
            EventSource::Sqs(_) => Ok(Vec::new()),
        }
    }

    /// Where a mapping begins in a shard: where it was, else as its `StartingPosition` says. Stored at once, so that
    /// LATEST is the latest of the first start.
    pub(crate) fn start_position(&self, number: usize, origin: &Origin) -> Result<u64, AwsError> {
        let positions = self.aws.positions();
        if let Some(position) = positions.load(&self.mapping.id, &origin.shard)? {
            return Ok(position);
        }
        let position = match &self.mapping.source {
            _ if self.mapping.from_start => 0,
            EventSource::Kinesis(name) => self.aws.kinesis().last(name, number)?.map_or(0, |(position, _)| position),
            EventSource::DynamoDb(table) => self.aws.dynamodb().last_position(table)?,
            EventSource::Sqs(_) => 0,
        };
        positions.store(&self.mapping.id, &origin.shard, position)?;
        Ok(position)
    }

    /// Works on a shard until `stop` says so; then what is in flight ends, and nothing new begins.
    pub(crate) async fn run(
        self: Arc<Self>,
        number: usize,
        origin: Origin,
        position: u64,
        mut stop: watch::Receiver<bool>,
    ) {
        let changed = self.aws.changes().watch(&self.source_name());
        let origin = Arc::new(origin);
        let mut shard = Shard::new(self.settings(), position);
        let mut stored = position;
        let mut tasks: JoinSet<Ended> = JoinSet::new();
        let mut lanes: HashMap<Id, usize> = HashMap::new();
        let mut next_read = Instant::now();
        loop {
            let stopping = *stop.borrow();
            if stopping && tasks.is_empty() {
                return;
            }
            let mut more = false;
            if !stopping && Instant::now() >= next_read {
                changed.mark_unchanged();
                more = self.read(&mut shard, number, &origin);
                next_read = Instant::now() + self.clock.poll_pause(&self.mapping.source);
            }
            while let Some(work) = (!stopping).then(|| shard.poll(self.aws.now_ms())).flatten() {
                let lane = work.lane;
                let task = Box::pin(self.clone().work(work, origin.clone()));
                lanes.insert(tasks.spawn(task).id(), lane);
            }
            stored = self.store(&origin, stored, shard.checkpoint());
            let room = shard.room() > 0;
            if more && room && self.clock == Clock::Snappy {
                next_read = Instant::now();
                tokio::task::yield_now().await;
                continue;
            }
            let wake = self.next_wake(&shard, next_read);
            tokio::select! {
                biased;
                Some(ended) = tasks.join_next_with_id() => self.ended(&mut shard, &mut lanes, ended),
                _ = stop.changed(), if !stopping => {}
                () = changed.changed(), if self.clock == Clock::Snappy && room && !stopping => {
                    next_read = Instant::now();
                }
                () = sleep_until(wake), if !stopping => {}
            }
        }
    }

    /// Reads on; true if there may be more.
    fn read(&self, shard: &mut Shard, number: usize, origin: &Origin) -> bool {
        let limit = shard.room().min(READ_RECORDS);
        if limit == 0 {
            return false;
        }
        let now_ms = self.aws.now_ms();
        let after = shard.read_to();
        let read = || match &self.mapping.source {
            EventSource::Kinesis(name) => self
                .aws
                .kinesis()
                .read(name, number, after, limit, READ_BYTES)
                .map(|found| found.into_iter().map(|stored| records::kinesis(origin, stored)).collect()),
            EventSource::DynamoDb(table) => self
                .aws
                .dynamodb()
                .read_stream(table, after, limit)
                .map(|found| found.into_iter().map(|entry| records::dynamodb(origin, entry)).collect()),
            EventSource::Sqs(_) => Ok(Vec::new()),
        };
        let read = self.tails.read(&format!("{}/{}", origin.arn, origin.shard), after, limit, read);
        let found = match read {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(mapping = self.mapping.id, shard = origin.shard, %error, "stream could not be read");
                return false;
            }
        };
        let more = !found.is_empty();
        for record in found {
            if self.passes(&record.event) {
                shard.push(record, now_ms);
            } else {
                shard.skip(record.position);
            }
        }
        more
    }

    fn passes(&self, event: &Value) -> bool {
        match &self.mapping.source {
            EventSource::Kinesis(_) if !self.filter.is_empty() => {
                self.filter.passes(&records::kinesis_filter_view(event))
            }
            _ => self.filter.passes(event),
        }
    }

    async fn work(self: Arc<Self>, work: Work, origin: Arc<Origin>) -> Ended {
        match work.discard {
            None => Ended::Invoked(self.invoke(&work, &origin).await),
            Some(condition) => Ended::Discarded(self.discard(&work, &origin, condition).await),
        }
    }

    async fn invoke(&self, work: &Work, origin: &Origin) -> Outcome {
        let events: Vec<Value> = work.records.iter().map(|record| records::addressed(origin, record)).collect();
        let event = Value::Object([("Records".to_owned(), Value::Array(events))].into_iter().collect());
        let answer = self.invoker.invoke(&self.mapping.function, event).await;
        let sequences: Vec<&str> = work.records.iter().map(|record| record.sequence.as_str()).collect();
        let outcome = outcome::of_stream(self.mapping.report_item_failures, &answer, &sequences);
        let records = work.records.len();
        let first = sequences.first().copied().unwrap_or_default();
        let last = sequences.last().copied().unwrap_or_default();
        let mapping = &self.mapping.id;
        let invocations = work.invocations + 1;
        match (outcome, &answer) {
            (Outcome::Success, _) => {
                tracing::debug!(mapping, shard = origin.shard, records, first, last, "batch done");
            }
            (outcome, answer) => {
                let error = answer.as_ref().err().map(ToString::to_string);
                let error = error.unwrap_or_else(|| "the function reported failed records".to_owned());
                tracing::error!(
                    mapping,
                    shard = origin.shard,
                    records,
                    invocations,
                    first,
                    last,
                    ?outcome,
                    error,
                    "batch failed"
                );
            }
        }
        outcome
    }

    async fn discard(&self, work: &Work, origin: &Origin, condition: Condition) -> bool {
        let batch = GivenUp {
            mapping: &self.mapping,
            origin,
            records: &work.records,
            condition,
            invocations: work.invocations,
        };
        let records = work.records.len();
        let first = work.records.first().map(|record| record.sequence.as_str());
        let mapping = &self.mapping.id;
        match destination::deliver(&self.aws, &batch).await {
            Ok(()) => {
                tracing::error!(mapping, shard = origin.shard, records, first, ?condition, "batch given up");
                true
            }
            Err(error) => {
                tracing::error!(
                    mapping, shard = origin.shard, records, first, %error,
                    "the on-failure destination failed; the batch is kept"
                );
                false
            }
        }
    }

    fn ended(&self, shard: &mut Shard, lanes: &mut HashMap<Id, usize>, ended: Result<(Id, Ended), JoinError>) {
        let now_ms = self.aws.now_ms();
        let (id, ended) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                tracing::error!(mapping = self.mapping.id, %error, "an invocation broke off");
                (error.id(), Ended::Invoked(Outcome::Failed))
            }
        };
        let Some(lane) = lanes.remove(&id) else {
            return;
        };
        let verdict = match ended {
            Ended::Invoked(outcome) => shard.invoked(lane, outcome, now_ms),
            Ended::Discarded(taken) => shard.discarded(lane, taken, now_ms),
        };
        if verdict != Verdict::Done {
            tracing::debug!(mapping = self.mapping.id, lane, ?verdict, "batch not done");
        }
    }

    fn store(&self, origin: &Origin, stored: u64, checkpoint: u64) -> u64 {
        if checkpoint == stored {
            return stored;
        }
        match self.aws.positions().store(&self.mapping.id, &origin.shard, checkpoint) {
            Ok(()) => checkpoint,
            Err(error) => {
                // Tried again with the next change; until then a restart repeats more.
                tracing::error!(mapping = self.mapping.id, %error, "position could not be stored");
                stored
            }
        }
    }

    fn next_wake(&self, shard: &Shard, next_read: Instant) -> Instant {
        let now_ms = self.aws.now_ms();
        let due = shard.next_wake_ms().map(|at_ms| {
            // At least a millisecond, as clocks of different kinds round differently.
            Instant::now() + Duration::from_millis(at_ms.saturating_sub(now_ms).max(1))
        });
        let read = (shard.room() > 0).then_some(next_read);
        let far = Instant::now() + Duration::from_secs(60);
        [due, read].into_iter().flatten().min().unwrap_or(far)
    }

    /// The name under which writes to the source are announced.
    fn source_name(&self) -> String {
        match &self.mapping.source {
            EventSource::Kinesis(name) => format!("kinesis/{name}"),
            EventSource::DynamoDb(name) => format!("dynamodb/{name}"),
            EventSource::Sqs(name) => format!("sqs/{name}"),
        }
    }

    fn settings(&self) -> Settings {
        let mapping = &self.mapping;
        let retention_s = match &mapping.source {
            EventSource::Kinesis(name) => {
                self.aws.kinesis().stream(name).map_or(24, |stream| stream.retention_hours) * 3600
            }
            _ => 24 * 3600,
        };
        let (first_pause_ms, longest_pause_ms) = self.clock.retry_pauses_ms();
        Settings {
            batch_size: mapping.batch_size.max(1),
            window_ms: mapping.window_s * 1000,
            lanes: mapping.parallelization.max(1),
            retries: mapping.retries,
            max_age_ms: Some(mapping.max_age_s.unwrap_or(retention_s).min(retention_s) * 1000),
            bisect: mapping.bisect,
            first_pause_ms,
            longest_pause_ms,
        }
    }
}
