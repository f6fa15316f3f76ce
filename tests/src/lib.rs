//! What the end-to-end tests share: recordings, a scripted speech service, a scripted language model, an issuer of tokens,
//! the program as a process, the stack in this process with its people, clients for both, a dashboard that does no more
//! than its protocol asks for, and what must hold of any bytes at all.
//!
//! Nothing here asserts what Callboard does, `fuzz` apart; that stands in the tests. A helper panics when it cannot go
//! on, and says what it waited for and what came instead.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on ends here, and nothing else is in this crate"
)]

pub mod audio;
pub mod binary;
pub mod cut;
pub mod dashboard;
pub mod events;
pub mod fuzz;
pub mod issuer;
pub mod model;
pub mod people;
pub mod process;
pub mod rest;
pub mod socket;
pub mod speech;
pub mod stack;
pub mod template;
pub mod wiring;

use std::{path::PathBuf, time::Duration};

/// Longer than anything here takes, on a busy machine; who waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The project's folder.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A fresh call id.
pub fn new_call() -> String {
    ulid::Ulid::generate().to_string()
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When none came in time; `what` says what was waited for.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, ask).await
}

/// The same of what may take longer.
///
/// # Panics
/// As before.
pub async fn until_within<T>(patience: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(patience, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited {patience:?} for {what}"),
    }
}
