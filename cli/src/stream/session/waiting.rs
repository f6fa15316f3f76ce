//! Waiting: for what is under way, between attempts, and for Ctrl-C meanwhile.

use std::time::Duration;

use anyhow::bail;
use callboard_wire::rest::CallSnapshot;

use super::Loading;

/// Waits for a load under way; forever where none is.
pub(super) async fn load(loading: &mut Option<Loading>) -> anyhow::Result<Option<CallSnapshot>> {
    match loading {
        Some(loading) => loading.await,
        None => std::future::pending().await,
    }
}

/// Waits for something while there is no connection; Ctrl-C ends the program then.
pub(super) async fn or_interrupted<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    tokio::select! {
        done = work => Ok(done),
        _ = tokio::signal::ctrl_c() => bail!("interrupted while there was no connection"),
    }
}

/// 0.2 s, doubling to 5 s.
pub(super) fn backoff(attempts: u32) -> Duration {
    Duration::from_millis(200 << attempts.min(5)).min(Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds() {
        let waits: Vec<_> = [0, 1, 2, 4, 5, 900].map(|attempts| backoff(attempts).as_millis()).into();
        assert_eq!(waits, [200, 400, 800, 3_200, 5_000, 5_000]);
    }
}
