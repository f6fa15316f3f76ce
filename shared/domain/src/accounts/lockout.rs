//! When somebody who failed to log in may try again.
//!
//! Counted by address, known or not, so that the wait says nothing of who has an account. Every try counts as failed from
//! its beginning, and success forgets all: tries that run at once cannot get round the count.

use serde::{Deserialize, Serialize};

/// So many failures in a row cost nothing but themselves.
pub const FREE_FAILURES: u32 = 5;
/// The wait after the last of them, in milliseconds; doubled with each failure after it.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest wait, in milliseconds.
pub const LONGEST_WAIT_MS: i64 = 15 * 60_000;
/// After so long without a try, failures are forgotten, in milliseconds.
pub const FORGET_MS: i64 = 24 * 3_600_000;

/// Tries of one address that did not succeed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// How many in a row.
    pub failures: u32,
    /// When the last of them was.
    pub last_ms: i64,
}

impl Attempts {
    /// How long to wait for the next try, in milliseconds; 0 when it may be made now.
    pub fn wait_ms(self, now_ms: i64) -> i64 {
        let Some(beyond) = self.failures.checked_sub(FREE_FAILURES) else { return 0 };
        let wait_ms = FIRST_WAIT_MS.checked_shl(beyond.min(32)).unwrap_or(LONGEST_WAIT_MS).min(LONGEST_WAIT_MS);
        (self.last_ms + wait_ms - now_ms).clamp(0, wait_ms)
    }

    /// The same with a try that begins now.
    #[must_use]
    pub fn tried(self, now_ms: i64) -> Self {
        let is_old = now_ms - self.last_ms > FORGET_MS;
        let failures = if is_old { 0 } else { self.failures };
        Self { failures: failures.saturating_add(1), last_ms: now_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_the_fifth_failure_on() {
        for (failures, expected_ms) in [
            (0, 0),
            (4, 0),
            (5, 1_000),
            (6, 2_000),
            (7, 4_000),
            (14, 512_000),
            (15, LONGEST_WAIT_MS),
            (60, LONGEST_WAIT_MS),
            (u32::MAX, LONGEST_WAIT_MS),
        ] {
            assert_eq!(Attempts { failures, last_ms: 50 }.wait_ms(50), expected_ms, "{failures}");
        }
    }

    #[test]
    fn a_wait_ends_and_failures_are_forgotten() {
        let attempts = Attempts { failures: 6, last_ms: 10_000 };
        for (now_ms, expected_ms) in [(10_000, 2_000), (11_500, 500), (12_000, 0), (99_000, 0), (9_000, 2_000)] {
            assert_eq!(attempts.wait_ms(now_ms), expected_ms, "{now_ms}");
        }
        for (now_ms, expected) in [(12_000, 7), (10_000 + FORGET_MS, 7), (10_001 + FORGET_MS, 1)] {
            assert_eq!(attempts.tried(now_ms), Attempts { failures: expected, last_ms: now_ms });
        }
        assert_eq!(Attempts::default().tried(5).failures, 1);
    }
}
