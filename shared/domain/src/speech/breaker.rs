//! When a transcription service that fails is left alone for a while, so that nobody waits for an answer that will
//! not come. A state machine: the time is handed in, in milliseconds of any one clock.

use super::SpeechError;

/// Failures in a row after which the service is left alone…
const FAILURES: u32 = 3;
/// …or one that took this long: a shard does not wait like that three times.
const SLOW_MS: i64 = 5_000;
/// How long it is left alone first; doubled each time that it fails again…
const FIRST_PAUSE_MS: i64 = 10_000;
/// …up to this.
const LONGEST_PAUSE_MS: i64 = 60_000;
/// The service's own word is followed up to this.
const LONGEST_WISH_MS: i64 = 300_000;
/// A probe without an answer for this long got lost: its environment was stopped, or the request was given up.
const LOST_PROBE_MS: i64 = 60_000;

/// See the module. Ask [`Breaker::admits`] before each request, and tell what came of those that were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker(State);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Requests go through.
    Closed { failures: u32 },
    /// None does.
    Open { until_ms: i64, pause_ms: i64, wished: bool },
    /// One is under way, and decides.
    Probing { since_ms: i64, pause_ms: i64 },
}

impl Default for Breaker {
    fn default() -> Self {
        Self(State::Closed { failures: 0 })
    }
}

impl Breaker {
    /// Whether a request may be made now. After a pause one is let through, and the next when that one has succeeded.
    pub fn admits(&mut self, now_ms: i64) -> bool {
        let pause_ms = match self.0 {
            State::Closed { .. } => return true,
            State::Open { until_ms, pause_ms, .. } if now_ms >= until_ms => pause_ms,
            State::Probing { since_ms, pause_ms } if now_ms - since_ms >= LOST_PROBE_MS => pause_ms,
            State::Open { .. } | State::Probing { .. } => return false,
        };
        self.0 = State::Probing { since_ms: now_ms, pause_ms };
        true
    }

    /// Whether nothing failed since the last success.
    pub fn is_well(&self) -> bool {
        self.0 == State::Closed { failures: 0 }
    }

    /// How long from now the service wants to be left alone, where it said so, in milliseconds.
    pub fn wish_ms(&self, now_ms: i64) -> Option<u64> {
        match self.0 {
            State::Open { until_ms, wished: true, .. } => u64::try_from(until_ms - now_ms).ok(),
            _ => None,
        }
    }

    /// A request brought an answer.
    pub fn succeeded(&mut self) {
        match self.0 {
            // One that was under way when the others failed says little.
            State::Open { .. } => {}
            State::Closed { .. } | State::Probing { .. } => *self = Self::default(),
        }
    }

    /// A request that was made at `asked_ms` failed now.
    pub fn failed(&mut self, error: &SpeechError, asked_ms: i64, now_ms: i64) {
        let wish_ms = match error {
            // The service works: it is this utterance that it does not want.
            SpeechError::Refused(_) => return self.succeeded(),
            SpeechError::Busy { retry_after_ms } => *retry_after_ms,
            SpeechError::Unavailable(_) | SpeechError::Unauthorized(_) => None,
        };
        let wish_ms = wish_ms.map(|wish_ms| i64::try_from(wish_ms).unwrap_or(i64::MAX).min(LONGEST_WISH_MS));
        let pause_ms = match (&self.0, wish_ms) {
            (State::Closed { failures }, None) if failures + 1 < FAILURES && now_ms - asked_ms < SLOW_MS => {
                self.0 = State::Closed { failures: failures + 1 };
                return;
            }
            (State::Closed { .. }, _) => FIRST_PAUSE_MS,
            (State::Probing { pause_ms, .. }, None) => (pause_ms * 2).min(LONGEST_PAUSE_MS),
            (State::Probing { pause_ms, .. }, Some(_)) => *pause_ms,
            // Of one that was under way before, too; but the service's own word counts.
            (State::Open { .. }, None) => return,
            (State::Open { pause_ms, .. }, Some(_)) => *pause_ms,
        };
        let until_ms = now_ms + wish_ms.unwrap_or(pause_ms);
        self.0 = State::Open { until_ms, pause_ms, wished: wish_ms.is_some() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens at a time.
    enum Step {
        /// A request is wanted; whether it is let through.
        Ask(i64, bool),
        /// One brought an answer.
        Answer,
        /// One failed.
        Fail(i64, SpeechError),
    }
    use Step::{Answer, Ask, Fail};

    fn down() -> SpeechError {
        SpeechError::Unavailable("HTTP 500".into())
    }

    fn busy(retry_after_ms: Option<u64>) -> SpeechError {
        SpeechError::Busy { retry_after_ms }
    }

    fn check(steps: impl IntoIterator<Item = Step>) {
        let mut breaker = Breaker::default();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Ask(now_ms, expected) => assert_eq!(breaker.admits(now_ms), expected, "step {at}, {breaker:?}"),
                Answer => breaker.succeeded(),
                Fail(now_ms, error) => breaker.failed(&error, now_ms, now_ms),
            }
        }
    }

    #[test]
    fn three_failures_in_a_row_open_it() {
        check([
            Fail(0, down()),
            Fail(1, busy(None)),
            Ask(2, true),
            Answer,
            Fail(3, down()),
            Fail(4, down()),
            Ask(5, true),
        ]);
        let key = SpeechError::Unauthorized("HTTP 401".into());
        check([
            Fail(0, down()),
            Fail(1, busy(None)),
            Fail(2, key),
            Ask(3, false),
            Ask(10_001, false),
            Ask(10_002, true),
        ]);
    }

    #[test]
    fn one_failure_that_took_long_opens_it() {
        for (took_ms, admitted) in [(4_999, true), (5_000, false)] {
            let mut breaker = Breaker::default();
            breaker.failed(&down(), 0, took_ms);
            assert_eq!(breaker.admits(took_ms + 1), admitted, "{took_ms}");
        }
    }

    #[test]
    fn one_probe_goes_through_and_decides() {
        let opened = || [Fail(0, down()), Fail(0, down()), Fail(0, down())];
        check(opened().into_iter().chain([Ask(10_000, true), Ask(10_001, false), Answer, Ask(10_002, true)]));
        // Twice as long each time, up to a minute.
        let mut steps: Vec<Step> = opened().into();
        let mut now_ms = 0;
        for pause_ms in [10_000, 20_000, 40_000, 60_000, 60_000] {
            steps.push(Ask(now_ms + pause_ms - 1, false));
            now_ms += pause_ms;
            steps.extend([Ask(now_ms, true), Ask(now_ms, false), Fail(now_ms, down())]);
        }
        check(steps);
    }

    #[test]
    fn a_probe_that_got_lost_is_followed_by_another() {
        let opened = [Fail(0, down()), Fail(0, down()), Fail(0, down())];
        check(opened.into_iter().chain([Ask(10_000, true), Ask(69_999, false), Ask(70_000, true), Ask(70_001, false)]));
    }

    #[test]
    fn the_services_own_word_opens_it_at_once() {
        check([Fail(0, busy(Some(1_500))), Ask(1_499, false), Ask(1_500, true), Ask(1_501, false)]);
        check([Fail(0, busy(Some(u64::MAX))), Ask(299_999, false), Ask(300_000, true)]);
        let mut breaker = Breaker::default();
        assert_eq!(breaker.wish_ms(0), None);
        breaker.failed(&busy(Some(1_500)), 0, 0);
        assert_eq!(breaker.wish_ms(400), Some(1_100));
        let mut breaker = Breaker::default();
        (0..3).for_each(|at| breaker.failed(&down(), at, at));
        assert_eq!(breaker.wish_ms(3), None, "nobody said how long");
    }

    #[test]
    fn a_refused_utterance_says_that_the_service_works() {
        let refused = || SpeechError::Refused("HTTP 422".into());
        check([Fail(0, refused()), Fail(1, refused()), Fail(2, refused()), Ask(3, true)]);
        check([
            Fail(0, down()),
            Fail(0, down()),
            Fail(0, down()),
            Ask(10_000, true),
            Fail(10_001, refused()),
            Ask(10_002, true),
        ]);
    }

    #[test]
    fn what_was_under_way_when_it_opened_changes_nothing() {
        let opened = [Fail(0, down()), Fail(0, down()), Fail(0, down())];
        check(opened.into_iter().chain([Answer, Ask(1, false), Fail(9_000, down()), Ask(10_000, true)]));
    }
}
