//! Table items: one struct an item type, one function a key. Keys begin with the organization.

use std::collections::BTreeMap;

use callboard_domain::{
    Call, CallId, CallStatus, Channel, OrgId, Placeholder, PlaybookId, Segment, SegmentTimes, Word,
    call::EndReason,
    coaching::{Card, Notes, Source},
    feedback::Feedback,
    permissions::Role,
    redaction::Span,
};
use serde::{Deserialize, Serialize};

mod accounts;
mod keys;
mod people;
mod progress;
mod recordings;
pub mod words;

pub use accounts::{FeedbackItem, OrgSettingsItem, PlaybookItem, RetentionItem};
pub use keys::*;
pub use people::*;
pub use progress::{ProgressItem, Raised};
pub use recordings::{RecordingItem, call_of_source, source_key};

use crate::messages::{CallMessage, SegmentMessage, ServerMessage, ShownCard};

/// `CALL`: a call as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Revision of the last change.
    pub revision: u64,
    /// Who captures it.
    pub principal: String,
    /// Playbook.
    pub playbook: PlaybookId,
    /// Channels.
    pub channels: Vec<Channel>,
    /// Status.
    pub status: CallStatus,
    /// Wall clock, ms.
    pub started_at_ms: i64,
    /// Wall clock, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<EndReason>,
    /// Media time, ms.
    pub duration_ms: u64,
    /// The name of the file, if the call was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// When it was removed: wall clock, ms. From then on nobody reads it, until nothing of it is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at_ms: Option<i64>,
    /// The connection parameters that claimed the id: a later connection must state the same.
    pub parameters: String,
    /// Index `by_start`.
    pub by_start_pk: String,
    /// Index `by_start`: start, then call id.
    pub by_start_sk: String,
}

impl CallItem {
    /// The item of a call.
    pub fn new(call: &Call, parameters: &str, revision: u64) -> Self {
        Self {
            pk: call_pk(&call.org, &call.id),
            sk: sk::CALL.into(),
            org: call.org.clone(),
            call: call.id.clone(),
            revision,
            principal: call.principal.clone(),
            playbook: call.playbook.clone(),
            channels: call.channels.clone(),
            status: call.status,
            started_at_ms: call.started_at_ms,
            ended_at_ms: call.ended_at_ms,
            end_reason: call.end_reason,
            duration_ms: call.duration_ms,
            file_name: call.file_name.clone(),
            deleted_at_ms: None,
            parameters: parameters.to_owned(),
            by_start_pk: calls_pk(&call.org),
            by_start_sk: format!("{:015}#{}", call.started_at_ms, call.id),
        }
    }

    /// Whether it was removed.
    pub fn is_deleted(&self) -> bool {
        self.deleted_at_ms.is_some()
    }

    /// As it is known to the rest of the program.
    pub fn as_call(&self) -> Call {
        Call {
            id: self.call.clone(),
            org: self.org.clone(),
            principal: self.principal.clone(),
            playbook: self.playbook.clone(),
            channels: self.channels.clone(),
            status: self.status,
            started_at_ms: self.started_at_ms,
            ended_at_ms: self.ended_at_ms,
            end_reason: self.end_reason,
            duration_ms: self.duration_ms,
            file_name: self.file_name.clone(),
        }
    }

    /// As dashboards see it. One that was removed is told as `deleted`.
    pub fn message(&self) -> CallMessage {
        CallMessage {
            call: self.call.to_string(),
            revision: self.revision,
            status: if self.is_deleted() { CallStatus::Deleted } else { self.status },
            playbook: self.playbook.to_string(),
            channels: self.channels.clone(),
            principal: self.principal.clone(),
            started_at_ms: self.started_at_ms,
            ended_at_ms: self.ended_at_ms,
            end_reason: self.end_reason,
            duration_ms: self.duration_ms,
            file_name: self.file_name.clone(),
        }
    }
}

/// `SEG#…`: a segment. It names its playbook, so that analysis need not look the call up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Revision of this change.
    pub revision: u64,
    /// Who captures the call: an agent sees their own.
    pub principal: String,
    /// Playbook of the call.
    pub playbook: PlaybookId,
    /// Who spoke.
    pub channel: Channel,
    /// Media time, ms.
    pub start_ms: u64,
    /// Media time, ms.
    pub end_ms: u64,
    /// What was said.
    pub text: String,
    /// Words with times.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "words")]
    pub words: Vec<Word>,
    /// Not a placeholder or partial.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Why there is no text yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Placeholder>,
    /// What was masked in the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<Span>,
    /// True while what is said next decides whether something in the text is masked: then it changes once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    /// The text came after the utterance had to wait, perhaps when the call was over: notes are made again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// The trace that it belongs to, as a W3C `traceparent`; none where nothing is traced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Times.
    pub times: SegmentTimes,
}

impl SegmentItem {
    /// The item of a segment.
    pub fn new(segment: &Segment, org: &OrgId, principal: &str, playbook: &PlaybookId, revision: u64) -> Self {
        Self {
            pk: call_pk(org, &segment.call),
            sk: sk::segment(segment.start_ms, segment.channel),
            org: org.clone(),
            call: segment.call.clone(),
            revision,
            principal: principal.to_owned(),
            playbook: playbook.clone(),
            channel: segment.channel,
            start_ms: segment.start_ms,
            end_ms: segment.end_ms,
            text: segment.text.clone(),
            words: segment.words.clone(),
            is_final: segment.is_final,
            placeholder: segment.placeholder,
            masked: segment.masked.clone(),
            provisional: segment.provisional,
            late: false,
            trace: None,
            times: segment.times,
        }
    }

    /// As it is known to the rest of the program.
    pub fn as_segment(&self) -> Segment {
        Segment {
            call: self.call.clone(),
            channel: self.channel,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            text: self.text.clone(),
            words: self.words.clone(),
            is_final: self.is_final,
            placeholder: self.placeholder,
            masked: self.masked.clone(),
            provisional: self.provisional,
            times: self.times,
        }
    }

    /// As dashboards see it.
    pub fn message(&self) -> SegmentMessage {
        SegmentMessage {
            call: self.call.to_string(),
            revision: self.revision,
            channel: self.channel,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            text: self.text.clone(),
            words: self.words.clone(),
            is_final: self.is_final,
            placeholder: self.placeholder,
            masked: self.masked.clone(),
            provisional: self.provisional,
            times: self.times,
        }
    }
}

/// `CARD#…`: a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Revision of this change.
    pub revision: u64,
    /// The card.
    pub card: Card,
    /// What people think of it, each person once, the latest last. Written apart from the card, so that neither takes
    /// the other's place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feedback: Vec<Feedback>,
    /// A language model's words for it. Written apart from the card, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<CardWording>,
    /// The version of the progress that the card follows from.
    #[serde(default)]
    pub version: u64,
}

/// A language model's words for a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardWording {
    /// Where the utterance begins that they answer, in milliseconds of media time: they are for no other.
    pub start_ms: u64,
    /// What to say.
    pub say: String,
    /// The question to ask then; empty where there is none.
    pub follow_up: String,
    /// What the model suggested for this card before, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
}

impl CardItem {
    /// As dashboards see it: in a model's words, where they are for the pushback that the card is of.
    pub fn shown(&self) -> ShownCard {
        let mut card = self.card.clone();
        if let Some(wording) = self.wording.as_ref().filter(|it| it.start_ms == card.evidence.start_ms) {
            card.say.clone_from(&wording.say);
            card.source = Source::Model;
            if !wording.follow_up.is_empty() {
                card.follow_up.clone_from(&wording.follow_up);
            }
        }
        ShownCard { card, feedback: self.feedback.clone() }
    }

    /// All that a model suggested for it, the latest last.
    pub fn suggested(&self) -> Vec<String> {
        let wording = self.wording.iter();
        wording.flat_map(|it| it.earlier.iter().chain([&it.say])).cloned().collect()
    }
}

/// `NOTES`: the notes after the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotesItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// Revision of this change.
    pub revision: u64,
    /// How many final segments they were made from: notes made from more replace them. Older items do not say.
    #[serde(default)]
    pub basis: u64,
    /// The notes.
    pub notes: Notes,
}

/// What a language model was used for: of one call (`ADVICE`), and of one organization's day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelUse {
    /// Tokens that it read.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens that it wrote.
    #[serde(default)]
    pub output_tokens: u64,
    /// Questions that it answered.
    #[serde(default)]
    pub answers: u64,
    /// Questions that it did not answer, or not so that it was of use…
    #[serde(default)]
    pub faults: u64,
    /// …how often for which reason (`fault_timed_out`), what of its answers was dropped why (`dropped_no_quote`), what
    /// came too late (`stale`), and what was not asked since the budget was used up (`over_budget`).
    #[serde(flatten, deserialize_with = "counters")]
    pub details: BTreeMap<String, u64>,
}

impl ModelUse {
    /// Tokens in and out.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// The numbers among an item's other attributes, which its keys are not.
fn counters<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Attribute {
        Count(u64),
        Other(serde::de::IgnoredAny),
    }
    let attributes: BTreeMap<String, Attribute> = Deserialize::deserialize(deserializer)?;
    let counts = attributes.into_iter().filter_map(|(name, attribute)| match attribute {
        Attribute::Count(count) => Some((name, count)),
        Attribute::Other(_) => None,
    });
    Ok(counts.collect())
}

/// A connection: what its `$connect` was granted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// The connection.
    pub connection: String,
    /// Organization.
    pub org: OrgId,
    /// Whose it is.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// Partition keys that it watches, so that a disconnect finds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watches: Vec<String>,
    /// TTL, seconds since the Unix epoch.
    pub expires_at: i64,
}

/// A watch: under the call, or under the organization's calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchItem {
    /// Key: what is watched.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// The connection that watches.
    pub connection: String,
    /// TTL, seconds since the Unix epoch.
    pub expires_at: i64,
}

/// Whom a change concerns and what to tell them.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// The trace that it belongs to, as a W3C `traceparent`.
    pub trace: Option<String>,
    /// The message.
    pub message: ServerMessage,
}

/// The change that an item of `calls` stands for. `read` turns the stored item into a struct.
///
/// # Errors
/// The error of `read`, when an item is not what its sort key says.
pub fn change_of<E>(sort_key: &str, read: impl ItemReader<E>) -> Result<Option<Change>, E> {
    let mut trace = None;
    let (org, call, message) = match sort_key {
        sk::CALL => {
            let item: CallItem = read.read()?;
            let message = ServerMessage::Call(item.message());
            (item.org, item.call, message)
        }
        sk::PROGRESS => {
            let item: ProgressItem = read.read()?;
            let (call, revision) = (item.call.to_string(), item.revision);
            (item.org, item.call, ServerMessage::Progress { call, revision, progress: item.view })
        }
        sk::NOTES => {
            let item: NotesItem = read.read()?;
            let (call, revision) = (item.call.to_string(), item.revision);
            (item.org, item.call, ServerMessage::Notes { call, revision, notes: Box::new(item.notes) })
        }
        sk::RECORDING => {
            let item: RecordingItem = read.read()?;
            let (call, revision) = (item.call.to_string(), item.revision);
            (item.org, item.call, ServerMessage::Recording { call, revision, recording: item.view })
        }
        key if key.starts_with(sk::SEGMENT) => {
            let item: SegmentItem = read.read()?;
            let message = ServerMessage::Segment(item.message());
            trace = item.trace;
            (item.org, item.call, message)
        }
        key if key.starts_with(sk::CARD) => {
            let item: CardItem = read.read()?;
            let (call, revision) = (item.call.to_string(), item.revision);
            let card = item.shown();
            (item.org, item.call, ServerMessage::Card { call, revision, card })
        }
        _ => return Ok(None),
    };
    Ok(Some(Change { org, call, trace, message }))
}

/// Reads a stored item as one of the structs above.
pub trait ItemReader<E> {
    /// Reads it.
    fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, E>;
}
