//! What a function's `main.rs` needs: settings, logs, the AWS configuration, the clock, and the Lambda loop.
//!
//! The only place that reads the environment and the time of day.

pub mod cache;
pub mod clock;
#[cfg(feature = "coaching")]
pub mod coaching;
mod errors;
#[cfg(feature = "identity")]
pub mod identity;
pub mod metrics;
#[cfg(feature = "model")]
pub mod model;
mod outlet;
#[cfg(test)]
mod receiver;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(feature = "secrets")]
mod secrets;
pub mod settings;
#[cfg(feature = "speech")]
pub mod speech;
pub mod start;
#[cfg(feature = "traces")]
mod traces;
pub mod watch;

pub use cache::Cache;
pub use clock::{Clock, Stopwatch};
pub use settings::{SettingError, Settings};
pub use start::{Start, run, serve};
pub use watch::Watch;
