//! What has to be done now and then: time to live, retention, and stream records that every mapping has read.

use std::time::Duration;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    aws::{AwsError, LocalAws},
    template::{EventSource, Template},
};

/// Pause between two rounds.
const EVERY: Duration = Duration::from_secs(10);

/// Pause between two sweeps for expired items and objects, at least; AWS takes hours.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// A sweep reads whole tables and folders, so after a long one the pause is this many times as long.
const SWEEP_SHARE: u32 = 200;

/// Goes round until `stop` says so.
pub(crate) async fn run(template: Template, aws: LocalAws, mut stop: watch::Receiver<bool>) {
    let mut next_sweep = Instant::now();
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => return,
            () = sleep(EVERY) => {}
        }
        if let Err(error) = off_the_reactor(|| round(&template, &aws)) {
            tracing::error!(%error, "housekeeping failed");
        }
        let start = Instant::now();
        if start >= next_sweep {
            if let Err(error) = off_the_reactor(|| aws.sweep_expired()) {
                tracing::error!(%error, "what expired was not swept");
            }
            next_sweep = Instant::now() + SWEEP_EVERY.max(start.elapsed() * SWEEP_SHARE);
        }
    }
}

/// A round may take longer than an operation should; other tasks go on meanwhile where there are threads for them.
fn off_the_reactor<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn round(template: &Template, aws: &LocalAws) -> Result<(), AwsError> {
    aws.drop_expired_records()?;
    for table in aws.dynamodb().streamed_tables() {
        let source = EventSource::DynamoDb(table.clone());
        let shard = aws.dynamodb().shard_id(table);
        // Nobody reads: then only age counts.
        let mut acknowledged = None;
        for mapping in template.event_sources.iter().filter(|mapping| mapping.source == source) {
            let position = aws.positions().load(&mapping.id, &shard)?.unwrap_or(0);
            acknowledged = Some(acknowledged.map_or(position, |lowest: u64| lowest.min(position)));
        }
        aws.dynamodb().trim_stream(table, acknowledged.unwrap_or(0))?;
    }
    Ok(())
}
