//! Wall time for the local services: milliseconds since the epoch, handed in so that a simulation can own it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_smithy_types::date_time::{DateTime, Format};

/// Tells milliseconds since the epoch.
pub type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The machine's clock.
#[allow(clippy::disallowed_methods, reason = "the one place where the local services read real time")]
pub fn system_clock() -> WallClock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// A time as AWS writes it: `2026-11-21T02:35:19.123Z`.
pub(crate) fn iso_time(at_ms: u64) -> String {
    let time = DateTime::from_millis(i64::try_from(at_ms).unwrap_or(i64::MAX));
    let text = time.fmt(Format::DateTime).unwrap_or_default();
    // Milliseconds always, so that the text has one width.
    let seconds = text.split(['.', 'Z']).next().unwrap_or_default();
    format!("{seconds}.{:03}Z", at_ms % 1000)
}

/// A clock as the DynamoDB engine takes it.
pub(crate) struct EngineClock(pub(crate) WallClock);

impl dynoxide::storage_backend::Clock for EngineClock {
    fn now_unix_secs(&self) -> u64 {
        (self.0)() / 1000
    }

    fn now_unix_secs_f64(&self) -> f64 {
        (self.0)() as f64 / 1000.0
    }
}
