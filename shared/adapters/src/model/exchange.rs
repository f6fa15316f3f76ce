//! One request's exchange with a language model: one second try where nothing had been sent, the limit of an answer's
//! size, and the log line. What the words mean is not known here.

use std::time::Duration;

use bytes::Bytes;
use callboard_domain::model::{ModelAnswer, ModelError, ModelFailure, ModelRequest, Usage};
use reqwest::{RequestBuilder, Response};
use tokio::time::{Instant, error::Elapsed, sleep};

use super::{LARGEST_ANSWER, Provider, answer};
use crate::http::{
    self, Unread,
    failure::{Rejection, milliseconds, retry_after},
};

/// Before the second try of a connection that failed: a service that is just starting has it open by then.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// The exchange about one request. `finish` ends it.
pub(super) struct Exchange {
    provider: Provider,
    name: String,
    started: Instant,
    attempts: u32,
    status: Option<u16>,
    rejection: Option<String>,
}

/// An answer without success.
pub(super) struct Refusal {
    /// Its status and body.
    pub(super) rejection: Rejection,
    /// When the service wants to be asked again, in milliseconds.
    pub(super) retry_after_ms: Option<u64>,
}

impl Exchange {
    /// Starts the clock.
    pub(super) fn start(provider: Provider, request: &ModelRequest<'_>) -> Self {
        Self {
            provider,
            name: request.name.to_owned(),
            started: Instant::now(),
            attempts: 0,
            status: None,
            rejection: None,
        }
    }

    /// Notes that something is about to be sent.
    pub(super) fn attempt(&mut self) {
        self.attempts += 1;
        self.status = None;
    }

    /// Notes the status of what came back.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// Notes what may be told of an answer without success, for the log: not every error has words of its own.
    pub(super) fn rejected(&mut self, told: &str) {
        self.rejection = Some(told.to_owned());
    }

    /// Sends the request, once more when no connection came about: the body of a success, or a refusal.
    pub(super) async fn send(
        &mut self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Result<Bytes, Refusal>, ModelError> {
        self.attempt();
        let sent = match request().send().await {
            Err(error) if error.is_connect() => {
                sleep(PAUSE).await;
                self.attempt();
                request().send().await
            }
            sent => sent,
        };
        self.read(sent.map_err(broken)?).await
    }

    async fn read(&mut self, response: Response) -> Result<Result<Bytes, Refusal>, ModelError> {
        let status = response.status();
        self.answered(status.as_u16());
        let retry_after_ms = retry_after(response.headers()).map(milliseconds);
        match http::read(response, LARGEST_ANSWER).await {
            Ok(body) if status.is_success() => Ok(Ok(body)),
            Err(Unread::Broken(error)) if status.is_success() => Err(broken(error)),
            Err(Unread::TooLarge) if status.is_success() => Err(answer::too_large()),
            // The status says enough, whatever became of the body.
            body => {
                let rejection = Rejection { status, body: body.unwrap_or_default() };
                Ok(Err(Refusal { rejection, retry_after_ms }))
            }
        }
    }

    /// Logs how it went, never what was said. An exchange that took longer than it may is one without an answer.
    pub(super) fn finish(
        self,
        result: Result<Result<ModelAnswer, ModelFailure>, Elapsed>,
    ) -> Result<ModelAnswer, ModelFailure> {
        let duration_ms = self.started.elapsed().as_millis() as u64;
        let result = result.unwrap_or_else(|_| Err(ModelError::TimedOut.into()));
        let usage = match &result {
            Ok(answer) => answer.usage,
            Err(failure) => failure.usage,
        };
        let Usage { input_tokens, output_tokens } = usage;
        match &result {
            Ok(_) => tracing::info!(
                model.provider = self.provider.as_str(),
                model.request = self.name,
                model.status = self.status,
                model.duration_ms = duration_ms,
                model.attempts = self.attempts,
                model.input_tokens = input_tokens,
                model.output_tokens = output_tokens,
                "language model answered"
            ),
            Err(failure) => tracing::warn!(
                model.provider = self.provider.as_str(),
                model.request = self.name,
                model.status = self.status,
                model.duration_ms = duration_ms,
                model.attempts = self.attempts,
                model.input_tokens = input_tokens,
                model.output_tokens = output_tokens,
                model.failure = failure.error.kind(),
                model.rejection = self.rejection,
                error = %failure.error,
                "no answer from the language model"
            ),
        }
        result
    }
}

/// A request or answer that broke on its way.
fn broken(error: reqwest::Error) -> ModelError {
    ModelError::Unavailable(http::told(error))
}
