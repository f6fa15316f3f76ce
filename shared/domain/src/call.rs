//! A call, its channels and the states it passes through.

use serde::{Deserialize, Serialize};

use crate::ids::{CallId, OrgId, PlaybookId};

/// Who speaks on a channel. Recognition never mixes channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// The person who is coached: the microphone side.
    Agent,
    /// The other side of the line.
    Customer,
}

impl Channel {
    /// The channel's name in messages, keys and parameters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Customer => "customer",
        }
    }

    /// The channel of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "agent" => Some(Self::Agent),
            "customer" => Some(Self::Customer),
            _ => None,
        }
    }
}

/// Where a call stands. A live one is moved by its session alone, and only forward; late audio reopens an ended call. A
/// recorded one is moved by the worker that settles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CallStatus {
    /// Audio is expected.
    Live,
    /// The end was announced; what is open is being finished.
    Ending,
    /// All that was heard is written.
    Ended,
    /// A recorded call whose audio is awaited, or worked on.
    Processing,
    /// A recorded call of which nothing came.
    Failed,
    /// Somebody removed it, or its time was over: nothing of it can be read any more. It is told, and never stored.
    Deleted,
}

impl CallStatus {
    /// All that are stored.
    pub const ALL: [Self; 5] = [Self::Live, Self::Ending, Self::Ended, Self::Processing, Self::Failed];

    /// The status's name in messages, items and parameters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ending => "ending",
            Self::Ended => "ended",
            Self::Processing => "processing",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    /// Whether nothing more is expected of the call.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Failed | Self::Deleted)
    }

    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What is known of a call as a whole. Times are wall clock, milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The call.
    pub id: CallId,
    /// Whom it belongs to.
    pub org: OrgId,
    /// Whose key or login captured it.
    pub principal: String,
    /// The playbook it is held against.
    pub playbook: PlaybookId,
    /// Its channels, in the order in which the audio interleaves them.
    pub channels: Vec<Channel>,
    /// Where it stands.
    pub status: CallStatus,
    /// When it was first connected.
    pub started_at_ms: i64,
    /// When its end was written.
    pub ended_at_ms: Option<i64>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Media time heard so far, in milliseconds.
    pub duration_ms: u64,
    /// The name of the file, if it was recorded.
    pub file_name: Option<String>,
}

/// Why a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// The capture client said so.
    Stopped,
    /// The capture client was not heard of any more.
    Vanished,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_spelled_as_it_is_stored() {
        for status in CallStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert_eq!(CallStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(CallStatus::parse("Live"), None);
    }
}
