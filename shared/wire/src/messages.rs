//! Socket messages, both ways: JSON text, routed on `action` and told apart by `type`.

use callboard_domain::{
    CallStatus, Channel, Placeholder, SegmentTimes, Word,
    call::EndReason,
    coaching::{Card, Notes, ProgressView},
    feedback::{Feedback, Verdict},
    recording::RecordingView,
    redaction::Span,
};
use serde::{Deserialize, Serialize};

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum ClientMessage {
    /// One frame of audio.
    Audio {
        /// Number of the frame within its call, counted from 1 (0 is accepted as the first, too).
        seq: u32,
        /// The frame's bytes in base64: 20 to 1000 ms, of Opus up to 8000 ms where the rest is silence that was left out; at most 24,000
        /// bytes before encoding.
        data: String,
    },
    /// The call is over after this frame.
    Stop {
        /// Number of the last frame.
        seq: u32,
    },
    /// Frames that the client no longer has.
    Gone {
        /// First of them.
        from: u32,
        /// Last of them.
        to: u32,
    },
    /// Asks to be pushed one call, or all calls of the organization.
    Watch(WatchTarget),
    /// Takes a watch back.
    Unwatch(WatchTarget),
    /// Says what one thinks of a card.
    Feedback {
        /// The call.
        call: String,
        /// The card's id.
        card: String,
        /// The verdict: a later one takes the place of an earlier.
        verdict: Verdict,
    },
    /// Keeps the connection open.
    Ping {},
}

/// What is watched: `{"call":"<id>"}` or `{"calls":true}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchTarget {
    /// One call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// All calls of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<bool>,
}

/// A message of the capture clients that exist already: base64 of PCM s16le, 16 kHz, mono.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LegacyAudio {
    /// The frame's bytes in base64.
    pub audio_data: String,
}

/// What a client receives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerMessage {
    /// All frames up to `seq` are committed: the client may forget them.
    Ack {
        /// The call.
        call: String,
        /// Last of the frames without a gap.
        seq: u32,
    },
    /// These frames are missing: send them again, or say that they are gone.
    Resend {
        /// The call.
        call: String,
        /// First of them.
        from: u32,
        /// Last of them.
        to: u32,
    },
    /// The call as a whole changed.
    Call(CallMessage),
    /// An utterance was transcribed.
    Segment(SegmentMessage),
    /// Where the call stands against its playbook.
    Progress {
        /// The call.
        call: String,
        /// The call's revision that this change made.
        revision: u64,
        /// Landmarks, percent, what remains.
        #[serde(flatten)]
        progress: ProgressView,
    },
    /// What to say now.
    Card {
        /// The call.
        call: String,
        /// The call's revision that this change made.
        revision: u64,
        /// The card.
        #[serde(flatten)]
        card: ShownCard,
    },
    /// After the call.
    Notes {
        /// The call.
        call: String,
        /// The call's revision that this change made.
        revision: u64,
        /// The notes.
        #[serde(flatten)]
        notes: Box<Notes>,
    },
    /// How far a recorded call is.
    Recording {
        /// The call.
        call: String,
        /// The call's revision that this change made.
        revision: u64,
        /// State, percent, what is missing.
        #[serde(flatten)]
        recording: RecordingView,
    },
    /// The answer to `ping`.
    Pong {},
    /// The answer to `watch` and `unwatch`, once it holds.
    Watching {
        /// What is watched.
        #[serde(flatten)]
        target: WatchTarget,
        /// False after `unwatch`.
        active: bool,
    },
    /// The answer to `feedback`, once it is stored. The card itself is pushed to everybody who watches.
    Feedback {
        /// The call.
        call: String,
        /// The card's id.
        card: String,
        /// The verdict that stands.
        verdict: Verdict,
    },
    /// Something about a message was wrong; the connection lives.
    Error {
        /// A stable name of the error.
        code: ErrorCode,
        /// What was wrong with what, and what to do.
        message: String,
        /// The action of the message, where it named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<String>,
    },
}

/// Stable names of socket errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The text is not a JSON object.
    BadJson,
    /// No such action.
    UnknownAction,
    /// A field is missing or has the wrong type.
    BadMessage,
    /// `data` is no base64.
    BadBase64,
    /// The frame's length does not fit.
    BadFrame,
    /// The frame's number does not fit.
    BadSeq,
    /// The connection may not do this.
    Forbidden,
    /// No such call in this organization, or no such card on the call.
    NotFound,
}

/// A call as dashboards see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallMessage {
    /// The call.
    pub call: String,
    /// The call's revision that this change made.
    pub revision: u64,
    /// Where it stands.
    pub status: CallStatus,
    /// Its playbook.
    pub playbook: String,
    /// Its channels.
    pub channels: Vec<Channel>,
    /// Who captures it.
    pub principal: String,
    /// Wall clock, milliseconds since the Unix epoch.
    pub started_at_ms: i64,
    /// Wall clock, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<EndReason>,
    /// Media time heard, in milliseconds.
    pub duration_ms: u64,
    /// The name of the file, if the call was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

/// A card as dashboards see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ShownCard {
    /// The card.
    #[serde(flatten)]
    pub card: Card,
    /// What people think of it, each person once, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<Feedback>,
}

/// A segment as dashboards see it. Its key is (call, start_ms, channel): a later message replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SegmentMessage {
    /// The call.
    pub call: String,
    /// The call's revision that this change made.
    pub revision: u64,
    /// Who spoke.
    pub channel: Channel,
    /// Media time, in milliseconds.
    pub start_ms: u64,
    /// Media time, in milliseconds.
    pub end_ms: u64,
    /// What was said. Empty in a final segment where it turned out that nothing was: it shows as nothing.
    pub text: String,
    /// The words with their times, where the service gives them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// False while a placeholder or partial stands in for the text.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Why there is no text yet: `waiting` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Placeholder>,
    /// What was masked in the text: card numbers and the like.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<Span>,
    /// True while what is said next decides whether something in the text is masked: then it changes once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    /// When it was spoken, received, transcribed, stored and pushed.
    pub times: SegmentTimes,
}

impl SegmentMessage {
    /// Whether it only says that its utterance held no words, so that nothing is to be shown in its place.
    pub fn is_silence(&self) -> bool {
        self.is_final && self.text.is_empty()
    }
}

impl ServerMessage {
    /// An error about a message.
    pub fn error(code: ErrorCode, message: impl std::fmt::Display, action: Option<&str>) -> Self {
        Self::Error { code, message: message.to_string(), action: action.map(str::to_owned) }
    }

    /// The message as it is told at this time: a segment says when it was.
    #[must_use]
    pub fn told_at(mut self, now_ms: i64) -> Self {
        if let Self::Segment(segment) = &mut self {
            segment.times.pushed = Some(now_ms);
        }
        self
    }

    /// The message as it is sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_messages_are_routed_on_their_action() {
        for (text, expected) in [
            (r#"{"action":"audio","seq":41,"data":"AAA="}"#, ClientMessage::Audio { seq: 41, data: "AAA=".into() }),
            (r#"{"action":"stop","seq":41}"#, ClientMessage::Stop { seq: 41 }),
            (r#"{"action":"gone","from":17,"to":18}"#, ClientMessage::Gone { from: 17, to: 18 }),
            (r#"{"action":"watch","calls":true}"#, ClientMessage::Watch(WatchTarget { call: None, calls: Some(true) })),
            (r#"{"action":"ping"}"#, ClientMessage::Ping {}),
            (
                r#"{"action":"feedback","call":"c","card":"x","verdict":"not_helpful"}"#,
                ClientMessage::Feedback { call: "c".into(), card: "x".into(), verdict: Verdict::NotHelpful },
            ),
        ] {
            assert_eq!(serde_json::from_str::<ClientMessage>(text).unwrap(), expected);
        }
        assert!(serde_json::from_str::<ClientMessage>(r#"{"action":"audio","seq":-1,"data":""}"#).is_err());
    }

    #[test]
    fn errors_say_what_was_wrong_with_what() {
        let text = ServerMessage::error(ErrorCode::BadSeq, "seq -1 is negative", Some("audio")).to_json();
        assert_eq!(text, r#"{"type":"error","code":"bad_seq","message":"seq -1 is negative","action":"audio"}"#);
    }
}
