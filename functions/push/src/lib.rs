//! Push: what changed about a call goes to whoever watches it.
//!
//! A message may arrive late, twice or out of order; dashboards bear that. It must not be lost to a fault that a
//! retry mends, so such a record is reported as failed.

use std::collections::HashMap;

use aws_lambda_events::{
    dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use callboard_adapters::{
    ServiceError,
    connections::Connections,
    gateway::{Gateway, Posted},
    table::Table,
};
use callboard_runtime::{
    Clock, SettingError, Start,
    watch::{call_span, note_stream_age},
};
use callboard_wire::{
    items::{Change, ItemReader, call_pk, calls_pk, change_of},
    messages::ServerMessage,
};
use futures_util::future::join_all;
use serde::Deserialize;
use tracing::Instrument as _;

/// What the function needs.
#[derive(Debug)]
pub struct Context {
    /// Who watches what.
    pub connections: Connections,
    /// Where messages go.
    pub gateway: Gateway,
    /// The time of day.
    pub clock: Clock,
}

impl Context {
    /// Reads `SOCKETS_TABLE` and `SOCKET_ENDPOINT`.
    pub fn start(start: &Start) -> Result<Self, SettingError> {
        let client = aws_sdk_dynamodb::Client::new(&start.sdk);
        let management = aws_sdk_apigatewaymanagement::config::Builder::from(&start.sdk);
        Ok(Self {
            connections: Connections::new(Table::new(client, start.settings.required("SOCKETS_TABLE")?)),
            gateway: Gateway::new(&management, &start.settings.address("SOCKET_ENDPOINT")?),
            clock: start.clock.clone(),
        })
    }
}

/// Why a record was not pushed.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    // What exactly does not fit is not told: the words might be spoken ones.
    #[error("the item is not what this version expects")]
    Item(#[from] serde_dynamo::Error),
}

struct Image<'a>(&'a EventRecord);

impl ItemReader<serde_dynamo::Error> for Image<'_> {
    fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_dynamo::Error> {
        serde_dynamo::from_item(self.0.change.new_image.clone())
    }
}

/// Pushes a batch of changes, in order. Those that could not be pushed are reported as failed.
///
/// # Errors
/// None: failures are reported record by record.
pub async fn handle(event: Event, context: &Context) -> Result<DynamoDbEventResponse, ServiceError> {
    let made = event.records.iter().map(|it| it.change.approximate_creation_date_time.timestamp_millis());
    note_stream_age(made.min(), context.clock.now_ms());
    let mut watchers = HashMap::new();
    let mut response = DynamoDbEventResponse::default();
    for record in &event.records {
        if let Err(error) = push(record, &mut watchers, context).await {
            tracing::error!(error = %error, record.id = %record.event_id, "change not pushed");
            // The lowest is what counts: all from there on comes again. What is behind it is tried all the same, lest a
            // record that always fails takes its neighbours along.
            if response.batch_item_failures.is_empty() {
                let mut failure = DynamoDbBatchItemFailure::default();
                failure.item_identifier = record.change.sequence_number.clone();
                response.batch_item_failures.push(failure);
            }
        }
    }
    Ok(response)
}

async fn push(
    record: &EventRecord,
    watchers: &mut HashMap<String, Vec<String>>,
    context: &Context,
) -> Result<(), PushError> {
    let Some(change) = change(record)? else { return Ok(()) };
    let span = call_span(&change.org, &change.call, change.trace.as_deref());
    Box::pin(tell(change, watchers, context)).instrument(span).await
}

/// Tells those who watch the call or its organization's calls.
async fn tell(change: Change, watchers: &mut HashMap<String, Vec<String>>, context: &Context) -> Result<(), PushError> {
    let mut connections = Vec::new();
    let targets = [call_pk(&change.org, &change.call), calls_pk(&change.org)];
    for target in &targets {
        if !watchers.contains_key(target) {
            watchers.insert(target.clone(), context.connections.watchers(target).await?);
        }
        connections.extend(watchers[target].iter().cloned());
    }
    connections.sort_unstable();
    connections.dedup();
    let message = change.message.told_at(context.clock.now_ms());
    let posted = join_all(connections.iter().map(|connection| context.gateway.post(connection, &message))).await;
    if let ServerMessage::Segment(segment) = &message
        && segment.is_final
        && !connections.is_empty()
    {
        let pushed_ms = context.clock.now_ms() - segment.times.stored;
        tracing::info!(delay.pushed_ms = pushed_ms, "segment pushed");
    }
    let mut gone = 0_u64;
    for (connection, posted) in connections.iter().zip(posted) {
        let posted = posted?;
        if posted == Posted::Refused {
            // A dashboard that cannot keep up is better off coming back and loading the call.
            tracing::warn!("a connection takes nothing more and is closed");
            context.gateway.disconnect(connection).await?;
        }
        if posted != Posted::Sent {
            gone += 1;
            for target in &targets {
                context.connections.unwatch(connection, target).await?;
            }
            context.connections.close(connection).await?;
            watchers.values_mut().for_each(|known| known.retain(|other| other != connection));
        }
    }
    if gone > 0 {
        tracing::info!(sockets.gone = gone, "connections that are gone are forgotten");
    }
    Ok(())
}

fn change(record: &EventRecord) -> Result<Option<Change>, serde_dynamo::Error> {
    #[derive(Deserialize)]
    struct Key {
        sk: String,
    }
    let key: Key = serde_dynamo::from_item(record.change.keys.clone())?;
    change_of(&key.sk, Image(record))
}

#[cfg(test)]
mod tests {
    use callboard_wire::messages::ServerMessage;

    use super::*;

    #[test]
    fn the_sample_event_is_a_segment_for_its_watchers() {
        let event: Event = serde_json::from_str(include_str!("../../../events/push.json")).unwrap();
        let change = change(&event.records[0]).unwrap().unwrap();
        assert_eq!(change.org.as_str(), "acme");
        let ServerMessage::Segment(segment) = change.message.told_at(5) else { panic!("no segment") };
        assert_eq!((segment.start_ms, segment.is_final, segment.times.pushed), (1_040, true, Some(5)));
    }
}
