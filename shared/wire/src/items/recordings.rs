//! Items of recorded calls.

use callboard_domain::{
    CallId, OrgId, PlaybookId,
    recording::{Recording, RecordingState, RecordingView},
};
use serde::{Deserialize, Serialize};

use super::AWAITED_PK;

/// `RECORDING`: how far a recorded call is. Written under its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Who handed it in.
    pub principal: String,
    /// Playbook of the call.
    pub playbook: PlaybookId,
    /// Revision of this change.
    pub revision: u64,
    /// Counts the writes: the condition of the next one.
    pub version: u64,
    /// When it was handed in: wall clock, ms.
    pub created_at_ms: i64,
    /// When the call began that it holds: wall clock, ms.
    pub started_at_ms: i64,
    /// The upload in parts, where it is uploaded so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// What is known of it.
    pub recording: Recording,
    /// How it read when it was written.
    pub view: RecordingView,
    /// Index `by_start`, while its audio is expected: [`AWAITED_PK`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_start_pk: Option<String>,
    /// Index `by_start`, while its audio is expected: when it was handed in, organization, call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_start_sk: Option<String>,
}

impl RecordingItem {
    /// The same with the place in the index that it has as it stands.
    #[must_use]
    pub fn placed(self) -> Self {
        let awaited = self.recording.state == RecordingState::Awaited;
        let by_start_sk = awaited.then(|| format!("{:015}#{}#{}", self.created_at_ms, self.org, self.call));
        Self { by_start_pk: awaited.then(|| AWAITED_PK.to_owned()), by_start_sk, ..self }
    }
}

/// Where a recording lies: the object that is uploaded.
pub fn source_key(org: &OrgId, call: &CallId) -> String {
    format!("recordings/{org}/{call}/source")
}

/// The call whose recording lies there; none if none does.
pub fn call_of_source(key: &str) -> Option<(OrgId, CallId)> {
    let mut parts = key.strip_prefix("recordings/")?.split('/');
    let org = OrgId::parse(parts.next()?).ok()?;
    let call = CallId::parse(parts.next()?).ok()?;
    (parts.next() == Some("source") && parts.next().is_none()).then_some((org, call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_found_by_its_place() {
        let (org, call) = (OrgId::parse("acme").unwrap(), CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap());
        let key = source_key(&org, &call);
        assert_eq!(call_of_source(&key), Some((org, call)));
        for other in ["", "recordings/acme", "deferred/acme/01ARZ3NDEKTSV4RRFFQ69G5FAV/source", &format!("{key}/more")]
        {
            assert_eq!(call_of_source(other), None, "{other}");
        }
    }
}
