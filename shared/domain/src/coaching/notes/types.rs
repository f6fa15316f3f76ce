//! What notes consist of, as it is stored and pushed. Knows nothing of how they come about.
//!
//! Whatever was added after the first notes were stored has a default, so that those still read.

use serde::{Deserialize, Serialize};

use super::{
    items::{Action, Diary, Entity, Link, NoteItem, OpenQuestion, SentimentSpan},
    quality::Quality,
    scorecard::Scorecard,
};
use crate::{call::Channel, coaching::Evidence, playbook::Severity};

/// What remains of a call when it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notes {
    /// The playbook that the call was held against.
    pub playbook: String,
    /// The version of that playbook.
    pub playbook_version: u32,
    /// A call of two, or one person's voice note.
    #[serde(default)]
    pub style: NotesStyle,
    /// Who wrote them.
    #[serde(default)]
    pub source: NotesSource,
    /// The call in one paragraph, at most [`super::SUMMARY_CHARS`] characters.
    pub summary: String,
    /// Share of the required landmarks that were reached.
    pub percent: u8,
    /// Landmarks that were reached, in the playbook's order.
    pub reached: Vec<ReachedLandmark>,
    /// Landmarks that were not, in the playbook's order.
    pub missed: Vec<MissedLandmark>,
    /// Objections in the order in which they were raised.
    pub objections: Vec<RaisedObjection>,
    /// What was agreed and by when, in the order of the call.
    #[serde(default)]
    pub agreements: Vec<NoteItem>,
    /// What somebody has to do, in the order of the call.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// People, organizations, amounts and dates that were named, in the order of their first mention.
    #[serde(default)]
    pub entities: Vec<Entity>,
    /// What troubles the customer.
    #[serde(default)]
    pub pain_points: Vec<NoteItem>,
    /// Questions that were left without an answer.
    #[serde(default)]
    pub open_questions: Vec<OpenQuestion>,
    /// How each side sounded, over equal stretches of the call.
    #[serde(default)]
    pub sentiment: Vec<SentimentSpan>,
    /// How the call went by its playbook. Without parts where there is nothing to score.
    #[serde(default)]
    pub scorecard: Scorecard,
    /// Who talked how much.
    pub talk: Talk,
    /// The longest stretch in which one side talked and the other did not.
    pub longest_monologue: Option<Monologue>,
    /// Who began while the other was talking, and how often.
    #[serde(default)]
    pub interruptions: Interruptions,
    /// A voice note's contents; none for a call of two.
    #[serde(default)]
    pub diary: Option<Diary>,
    /// How far these notes can be relied upon.
    #[serde(default)]
    pub quality: Quality,
}

/// What kind of talk notes are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotesStyle {
    /// Two sides talk.
    #[default]
    Call,
    /// One side talks and the other says next to nothing: a voice note, a diary.
    Monologue,
}

/// Who wrote notes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotesSource {
    /// The rules.
    #[default]
    Rule,
    /// A language model, upon what the rules found.
    Model,
}

/// A landmark that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReachedLandmark {
    /// The landmark of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// What was said that reached it.
    pub evidence: Evidence,
}

/// A landmark that was not reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MissedLandmark {
    /// The landmark of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// Whether it counts towards the percentage.
    pub required: bool,
    /// Why it matters.
    pub why: String,
}

/// An objection that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RaisedObjection {
    /// The objection of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// How much it endangered the call.
    pub severity: Severity,
    /// What the customer said first of it.
    pub evidence: Evidence,
    /// How it was met; none in older notes.
    #[serde(default)]
    pub met: Option<Met>,
}

/// How an objection was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Met {
    /// What the agent said to it; empty where nothing was said.
    pub quote: String,
    /// Where that was said, and where the customer gave in.
    pub links: Vec<Link>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an objection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The agent answered.
    Answered,
    /// The agent answered, and the customer was content with it.
    Resolved,
    /// The agent said nothing to it.
    Unanswered,
}

/// Who talked how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Talk {
    /// Speech of the agent, in milliseconds.
    pub agent_ms: u64,
    /// Speech of the customer, in milliseconds.
    pub customer_ms: u64,
    /// The agent's share of all speech in percent; none where nobody spoke.
    pub agent_percent: Option<u8>,
}

/// A stretch in which one side talked and the other did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Monologue {
    /// Who talked.
    pub channel: Channel,
    /// Where it begins, in milliseconds of media time.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

/// How often each side began to talk while the other was talking, and both went on. "Mhm" and "yeah, right" do not
/// count, where the language is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Interruptions {
    /// By the agent.
    pub agent: u32,
    /// By the customer.
    pub customer: u32,
}
