//! Requests to a service about one utterance, or a whole recording: tries again within the time that the caller gives, and writes the log line.
//!
//! Which answers are worth another try is the provider's knowledge; what the words mean is not known here.

use std::time::Duration;

use bytes::Bytes;
use callboard_domain::speech::{Recognized, SpeechError};
use reqwest::{RequestBuilder, StatusCode};
use tokio::time::{Instant, sleep, timeout_at};

use super::failure::passing;
use crate::http::{
    self, Unread,
    failure::{Rejection, retry_after},
};

/// How often an answer or a broken connection may be followed by another try.
pub(super) const MOST_RETRIES: u32 = 2;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Far above any transcript of two minutes; whatever is larger is no answer.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// The exchange with a service about one utterance. `finish` ends it.
pub(super) struct Exchange {
    provider: &'static str,
    audio_ms: u64,
    budget: Duration,
    started: Instant,
    largest_body: usize,
    attempts: u32,
    status: Option<u16>,
}

/// Why one try gave nothing, whether it may be followed by another, and when.
struct Miss {
    error: SpeechError,
    retries: u32,
    wait: Option<Duration>,
}

impl Exchange {
    /// Starts the clock: everything until `finish` has to fit into the budget.
    pub(super) fn start(provider: &'static str, audio_ms: u64, budget: Duration) -> Self {
        let started = Instant::now();
        Self { provider, audio_ms, budget, started, largest_body: LARGEST_BODY, attempts: 0, status: None }
    }

    /// The same about a whole recording, whose answers may be so large.
    pub(super) fn about_recording(provider: &'static str, budget: Duration, largest_body: usize) -> Self {
        Self { largest_body, ..Self::start(provider, 0, budget) }
    }

    /// Sends the request until an answer is final: the body of a success, or a rejection. `retries` tells how often
    /// another try may follow an answer of this status; none makes it final.
    pub(super) async fn send(
        &mut self,
        request: impl Fn() -> RequestBuilder,
        retries: impl Fn(StatusCode) -> u32,
    ) -> Result<Result<Bytes, Rejection>, SpeechError> {
        let deadline = self.started + self.budget;
        let mut retried = 0;
        loop {
            self.attempts += 1;
            self.status = None;
            let Ok(attempt) = timeout_at(deadline, self.attempt(request(), &retries)).await else {
                let budget_ms = self.budget.as_millis();
                return Err(SpeechError::Unavailable(format!("no answer within {budget_ms} ms")));
            };
            let miss = match attempt {
                Ok(answer) => return Ok(answer),
                Err(miss) => miss,
            };
            let pause = miss.wait.unwrap_or_else(|| backoff(retried));
            let left = deadline.saturating_duration_since(Instant::now());
            if retried >= miss.retries || pause >= left {
                return Err(miss.error);
            }
            tracing::debug!(
                asr.provider = self.provider,
                asr.status = self.status,
                asr.pause_ms = pause.as_millis() as u64,
                error = %miss.error,
                "asking the transcription service again"
            );
            retried += 1;
            sleep(pause).await;
        }
    }

    async fn attempt(
        &mut self,
        request: RequestBuilder,
        retries: &impl Fn(StatusCode) -> u32,
    ) -> Result<Result<Bytes, Rejection>, Miss> {
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        self.status = Some(status.as_u16());
        let retries = retries(status);
        if !status.is_success() && retries > 0 {
            let wait = retry_after(response.headers());
            return Err(Miss { error: passing(status, wait), retries, wait });
        }
        let body = http::read(response, self.largest_body).await.map_err(|unread| match unread {
            Unread::Broken(error) => broken(error),
            Unread::TooLarge => {
                let error = SpeechError::Unavailable("the answer is too large".into());
                Miss { error, retries: 0, wait: None }
            }
        })?;
        Ok(if status.is_success() { Ok(body) } else { Err(Rejection { status, body }) })
    }

    /// Logs how it went, never what was said.
    pub(super) fn finish(self, result: Result<Recognized, SpeechError>) -> Result<Recognized, SpeechError> {
        let duration_ms = self.started.elapsed().as_millis() as u64;
        match &result {
            Ok(recognized) => tracing::info!(
                asr.provider = self.provider,
                asr.status = self.status,
                asr.duration_ms = duration_ms,
                asr.audio_ms = self.audio_ms,
                asr.real_time_factor = duration_ms as f64 / self.audio_ms.max(1) as f64,
                asr.attempts = self.attempts,
                asr.words = recognized.words.len(),
                "utterance transcribed"
            ),
            Err(error) => tracing::warn!(
                asr.provider = self.provider,
                asr.status = self.status,
                asr.duration_ms = duration_ms,
                asr.audio_ms = self.audio_ms,
                asr.attempts = self.attempts,
                asr.errors = 1_u64,
                %error,
                "utterance not transcribed"
            ),
        }
        result
    }
}

impl Exchange {
    /// Logs how a request about a whole recording went.
    pub(super) fn finish_request<T>(
        self,
        request: &'static str,
        result: Result<T, SpeechError>,
    ) -> Result<T, SpeechError> {
        let duration_ms = self.started.elapsed().as_millis() as u64;
        let error = result.as_ref().err().map(tracing::field::display);
        tracing::info!(
            asr.provider = self.provider,
            asr.request = request,
            asr.status = self.status,
            asr.duration_ms = duration_ms,
            asr.attempts = self.attempts,
            error,
            "transcription service asked about a recording"
        );
        result
    }
}

/// 50 to 150 % of a pause that doubles each time, so that many callers do not come back at once.
fn backoff(retried: u32) -> Duration {
    (FIRST_PAUSE * 2u32.saturating_pow(retried)).mul_f64(0.5 + fastrand::f64())
}

/// A request or answer that broke on its way.
fn broken(error: reqwest::Error) -> Miss {
    Miss { error: SpeechError::Unavailable(http::told(error)), retries: MOST_RETRIES, wait: None }
}
