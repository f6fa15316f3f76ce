//! The items that notes list: each with the segments that it comes from and the words that show it.

use serde::{Deserialize, Serialize};

use crate::{call::Channel, coaching::Said};

/// Where something was said: the key of a segment within its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// Who spoke.
    pub channel: Channel,
    /// Where the segment begins, in milliseconds of media time.
    pub start_ms: u64,
}

impl Link {
    /// The key of this utterance.
    pub fn to(said: &Said<'_>) -> Self {
        Self { channel: said.channel, start_ms: said.start_ms }
    }
}

/// Something worth noting: an agreement, a pain point, an entry of a diary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NoteItem {
    /// What it is, at most [`super::ITEM_CHARS`] characters.
    pub text: String,
    /// By when or for when, in the words that were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The segments that it comes from, at least one.
    pub links: Vec<Link>,
    /// The words that show it, as they stand in the first of those segments.
    pub quote: String,
}

/// Something that somebody has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Action {
    /// Who has to.
    pub owner: Owner,
    /// What, at most [`super::ITEM_CHARS`] characters.
    pub text: String,
    /// By when, in the words that were used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// The segments that it comes from, at least one.
    pub links: Vec<Link>,
    /// The words that show it, as they stand in the first of those segments.
    pub quote: String,
}

/// Who has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The agent, or the agent's side.
    Agent,
    /// The customer.
    Customer,
    /// Somebody else, or it was not said.
    Unknown,
}

impl From<Channel> for Owner {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Agent => Self::Agent,
            Channel::Customer => Self::Customer,
        }
    }
}

/// Somebody or something that was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// As it was said first.
    pub text: String,
    /// Where it was said: the first few places.
    pub links: Vec<Link>,
}

/// What was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// A person.
    Person,
    /// A sum of money or a percentage.
    Amount,
    /// A day or a date.
    Date,
    /// A company, an authority, another organization.
    Organization,
}

/// How one side sounded during a stretch of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SentimentSpan {
    /// Who spoke.
    pub channel: Channel,
    /// Where the stretch begins, in milliseconds of media time.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
    /// From −100, all bad, to 100, all good.
    pub score: i8,
}

/// A question that was left without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenQuestion {
    /// The question, at most [`super::ITEM_CHARS`] characters.
    pub text: String,
    /// Who asked.
    pub asked_by: Channel,
    /// The segment that it stands in.
    pub links: Vec<Link>,
    /// The words in which it was asked.
    pub quote: String,
}

/// What a voice note holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diary {
    /// A heading: the day, where one was named, and what it is about.
    pub title: String,
    /// What it is about, the most mentioned first.
    pub topics: Vec<NoteItem>,
    /// What was done.
    pub done: Vec<NoteItem>,
    /// What is still to be done.
    pub todo: Vec<NoteItem>,
    /// How the speaker feels, where it shows.
    pub mood: Option<NoteItem>,
}
