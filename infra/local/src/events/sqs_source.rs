//! A queue's mapping at work: receives, invokes, deletes what was handled. What failed comes again when its
//! visibility timeout is over, as at AWS.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    Clock, Invoker,
    filter::Filter,
    outcome,
    records::{self, Origin},
};
use crate::{
    aws::{AwsError, LocalAws, queue::Message, system_attributes},
    template::EventSourceMapping,
};

/// Batches in flight; Lambda begins with five pollers a queue.
const CONCURRENT: usize = 5;

/// A queue and its function.
pub(crate) struct SqsSource {
    pub(crate) mapping: EventSourceMapping,
    pub(crate) queue: String,
    pub(crate) filter: Filter,
    pub(crate) origin: Origin,
    pub(crate) aws: LocalAws,
    pub(crate) invoker: Invoker,
    pub(crate) clock: Clock,
}

impl SqsSource {
    /// Works on the queue until `stop` says so.
    pub(crate) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let changed = self.aws.changes().watch(&format!("sqs/{}", self.queue));
        let mut tasks: JoinSet<()> = JoinSet::new();
        loop {
            let stopping = *stop.borrow();
            if stopping && tasks.is_empty() {
                return;
            }
            changed.mark_unchanged();
            let mut pause = self.pause();
            if !stopping && tasks.len() < CONCURRENT {
                match self.receive(&mut stop).await {
                    Ok(messages) if messages.is_empty() => {}
                    Ok(messages) => {
                        tasks.spawn(Box::pin(self.clone().handle(messages)));
                        continue;
                    }
                    Err(error) => {
                        tracing::error!(mapping = self.mapping.id, %error, "queue could not be read");
                        pause = Duration::from_secs(1);
                    }
                }
            }
            let free = tasks.len() < CONCURRENT && !stopping;
            tokio::select! {
                biased;
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(mapping = self.mapping.id, %error, "an invocation broke off");
                    }
                }
                _ = stop.changed(), if !stopping => {}
                () = changed.changed(), if free => {}
                () = sleep(pause), if free => {}
            }
        }
    }

    /// A batch: what is there, and with a window what comes until it is over.
    async fn receive(&self, stop: &mut watch::Receiver<bool>) -> Result<Vec<Message>, AwsError> {
        let size = self.mapping.batch_size.max(1);
        let mut messages = self.aws.sqs().receive(&self.queue, size, None)?;
        if messages.is_empty() || self.mapping.window_s == 0 {
            return Ok(messages);
        }
        let end_ms = self.aws.now_ms() + self.mapping.window_s * 1000;
        while messages.len() < size && self.aws.now_ms() < end_ms && !*stop.borrow() {
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                () = sleep(Duration::from_millis(100)) => {}
            }
            messages.extend(self.aws.sqs().receive(&self.queue, size - messages.len(), None)?);
        }
        Ok(messages)
    }

    async fn handle(self: Arc<Self>, messages: Vec<Message>) {
        let events = messages.iter().map(|message| {
            let event = records::sqs(&self.origin, message, system_attributes(message));
            let passes = self.filter.is_empty() || self.filter.passes(&records::sqs_filter_view(&event));
            (message, event, passes)
        });
        let (passing, dropped): (Vec<_>, Vec<_>) = events.partition(|(_, _, passes)| *passes);
        dropped.iter().for_each(|(message, _, _)| self.delete(message));
        if passing.is_empty() {
            return;
        }
        let (passing, events): (Vec<&Message>, Vec<Value>) =
            passing.into_iter().map(|(message, event, _)| (message, event)).unzip();
        let answer = self.invoker.invoke(&self.mapping.function, json!({"Records": events})).await;
        let ids: Vec<&str> = passing.iter().map(|message| message.id.as_str()).collect();
        let failed = outcome::of_queue(self.mapping.report_item_failures, &answer, &ids);
        let count = failed.as_ref().map_or(ids.len(), Vec::len);
        if count > 0 {
            let error = answer.err().map(|error| error.to_string());
            tracing::error!(
                mapping = self.mapping.id,
                records = ids.len(),
                failed = count,
                first = ids.first(),
                error,
                "batch failed"
            );
        }
        let Some(failed) = failed else {
            return;
        };
        for (index, message) in passing.iter().enumerate() {
            if !failed.contains(&index) {
                self.delete(message);
            }
        }
    }

    fn delete(&self, message: &Message) {
        let deleted = self.aws.sqs().with(&self.queue, |queue, now_ms| queue.delete(&message.receipt(), now_ms));
        match deleted {
            Ok(Ok(())) => {}
            // The function took longer than the visibility timeout: the message comes again.
            Ok(Err(error)) => tracing::error!(mapping = self.mapping.id, %error, "message not deleted"),
            Err(error) => tracing::error!(mapping = self.mapping.id, %error, "message not deleted"),
        }
    }

    /// Until the next hidden message shows itself, but no longer than a poll.
    fn pause(&self) -> Duration {
        let longest = self.clock.queue_pause();
        let next = self.aws.sqs().with(&self.queue, |queue, now_ms| {
            queue.next_visible_ms(now_ms).map(|at_ms| Duration::from_millis((at_ms - now_ms).max(1)))
        });
        next.ok().flatten().map_or(longest, |pause| pause.min(longest))
    }
}
