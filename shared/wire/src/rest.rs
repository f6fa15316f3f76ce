//! Bodies of the REST API.

#[cfg(feature = "schema")]
use callboard_domain::{CallId, PlaybookId};
use callboard_domain::{
    Channel,
    coaching::{Card, Finding, Notes, ProgressView},
    feedback::Verdict,
    playbook,
    recording::{RecordingView, Wish},
};
use serde::{Deserialize, Serialize};

pub mod accounts;

use crate::items::ModelUse;
use crate::messages::{CallMessage, SegmentMessage, ShownCard};

/// `GET /health`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Version of the software.
    pub version: String,
}

/// `GET /v1/calls`: newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallList {
    /// The calls.
    pub calls: Vec<CallMessage>,
    /// Where the next page begins, if there is one: pass it as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /v1/calls/{id}`: the snapshot that pushed messages are applied on top of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallSnapshot {
    /// The latest revision given out when the snapshot was begun. A change that had its revision by then but was not
    /// written yet is pushed later: what is newer is told by each part's own revision.
    pub revision: u64,
    /// The call.
    pub call: CallMessage,
    /// Its segments by start.
    pub segments: Vec<SegmentMessage>,
    /// How far it is, if it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Revised<RecordingView>>,
    /// Its progress, once something was found.
    pub progress: Option<Revised<ProgressView>>,
    /// Its cards.
    pub cards: Vec<Revised<ShownCard>>,
    /// Its notes, after it ended.
    pub notes: Option<Revised<Notes>>,
    /// What a language model was used for in it; none where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelUse>,
}

/// A part of a snapshot with the revision that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Revised{T}"))]
pub struct Revised<T> {
    /// The call's revision that this change made.
    pub revision: u64,
    /// The part.
    #[serde(flatten)]
    pub value: T,
}

/// `PUT /v1/calls/{id}/cards/{card}/feedback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CardVerdict {
    /// What one thinks of the card.
    pub verdict: Verdict,
}

/// `GET /v1/calls/{id}/transcript`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Transcript {
    /// The call.
    pub call: String,
    /// Its segments by start.
    pub segments: Vec<SegmentMessage>,
}

/// The latest start of a call, in milliseconds since the Unix epoch: the index of calls by their start sorts up to there,
/// which is in the year 2286.
pub const LATEST_START_MS: i64 = 9_999_999_999_999;

/// `POST /v1/recordings`: a recording that is handed in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRecording {
    /// The call's id, a ULID that the client chooses: sent again, nothing is created twice. Without it one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<CallId>"))]
    pub call: Option<String>,
    /// The playbook that the call is held against; `sales` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<PlaybookId>"))]
    pub playbook: Option<String>,
    /// When the call began that it holds: wall clock, milliseconds since the Unix epoch. Without it, now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = LATEST_START_MS)))]
    pub started_at_ms: Option<i64>,
    /// What is asked for.
    #[serde(flatten)]
    pub wish: Wish,
}

/// The answer to it, and `GET /v1/recordings/{id}/upload`: where its audio is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordingTicket {
    /// The call.
    pub call: String,
    /// Where its audio is sent.
    pub upload: Upload,
}

/// Where audio is sent. No address needs a token beside it, and each is good until `expires_at_ms` (wall clock,
/// milliseconds since the Unix epoch): ask for new ones then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Upload {
    /// `PUT` the file to one address.
    Put {
        /// The address.
        url: String,
        /// See above.
        expires_at_ms: i64,
    },
    /// `PUT` the file in parts, each to its address, in any order; then `POST /v1/recordings/{id}/complete`.
    Parts {
        /// Bytes of each part but the last, which has the rest.
        part_bytes: u64,
        /// Numbers of the parts that are there already, counted from 1.
        uploaded: Vec<u32>,
        /// The parts that are not.
        parts: Vec<UploadPart>,
        /// See above.
        expires_at_ms: i64,
    },
    /// Nothing is to be sent: the audio is there.
    Complete {},
}

/// One part of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UploadPart {
    /// Its number, counted from 1: it begins at byte (number − 1) · part_bytes.
    pub number: u32,
    /// Where it is sent.
    pub url: String,
}

/// `GET /v1/calls/{id}/result`: what came of a call, in one piece.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallResult {
    /// The call.
    pub call: CallMessage,
    /// How far it is, if it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingView>,
    /// All that was said, a line an utterance.
    pub text: String,
    /// Its segments by start.
    pub segments: Vec<SegmentMessage>,
    /// Its notes, after it ended.
    pub notes: Option<Notes>,
}

/// `GET /v1/calls/{id}/audio`: where the kept audio of a stretch of a call can be loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallAudio {
    /// The call.
    pub call: String,
    /// Its channels, as they are interleaved in each piece.
    pub channels: Vec<Channel>,
    /// Where the channel stands among them that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_index: Option<usize>,
    /// The pieces that hold something of the stretch, in order. Between them there may be gaps: no audio is kept there.
    pub pieces: Vec<AudioPiece>,
    /// Where more begins that was too much for one answer: ask again with it as `from_ms`. Media time, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_ms: Option<u64>,
}

/// A piece of a call's audio: a WAV file of a minute at most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AudioPiece {
    /// Where it can be loaded, whole or by range, without a token.
    pub url: String,
    /// Media time, in milliseconds.
    pub from_ms: u64,
    /// Media time, in milliseconds.
    pub to_ms: u64,
    /// Where in it the stretch begins, in milliseconds.
    pub offset_ms: u64,
    /// Until when the address is good: wall clock, milliseconds since the Unix epoch.
    pub expires_at_ms: i64,
}

/// `POST /hooks/assemblyai`: what the transcription service says of a recording it was handed whole. What else it says is
/// passed over: it is asked instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HookTold {
    /// What it knows the recording by.
    pub transcript_id: String,
}

/// Where a playbook comes from: an organization's own takes the place of the shared one of its id, and that of the
/// shipped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Written by the organization.
    Own,
    /// Every organization has it.
    Shared,
    /// It came with the program.
    Shipped,
}

impl Origin {
    /// As it is spelled.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Shared => "shared",
            Self::Shipped => "shipped",
        }
    }
}

/// A playbook in a list, and the answer to one that was stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookSummary {
    /// Unique within its organization.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// Counts the changes.
    pub version: u32,
    /// A language tag such as `en`.
    pub language: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// `GET /v1/playbooks`: by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookList {
    /// The playbooks that calls of this organization can name.
    pub playbooks: Vec<PlaybookSummary>,
}

/// `POST /v1/playbooks/validate`, of a text without problems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ValidPlaybook {
    /// True.
    pub valid: bool,
    /// The playbook as it was read.
    pub playbook: playbook::Playbook,
}

/// `POST /v1/playbooks/try`: what the rules make of what was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlaybookTrial {
    /// Landmarks, percent, what remains.
    pub progress: ProgressView,
    /// The cards in the order in which they would have come.
    pub cards: Vec<Card>,
    /// The notes.
    pub notes: Notes,
    /// All that shows something, utterance by utterance.
    pub findings: Vec<Finding>,
}

/// An error, in the shape of RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// A short name of the kind of problem.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong with what, and what to do.
    pub detail: String,
    /// All that is wrong with a text, each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<TextProblem>,
}

/// Something that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TextProblem {
    /// Line, counted from 1.
    pub line: u64,
    /// Column in characters, counted from 1.
    pub column: u64,
    /// What is wrong, and what to do.
    pub message: String,
}

impl From<playbook::Problem> for TextProblem {
    fn from(problem: playbook::Problem) -> Self {
        let playbook::Problem { line, column, message } = problem;
        Self { line, column, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recording_may_say_is_known() {
        for (body, expected) in [
            (r#"{"file_name":"a.wav"}"#, Ok(())),
            (r#"{"file_name":"a.wav","bytes":1,"call":null,"playbook":"sales","channels":["agent"]}"#, Ok(())),
            (r#"{"file_name":"a.wav","chanels":["agent"]}"#, Err("unknown field `chanels`")),
            (r#"{"bytes":1}"#, Err("missing field `file_name`")),
        ] {
            let read = serde_json::from_str::<NewRecording>(body).map(|_| ()).map_err(|error| error.to_string());
            match expected {
                Ok(()) => assert_eq!(read, Ok(()), "{body}"),
                Err(told) => assert!(read.as_ref().is_err_and(|error| error.contains(told)), "{body}: {read:?}"),
            }
        }
    }
}
