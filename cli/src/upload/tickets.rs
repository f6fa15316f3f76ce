//! What a stack is told of a recording, and where it wants it: the three requests around an upload.

use callboard_domain::CallId;
use callboard_wire::rest::{NewRecording, RecordingTicket};
use reqwest::Response;

use super::retry::{Failure, Tries, refused, unanswered};
use crate::{reading::not_understood, stack::Stack};

/// A stack that is asked again when it does not answer.
#[derive(Clone)]
pub(crate) struct Tickets {
    /// The stack.
    pub stack: Stack,
    /// How often it is asked.
    pub tries: Tries,
}

impl Tickets {
    /// Hands a recording in. To do it twice with one call is to do it once.
    pub(crate) async fn begin(&self, new: &NewRecording) -> Result<RecordingTicket, Failure> {
        self.tries.ask(async || self.ticket(self.stack.post("/v1/recordings", new).await).await).await
    }

    /// Where what is missing of it goes.
    pub(crate) async fn renew(&self, call: &CallId) -> Result<RecordingTicket, Failure> {
        let path = format!("/v1/recordings/{call}/upload");
        self.tries.ask(async || self.ticket(self.stack.get(&path).await).await).await
    }

    /// All its parts were sent.
    pub(crate) async fn complete(&self, call: &CallId) -> Result<RecordingTicket, Failure> {
        let path = format!("/v1/recordings/{call}/complete");
        self.tries.ask(async || self.ticket(self.stack.post(&path, &serde_json::json!({})).await).await).await
    }

    async fn ticket(&self, answer: reqwest::Result<Response>) -> Result<RecordingTicket, Failure> {
        let answer = answer.map_err(|error| unanswered(&error, &self.stack))?;
        if !answer.status().is_success() {
            return Err(refused(answer, &self.stack).await);
        }
        let body = answer.bytes().await.map_err(|error| unanswered(&error, &self.stack))?;
        serde_json::from_slice(&body).map_err(|error| Failure::Final(not_understood(error).to_string()))
    }
}
