//! What a transcription service tells by itself: that it is done with a recording it was handed whole.
//!
//! It is only a hint to ask at once: what it says is not believed, and what it never says is found out all the same.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};
use callboard_adapters::queue::WorkQueue;
use callboard_domain::{CallId, OrgId};
use callboard_runtime::{SettingError, Start, watch::trace};
use callboard_wire::{
    rest::HookTold,
    work::{HOOK_HEADER, Task, Work},
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    Context,
    body::JsonObject,
    problem::{Refused, refused},
    query::Parameters,
};

/// Who may tell, and where it is passed on.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// SHA-256 of what the service shows: compared in this form, how long it takes says nothing.
    secret: [u8; 32],
    work: WorkQueue,
}

impl Hooks {
    /// Reads `RECORDINGS_HOOK_SECRET` and, where it is set, `WORK_QUEUE_URL`.
    pub(crate) fn start(start: &Start) -> Result<Option<Self>, SettingError> {
        let Some(secret) = start.settings.optional("RECORDINGS_HOOK_SECRET") else { return Ok(None) };
        let url = start.settings.required("WORK_QUEUE_URL")?;
        let work = WorkQueue::new(aws_sdk_sqs::Client::new(&start.sdk), url);
        Ok(Some(Self { secret: Sha256::digest(secret).into(), work }))
    }

    /// One that is told nothing.
    #[cfg(test)]
    pub(crate) fn deaf(client: aws_sdk_sqs::Client) -> Self {
        Self { secret: [0; 32], work: WorkQueue::new(client, "none") }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(HOOK_HEADER).map(|value| Sha256::digest(value.as_bytes()));
        shown.is_some_and(|shown| shown[..] == self.secret)
    }
}

/// Which recording it is about: what the service was given as a part of the address.
const PARAMETERS: [&str; 2] = ["org", "call"];

/// `POST /hooks/assemblyai`.
pub(crate) async fn assemblyai(
    State(context): State<Context>,
    RawQuery(about): RawQuery,
    headers: HeaderMap,
    told: Result<JsonObject, Refused>,
) -> Result<StatusCode, Refused> {
    let absent = || refused(StatusCode::NOT_FOUND, "nothing is told here: RECORDINGS_HOOK_SECRET is not set");
    let hooks = context.hooks.as_ref().ok_or_else(absent)?;
    if !hooks.knows(&headers) {
        let detail = format!("show the secret of RECORDINGS_HOOK_SECRET in the header {HOOK_HEADER}");
        return Err(refused(StatusCode::UNAUTHORIZED, detail));
    }
    let wrong = |detail: String| refused(StatusCode::BAD_REQUEST, detail);
    let about = Parameters::read(about.as_deref(), &PARAMETERS)?;
    let org = OrgId::parse(about.text("org").unwrap_or_default()).map_err(|error| wrong(error.to_string()))?;
    let call = CallId::parse(about.text("call").unwrap_or_default()).map_err(|error| wrong(error.to_string()))?;
    let JsonObject(told) = told?;
    let told: HookTold = serde_json::from_value(Value::Object(told))
        .map_err(|error| wrong(format!("the body must name the transcript_id: {error}")))?;
    let work = Work::new(&org, &call, Task::Told { id: told.transcript_id }, trace());
    hooks.work.send(&work, 0).await?;
    Ok(StatusCode::NO_CONTENT)
}
