//! The time of day, as a value that is handed in: a simulation hands in its own.

use std::sync::Arc;

use callboard_domain::CallId;

/// Tells the time of day.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn system() -> Self {
        Self::from_fn(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// A clock of one's own: milliseconds since the Unix epoch.
    pub fn from_fn(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// Now, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        (self.0)()
    }

    /// A fresh call id of this time.
    pub fn call_id(&self) -> CallId {
        let time = u64::try_from(self.now_ms()).unwrap_or_default();
        let random = ulid::Ulid::generate().random();
        let id = ulid::Ulid::from_parts(time, random).to_string();
        CallId::parse(&id).unwrap_or_else(|_| unreachable!("a ULID is a call id"))
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
/// Measures how long something takes: for figures, and never for what is decided.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts one.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long ago that was.
    pub fn elapsed(self) -> std::time::Duration {
        self.0.elapsed()
    }
}
