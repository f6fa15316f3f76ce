//! An answer that goes on: news as they come, a comment where none do, and an end in good time.

use std::{convert::Infallible, future::Future, time::Duration};

use bytes::Bytes;
use callboard_adapters::ServiceError;
use callboard_runtime::Clock;
use futures_util::{StreamExt, stream};

use crate::{
    Body,
    encode::{BEGIN, NO_LONGER_KNOWN, PING, TIME_IS_OVER},
};

/// A comment is sent when nothing else was for so long, in milliseconds.
const PING_MS: i64 = 15_000;
/// So long before the function is ended, a stream ends by itself, in milliseconds; less where there is little time.
const MARGIN_MS: i64 = 10_000;
/// So often it is asked whether the listener may still listen, in milliseconds.
const ALLOWED_MS: i64 = 60_000;

/// Where news come from.
pub(crate) trait Feed: Send + 'static {
    /// What is new, as events; empty where nothing is. Each time, also when it fails, it says anew when it is due.
    fn news(&mut self) -> impl Future<Output = Result<String, ServiceError>> + Send;
    /// Whether the listener may still listen.
    fn is_allowed(&self) -> impl Future<Output = bool> + Send;
    /// When to ask for news, in milliseconds since the Unix epoch.
    fn due_ms(&self) -> i64;
    /// Whether nothing comes after what was just told.
    fn is_over(&self) -> bool;
}

#[derive(PartialEq)]
enum Phase {
    Begins,
    Runs,
    IsOver,
}

struct Serving<F> {
    feed: F,
    clock: Clock,
    phase: Phase,
    /// When the last text was written.
    written_ms: i64,
    /// When it was asked whether the listener may listen.
    allowed_ms: i64,
    until_ms: i64,
}

/// Serves a feed until it is over or its time is. All work is done when the body is read: whoever reads slowly is told
/// later, and nothing piles up.
pub(crate) fn serve<F: Feed>(feed: F, deadline_ms: i64, clock: &Clock) -> Body {
    let now_ms = clock.now_ms();
    let until_ms = deadline_ms - MARGIN_MS.min((deadline_ms - now_ms).max(0) / 4);
    let (clock, phase) = (clock.clone(), Phase::Begins);
    let serving = Serving { feed, clock, phase, written_ms: now_ms, allowed_ms: now_ms, until_ms };
    let next = |mut serving: Serving<F>| async {
        let text = serving.text().await?;
        serving.written_ms = serving.clock.now_ms();
        Some((Ok::<_, Infallible>(Bytes::from(text)), serving))
    };
    stream::unfold(serving, next).boxed()
}

impl<F: Feed> Serving<F> {
    /// What to write next; none at the end.
    async fn text(&mut self) -> Option<String> {
        match self.phase {
            Phase::IsOver => return None,
            Phase::Begins => {
                self.phase = Phase::Runs;
                return Some(BEGIN.to_owned());
            }
            Phase::Runs => {}
        }
        loop {
            let now_ms = self.clock.now_ms();
            if now_ms >= self.until_ms {
                self.phase = Phase::IsOver;
                return Some(TIME_IS_OVER.to_owned());
            }
            if now_ms >= self.allowed_ms + ALLOWED_MS {
                self.allowed_ms = now_ms;
                if !self.feed.is_allowed().await {
                    self.phase = Phase::IsOver;
                    return Some(NO_LONGER_KNOWN.to_owned());
                }
            }
            if now_ms >= self.feed.due_ms() {
                match self.feed.news().await {
                    Ok(news) if self.feed.is_over() => {
                        self.phase = Phase::IsOver;
                        return Some(news);
                    }
                    Ok(news) if !news.is_empty() => return Some(news),
                    Ok(_) => {}
                    // The next look finds what this one did not.
                    Err(error) => tracing::warn!(error = %error, "a feed could not be read and is tried again"),
                }
            }
            let now_ms = self.clock.now_ms();
            if now_ms >= self.written_ms + PING_MS {
                return Some(PING.to_owned());
            }
            let wake_ms = self.feed.due_ms().min(self.written_ms + PING_MS).min(self.until_ms);
            tokio::time::sleep(Duration::from_millis(u64::try_from(wake_ms - now_ms).unwrap_or_default())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// News at certain times, in milliseconds from the beginning; then the end, or none.
    struct Script {
        news: Vec<(i64, Result<&'static str, ()>)>,
        ends: bool,
        revoked: bool,
    }

    impl Feed for Script {
        async fn news(&mut self) -> Result<String, ServiceError> {
            let reason = "as asked".to_owned();
            let failed = |()| ServiceError::Unavailable { service: "x", operation: "y", reason };
            self.news.remove(0).1.map(str::to_owned).map_err(failed)
        }

        async fn is_allowed(&self) -> bool {
            !self.revoked
        }

        fn due_ms(&self) -> i64 {
            self.news.first().map_or(i64::MAX, |(at_ms, _)| *at_ms)
        }

        fn is_over(&self) -> bool {
            self.ends && self.news.is_empty()
        }
    }

    /// What is written when, in milliseconds from the beginning.
    async fn check(script: Script, deadline_ms: i64, expected: &[(i64, &str)]) {
        // The runtime's own time, which stands still but where everybody waits.
        let begun = tokio::time::sleep(Duration::ZERO).deadline();
        let now_ms = move || i64::try_from(begun.elapsed().as_millis()).unwrap();
        let texts = serve(script, deadline_ms, &Clock::from_fn(now_ms));
        let told: Vec<_> =
            texts.map(|text| (now_ms(), String::from_utf8(text.unwrap().to_vec()).unwrap())).collect().await;
        let told: Vec<_> = told.iter().map(|(at_ms, text)| (*at_ms, text.as_str())).collect();
        assert_eq!(told, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn news_come_when_they_are_due_and_the_feed_ends_with_its_last() {
        let news = vec![(0, Ok("a")), (500, Ok("")), (700, Err(())), (900, Ok("b")), (1_000, Ok("end"))];
        let expected = [(0, BEGIN), (0, "a"), (900, "b"), (1_000, "end")];
        check(Script { news, ends: true, revoked: false }, 900_000, &expected).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_feed_pings_and_ends_before_its_deadline() {
        let news = vec![(20_000, Ok("a"))];
        let expected = [(0, BEGIN), (15_000, PING), (20_000, "a"), (35_000, PING), (40_000, TIME_IS_OVER)];
        check(Script { news, ends: false, revoked: false }, 50_000, &expected).await;
        check(Script { news: Vec::new(), ends: false, revoked: false }, 4_000, &[(0, BEGIN), (3_000, TIME_IS_OVER)])
            .await;
        check(Script { news: Vec::new(), ends: false, revoked: false }, -1, &[(0, BEGIN), (0, TIME_IS_OVER)]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_not_listen_any_more_is_sent_away_within_a_minute() {
        let news = vec![(50_000, Ok("a")), (61_000, Ok("b"))];
        let pings = [(0, BEGIN), (15_000, PING), (30_000, PING), (45_000, PING)];
        let expected = [&pings[..], &[(50_000, "a"), (61_000, NO_LONGER_KNOWN)]].concat();
        check(Script { news, ends: false, revoked: true }, 900_000, &expected).await;
    }
}
