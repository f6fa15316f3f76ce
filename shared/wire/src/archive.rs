//! What becomes of calls that are over: messages of a queue. They name a call and hold no spoken word.

use callboard_domain::{CallId, OrgId};
use serde::{Deserialize, Serialize};

/// The version of the message that this code writes and reads.
pub const VERSION: u32 = 1;

/// The message. Fields that are not known here are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveRequest {
    /// See [`VERSION`].
    pub version: u32,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// What is to be done.
    pub wanted: Wanted,
    /// The trace that it belongs to, as a W3C `traceparent`; none where nothing is traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// What is to be done with a call that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wanted {
    /// It has notes, or new ones: it is written out for tables elsewhere.
    Export {},
    /// It is removed, with all that belongs to it.
    Delete {
        /// For the last time, with what late writers left: nothing remains.
        finally: bool,
    },
}

/// Why a message cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// No such message.
    #[error("the message is not what this version expects: {0}")]
    Malformed(String),
    /// Written by a version of this code that is not this one.
    #[error("the message is of version {0}, not {VERSION}")]
    Version(u32),
}

impl ArchiveRequest {
    /// Asks for something, in a trace.
    pub fn new(org: &OrgId, call: &CallId, wanted: Wanted, trace: Option<String>) -> Self {
        Self { version: VERSION, org: org.clone(), call: call.clone(), wanted, trace }
    }

    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self, ArchiveError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |error: serde_json::Error| ArchiveError::Malformed(error.to_string());
        let Versioned { version } = serde_json::from_str(text).map_err(malformed)?;
        if version != VERSION {
            return Err(ArchiveError::Version(version));
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// The message as it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(wanted: Wanted) -> ArchiveRequest {
        let call = CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        ArchiveRequest::new(
            &OrgId::parse("acme").unwrap(),
            &call,
            wanted,
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        )
    }

    #[test]
    fn a_message_is_read_as_it_was_written_and_may_say_more() {
        for wanted in [Wanted::Export {}, Wanted::Delete { finally: false }, Wanted::Delete { finally: true }] {
            let text = request(wanted).to_json();
            assert_eq!(ArchiveRequest::parse(&text), Ok(request(wanted)));
            let more = text.replacen('{', r#"{"since":"a later version","#, 1);
            assert_eq!(ArchiveRequest::parse(&more), Ok(request(wanted)));
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let later = request(Wanted::Export {}).to_json().replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(ArchiveRequest::parse(&later), Err(ArchiveError::Version(2)));
        for text in ["", "{}", "[1]", r#"{"version":1}"#] {
            assert!(matches!(ArchiveRequest::parse(text), Err(ArchiveError::Malformed(_))), "{text}");
        }
    }
}
