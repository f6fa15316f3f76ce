//! Table items: one struct an item type, one function a key. Keys begin with the organization.

use callboard_domain::{
    Call, CallId, CallStatus, Channel, OrgId, Placeholder, PlaybookId, Segment, SegmentTimes, Word,
    call::EndReason,
    coaching::{Card, Notes, Progress, ProgressView},
    feedback::{Experience, Feedback},
    permissions::Role,
    playbook::Playbook,
};
use serde::{Deserialize, Serialize};

use crate::messages::{CallMessage, SegmentMessage, ServerMessage, ShownCard};

/// Partition key of everything about one call, in `calls` and `live`.
pub fn call_pk(org: &OrgId, call: &CallId) -> String {
    format!("ORG#{org}#CALL#{call}")
}

/// Partition key of an organization's calls in the index `by_start`, and of its watchers.
pub fn calls_pk(org: &OrgId) -> String {
    format!("ORG#{org}#CALLS")
}

/// Partition key of an organization's playbooks.
pub fn playbooks_pk(org: &OrgId) -> String {
    format!("ORG#{org}#PLAYBOOKS")
}

/// Partition key of the playbooks that every organization has.
pub const SHARED_PLAYBOOKS_PK: &str = "PLAYBOOKS";

/// Partition key of what an organization learned from its feedback on cards.
pub fn feedback_pk(org: &OrgId) -> String {
    format!("ORG#{org}#FEEDBACK")
}

/// Partition key of a key or token, by the hash of its secret.
pub fn key_pk(secret_hash: &str) -> String {
    format!("KEY#{secret_hash}")
}

/// Partition key of a connection.
pub fn connection_pk(connection: &str) -> String {
    format!("CONN#{connection}")
}

/// Sort keys of the items under one call.
pub mod sk {
    use callboard_domain::Channel;

    /// The call itself.
    pub const CALL: &str = "CALL";
    /// The call's revision counter. Nobody is told of its changes.
    pub const REVISION: &str = "REVISION";
    /// The call's progress.
    pub const PROGRESS: &str = "PROGRESS";
    /// The notes after the call.
    pub const NOTES: &str = "NOTES";
    /// Prefix of segments.
    pub const SEGMENT: &str = "SEG#";
    /// Prefix of cards.
    pub const CARD: &str = "CARD#";
    /// Prefix of watches, under what is watched.
    pub const WATCH: &str = "WATCH#";
    /// The one item of a connection or key.
    pub const SELF: &str = "SELF";

    /// A segment: sorted by start, then channel.
    pub fn segment(start_ms: u64, channel: Channel) -> String {
        format!("{SEGMENT}{start_ms:010}#{}", channel.as_str())
    }

    /// A card.
    pub fn card(id: &str) -> String {
        format!("{CARD}{id}")
    }

    /// A connection that watches.
    pub fn watch(connection: &str) -> String {
        format!("{WATCH}{connection}")
    }

    /// Prefix of playbooks.
    pub const PLAYBOOK: &str = "PLAYBOOK#";

    /// A playbook.
    pub fn playbook(id: &str) -> String {
        format!("{PLAYBOOK}{id}")
    }

    /// Prefix of the earlier versions of one playbook: apart from the playbooks, so that a list reads none of them.
    pub fn earlier_playbooks(id: &str) -> String {
        format!("EARLIER#{id}#")
    }

    /// An earlier version of a playbook: sorted by version.
    pub fn earlier_playbook(id: &str, version: u32) -> String {
        format!("{}{version:010}", earlier_playbooks(id))
    }

    /// Prefix of what was learned about the objections of one playbook.
    pub fn feedbacks(playbook: &str) -> String {
        format!("{playbook}#")
    }

    /// What was learned about one objection.
    pub fn feedback(playbook: &str, objection: &str) -> String {
        format!("{}{objection}", feedbacks(playbook))
    }
}

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
            parameters: parameters.to_owned(),
            by_start_pk: calls_pk(&call.org),
            by_start_sk: format!("{:015}#{}", call.started_at_ms, call.id),
        }
    }

    /// As dashboards see it.
    pub fn message(&self) -> CallMessage {
        CallMessage {
            call: self.call.to_string(),
            revision: self.revision,
            status: self.status,
            playbook: self.playbook.to_string(),
            channels: self.channels.clone(),
            principal: self.principal.clone(),
            started_at_ms: self.started_at_ms,
            ended_at_ms: self.ended_at_ms,
            end_reason: self.end_reason,
            duration_ms: self.duration_ms,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Not a placeholder or partial.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Why there is no text yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Placeholder>,
    /// The text came after the utterance had to wait, perhaps when the call was over: notes are made again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
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
            late: false,
            times: segment.times,
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
            times: self.times,
        }
    }
}

/// `PROGRESS`: what was found, and how it reads against the playbook. Written under its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressItem {
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
    /// Counts the writes: the condition of the next one.
    pub version: u64,
    /// The findings.
    pub progress: Progress,
    /// How they read.
    pub view: ProgressView,
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
}

impl CardItem {
    /// As dashboards see it.
    pub fn shown(&self) -> ShownCard {
        ShownCard { card: self.card.clone(), feedback: self.feedback.clone() }
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

/// A key: found by the hash of its secret, which is kept nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Organization.
    pub org: OrgId,
    /// The principal it stands for.
    pub principal: String,
    /// What it may do.
    pub role: Role,
    /// True once it was taken back.
    #[serde(default)]
    pub revoked: bool,
}

/// A playbook in the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaybookItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// The playbook, under the version that it has in the table.
    pub playbook: Playbook,
    /// The text it was read from, exactly as it was written. Older items have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// What an organization learned about the answers to one objection of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedbackItem {
    /// Key.
    pub pk: String,
    /// Key.
    pub sk: String,
    /// Playbook.
    pub playbook: PlaybookId,
    /// Objection of the playbook.
    pub objection: String,
    /// Counts the writes: the condition of the next one.
    pub version: u64,
    /// Verdicts and wordings.
    pub experience: Experience,
}

/// Whom a change concerns and what to tell them.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Organization.
    pub org: OrgId,
    /// Call.
    pub call: CallId,
    /// The message.
    pub message: ServerMessage,
}

/// The change that an item of `calls` stands for. `read` turns the stored item into a struct.
///
/// # Errors
/// The error of `read`, when an item is not what its sort key says.
pub fn change_of<E>(sort_key: &str, read: impl ItemReader<E>) -> Result<Option<Change>, E> {
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
            (item.org, item.call, ServerMessage::Notes { call, revision, notes: item.notes })
        }
        key if key.starts_with(sk::SEGMENT) => {
            let item: SegmentItem = read.read()?;
            let message = ServerMessage::Segment(item.message());
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
    Ok(Some(Change { org, call, message }))
}

/// Reads a stored item as one of the structs above.
pub trait ItemReader<E> {
    /// Reads it.
    fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, E>;
}
