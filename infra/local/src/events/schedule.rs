//! Schedules: a function invoked at a rate, and again after a failure as Lambda does with asynchronous invocations.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};

use super::{Clock, Invoker};
use crate::{
    aws::{ACCOUNT, LocalAws, REGION, iso_time, uuid},
    template::Schedule,
};

/// Lambda's default for asynchronous invocations.
const RETRIES: u32 = 2;

/// Runs a schedule until `stop` says so.
pub(crate) async fn run(
    schedule: Schedule,
    aws: LocalAws,
    invoker: Invoker,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    let every = Duration::from_secs(schedule.every_s.max(1));
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            _ = stop.changed() => return,
            _ = ticks.tick() => {}
        }
        let event = schedule.input.clone().unwrap_or_else(|| default_event(&schedule, &aws));
        for attempt in 0..=RETRIES {
            let Err(error) = invoker.invoke(&schedule.function, event.clone()).await else {
                break;
            };
            tracing::error!(schedule = schedule.id, attempt, %error, "scheduled invocation failed");
            if attempt == RETRIES || *stop.borrow() {
                break;
            }
            tokio::select! {
                biased;
                _ = stop.changed() => return,
                () = sleep(clock.async_retry_pause(attempt)) => {}
            }
        }
    }
}

/// What EventBridge Scheduler sends where the schedule has no input.
fn default_event(schedule: &Schedule, aws: &LocalAws) -> Value {
    json!({
        "version": "0",
        "id": uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": iso_time(aws.now_ms()),
        "region": REGION,
        "resources": [format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{}", schedule.id)],
        "detail": "{}",
    })
}
