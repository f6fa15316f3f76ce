//! What a language model is wanted for: messages of a FIFO queue. They name what to look at and hold no spoken word.

use callboard_domain::{CallId, OrgId, PlaybookId, advice::TALK_MS};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The version of the message that this code writes and reads.
pub const VERSION: u32 = 1;

/// The message. Fields that are not known here are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdviceRequest {
    /// See [`VERSION`].
    pub version: u32,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Playbook of the call.
    pub playbook: PlaybookId,
    /// The trace that it belongs to, as a W3C `traceparent`; none where nothing is traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What is wanted of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wanted {
    /// Better words for the card of an objection.
    Card {
        /// The objection.
        objection: String,
        /// Where the utterance begins that raised it, in milliseconds of media time: no other pushback is meant.
        start_ms: u64,
    },
    /// What the talk shows beyond the rules.
    Talk {
        /// Where the utterance ends that asked for it, in milliseconds of media time.
        end_ms: u64,
    },
    /// Notes of a call that has ended.
    Notes {
        /// How many final segments the rules' notes were made from.
        basis: u64,
    },
}

/// Why a message cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdviceError {
    /// No such message.
    #[error("the message is not what this version expects: {0}")]
    Malformed(String),
    /// Written by a version of this code that is not this one.
    #[error("the message is of version {0}, not {VERSION}")]
    Version(u32),
}

impl AdviceRequest {
    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self, AdviceError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |error: serde_json::Error| AdviceError::Malformed(error.to_string());
        let Versioned { version } = serde_json::from_str(text).map_err(malformed)?;
        if version != VERSION {
            return Err(AdviceError::Version(version));
        }
        serde_json::from_str(text).map_err(malformed)
    }

    /// The message as it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Within a group, one message at a time is worked on. Each objection of a call has its own, so that an answer to
    /// pushback never waits for another.
    pub fn group(&self) -> String {
        let of = match &self.wanted {
            Wanted::Card { objection, .. } => format!("card#{objection}"),
            Wanted::Talk { .. } | Wanted::Notes { .. } => "talk".to_owned(),
        };
        name(&format!("{}#{}#{of}", self.org, self.call))
    }

    /// Messages that want the same have the same: a queue keeps the first of five minutes. For talk this is what keeps a
    /// model from being asked about every sentence.
    pub fn deduplication(&self) -> String {
        let of = match &self.wanted {
            Wanted::Card { objection, start_ms } => format!("card#{objection}#{start_ms}"),
            Wanted::Talk { end_ms } => format!("talk#{}", end_ms / TALK_MS),
            Wanted::Notes { basis } => format!("notes#{basis}"),
        };
        name(&format!("{}#{}#{of}", self.org, self.call))
    }
}

/// SQS takes 128 characters; organizations and objections may have longer names than leave room.
fn name(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(wanted: Wanted) -> AdviceRequest {
        AdviceRequest {
            version: VERSION,
            org: OrgId::parse("acme").unwrap(),
            call: CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            playbook: PlaybookId::parse("sales").unwrap(),
            trace: None,
            wanted,
        }
    }

    fn card(objection: &str, start_ms: u64) -> AdviceRequest {
        request(Wanted::Card { objection: objection.into(), start_ms })
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        for wanted in [
            Wanted::Card { objection: "too_expensive".into(), start_ms: 7 },
            Wanted::Talk { end_ms: 61_000 },
            Wanted::Notes { basis: 12 },
        ] {
            assert_eq!(AdviceRequest::parse(&request(wanted.clone()).to_json()).unwrap().wanted, wanted);
        }
    }

    #[test]
    fn other_versions_are_not_guessed_at() {
        assert_eq!(AdviceRequest::parse(r#"{"version":2,"org":"acme"}"#), Err(AdviceError::Version(2)));
        assert!(matches!(AdviceRequest::parse("{}"), Err(AdviceError::Malformed(_))));
    }

    #[test]
    fn what_wants_the_same_is_one_message() {
        let talk = |end_ms| request(Wanted::Talk { end_ms });
        assert_eq!(talk(TALK_MS).deduplication(), talk(2 * TALK_MS - 1).deduplication());
        assert_ne!(talk(TALK_MS).deduplication(), talk(2 * TALK_MS).deduplication());
        assert_ne!(card("no_time", 5).deduplication(), card("no_time", 6).deduplication());
    }

    #[test]
    fn pushback_waits_for_nothing_else() {
        assert_ne!(card("no_time", 5).group(), card("no_trust", 5).group());
        assert_ne!(card("no_time", 5).group(), request(Wanted::Talk { end_ms: 1 }).group());
        assert_eq!(card("no_time", 5).group(), card("no_time", 6).group());
    }
}
