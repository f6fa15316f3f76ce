//! Asking again what may pass: how often, after how long, and what never passes.

use std::time::Duration;

use reqwest::{Response, StatusCode, header::RETRY_AFTER};

use crate::{socket::body_message, stack::Stack};

/// Longest wait that a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Why something was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It may pass: ask again, after this time if one was stated.
    Passing(String, Option<Duration>),
    /// The address is no longer good: ask for another.
    Expired(String),
    /// What was handed in cannot be used.
    Unusable(String),
    /// It stays.
    Final(String),
}

impl Failure {
    /// Why, in words for a person.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Passing(reason, _) | Self::Expired(reason) | Self::Unusable(reason) | Self::Final(reason) => reason,
        }
    }
}

/// How often and how soon something is tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries {
    /// How often in all.
    pub most: u32,
    /// Pause before the second; doubled each time.
    pub first: Duration,
    /// Longest pause.
    pub longest: Duration,
}

impl Default for Tries {
    /// About four minutes, in which a stack is started anew or a network comes back.
    fn default() -> Self {
        Self { most: 12, first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl Tries {
    /// The pause behind a failed try, counted from 1, before chance has its part.
    pub(crate) fn pause(&self, tried: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(tried.saturating_sub(1))).min(self.longest)
    }

    /// Asks until there is an answer, or a failure that does not pass, or it was tried often enough.
    ///
    /// # Errors
    /// The last failure.
    pub(crate) async fn ask<T>(&self, mut ask: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let mut tried = 0;
        loop {
            tried += 1;
            let (reason, stated) = match ask().await {
                Err(Failure::Passing(reason, stated)) if tried < self.most => (reason, stated),
                done => return done,
            };
            // Those that failed together shall not come back together.
            let pause = self.pause(tried).mul_f64(0.5 + 0.5 * rand::random::<f64>()).max(stated.unwrap_or_default());
            tracing::info!(retry.tried = tried, retry.pause_ms = pause.as_millis() as u64, reason, "asking again");
            tokio::time::sleep(pause).await;
        }
    }
}

/// No answer came.
pub(crate) fn unanswered(error: &reqwest::Error, stack: &Stack) -> Failure {
    let address = stack.address();
    let reason = match error {
        error if error.is_connect() => format!("no stack answers at {address}: start one, or check --url"),
        error if error.is_timeout() => format!("{address} does not answer in time"),
        _ => format!("{address} broke off"),
    };
    Failure::Passing(reason, None)
}

/// The stack's answer is none to go on with.
pub(crate) async fn refused(response: Response, stack: &Stack) -> Failure {
    let (status, wait) = (response.status(), wait(&response));
    let body = response.bytes().await.unwrap_or_default();
    let said = body_message(&body).unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason told").to_owned());
    judge(status, &said, wait, stack.address(), stack.token().is_some())
}

/// How long the answer asks to wait.
pub(crate) fn wait(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_ASKED))
}

fn judge(status: StatusCode, said: &str, wait: Option<Duration>, address: &str, has_token: bool) -> Failure {
    const TOKEN: &str = "name a valid one with --token or CALLBOARD_TOKEN; that of a local stack is found by itself";
    let status = status.as_u16();
    match status {
        401 | 403 if !has_token => {
            Failure::Final(format!("no token is known for {address} ({status} {said}): {TOKEN}"))
        }
        401 => Failure::Final(format!("{address} does not accept this token ({said}): {TOKEN}")),
        403 => Failure::Final(format!("{address} does not let this token do that ({said}): use another")),
        404 => Failure::Final(format!("{address} takes no recordings: update it, or check --url")),
        409 => Failure::Unusable(format!(
            "it is another call than before, or with other options ({said}): name the same options, or --again for a new call"
        )),
        400 | 422 => Failure::Unusable(format!("{address} refuses this: {said}")),
        408 | 425 | 429 | 500.. => {
            Failure::Passing(format!("{address} cannot answer just now ({status} {said})"), wait)
        }
        _ => Failure::Final(format!("{address} refuses this ({status}): {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let tries = Tries { most: 9, first: Duration::from_secs(1), longest: Duration::from_secs(5) };
        assert_eq!([1, 2, 3, 4, 99].map(|tried| tries.pause(tried).as_secs()), [1, 2, 4, 5, 5]);
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        let check = |status: u16, has_token, expected: fn(&Failure) -> bool, words: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = judge(status, "said", None, "http://x", has_token);
            assert!(expected(&failure) && failure.reason().contains(words), "{status}: {failure:?}");
        };
        let is_passing = |failure: &Failure| matches!(failure, Failure::Passing(..));
        let is_final = |failure: &Failure| matches!(failure, Failure::Final(_));
        for status in [408, 429, 500, 502, 503, 504] {
            check(status, true, is_passing, "cannot answer just now");
        }
        for (status, words) in [(400, "refuses this: said"), (409, "--again"), (422, "refuses this: said")] {
            check(status, true, |failure| matches!(failure, Failure::Unusable(_)), words);
        }
        for (status, has_token, words) in [
            (401, true, "does not accept this token (said)"),
            (401, false, "no token is known"),
            (403, true, "does not let this token do that (said)"),
            (404, true, "takes no recordings"),
            (410, true, "refuses this (410): said"),
        ] {
            check(status, has_token, is_final, words);
        }
    }

    #[tokio::test]
    async fn it_is_asked_again_for_as_long_as_that_helps() {
        let tries = Tries { most: 4, first: Duration::from_millis(1), longest: Duration::from_millis(1) };
        let passing = || Err(Failure::Passing("busy".into(), None));
        let lasting = || Err(Failure::Final("no".into()));
        for (answers, expected, asked) in [
            (vec![passing(), passing(), Ok(7)], Ok(7), 3),
            (vec![passing(), lasting(), Ok(7)], lasting(), 2),
            (vec![passing(), passing(), passing(), passing(), Ok(7)], passing(), 4),
        ] {
            let mut left = answers.clone().into_iter();
            assert_eq!(tries.ask(async || left.next().unwrap()).await, expected);
            assert_eq!(answers.len() - left.len(), asked);
        }
    }
}
