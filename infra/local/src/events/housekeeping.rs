//! What has to be done now and then: time to live, retention, and stream records that every mapping has read.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::watch,
    time::sleep,
};

use crate::{
    aws::{AwsError, LocalAws},
    template::{EventSource, Template},
};

/// Pause between two rounds.
const EVERY: Duration = Duration::from_secs(10);

/// Goes round until `stop` says so.
pub(crate) async fn run(template: Template, aws: LocalAws, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => return,
            () = sleep(EVERY) => {}
        }
        if let Err(error) = off_the_reactor(|| round(&template, &aws)) {
            tracing::error!(%error, "housekeeping failed");
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
    aws.housekeep()?;
    let tables = template.event_sources.iter().filter_map(|mapping| match &mapping.source {
        EventSource::DynamoDb(table) => Some(table.as_str()),
        _ => None,
    });
    for table in tables.collect::<BTreeSet<_>>() {
        let mut acknowledged = u64::MAX;
        for mapping in &template.event_sources {
            if mapping.source == EventSource::DynamoDb(table.to_owned()) {
                let shard = aws.dynamodb().shard_id(table);
                let position = aws.positions().load(&mapping.id, &shard)?.unwrap_or(0);
                acknowledged = acknowledged.min(position);
            }
        }
        aws.dynamodb().trim_stream(table, acknowledged)?;
    }
    Ok(())
}
