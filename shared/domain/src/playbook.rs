//! Playbooks: what a call of a kind must reach, and how to answer pushback.
//!
//! Owns the model, the shipped playbooks, reading YAML with exact complaints, and the notation of signals. Does not
//! match anything: that is `coaching`. Does not store anything: a table keeps the serde form of [`Playbook`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{call::Channel, ids::PlaybookId};

mod check;
mod document;
pub(crate) mod signal;

/// The playbooks that ship with the program: file name and text.
pub const SHIPPED: &[(&str, &str)] = &[
    ("sales.yaml", include_str!("../playbooks/sales.yaml")),
    ("tax_relief.yaml", include_str!("../playbooks/tax_relief.yaml")),
];

/// The playbook of a call that names none.
pub const DEFAULT_ID: &str = "sales";

/// The longest text that fits on a card, in characters.
pub const CARD_CHARS: usize = 280;

/// What a call of a kind must reach, and how to answer pushback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Playbook {
    /// Unique within its organization.
    pub id: PlaybookId,
    /// The name that people see.
    pub name: String,
    /// Raised with every change, so that a finding can be traced to the text it was made with.
    pub version: u32,
    /// A language tag such as `en`: decides how words are reduced to stems.
    pub language: String,
    /// What the call must reach, in order.
    pub landmarks: Vec<Landmark>,
    /// What the customer may push back with.
    pub objections: Vec<Objection>,
    /// Names and products, handed to the speech service.
    #[serde(default)]
    pub terms: Vec<String>,
    /// Claims never to make.
    #[serde(default)]
    pub guardrails: Vec<String>,
    /// What customers of this playbook say when they are content with an answer, whichever objection it was to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acceptance: Vec<String>,
    /// Named lists of words that signals refer to as `{name}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lists: BTreeMap<String, Vec<String>>,
}

/// Something that a call must reach. Its place in the playbook is its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Landmark {
    /// Unique within its playbook.
    pub id: String,
    /// The label that people see.
    pub label: String,
    /// Why it matters.
    #[serde(default)]
    pub why: String,
    /// Whether it counts towards the percentage.
    pub required: bool,
    /// Who must say it; either side where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// What is said when it is reached.
    pub signals: Vec<String>,
    /// What, said in the same utterance, takes a match back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
    /// What is said when it has begun and is not yet reached: it was asked, for example. Either side may say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<String>,
    /// What is said when it no longer holds: it is contradicted or taken up again. Either side may say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reopens: Vec<String>,
    /// The question that gets there.
    #[serde(default)]
    pub question: String,
}

/// A way in which customers push back, and the answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Objection {
    /// Unique within its playbook.
    pub id: String,
    /// The label that people see.
    pub label: String,
    /// How much it endangers the call.
    pub severity: Severity,
    /// What customers say.
    pub signals: Vec<String>,
    /// What, said in the same utterance, takes a match back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unless: Vec<String>,
    /// What agents say in answer to it, besides words of `answer`, `follow_up` and `facts`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// What customers say who are content with it now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolves: Vec<String>,
    /// What to say now, at most [`CARD_CHARS`] characters.
    pub answer: String,
    /// The question to ask then.
    #[serde(default)]
    pub follow_up: String,
    /// Facts to lean on.
    #[serde(default)]
    pub facts: Vec<String>,
}

/// How much an objection endangers the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Passing remark.
    Low,
    /// Needs an answer.
    Medium,
    /// The call is lost without an answer.
    High,
}

/// Something wrong in a playbook's text: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Line, counted from 1.
    pub line: u64,
    /// Column in characters, counted from 1.
    pub column: u64,
    /// What is wrong, and what to do.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// Why a text is no playbook: its problems in the order of the lines, at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.problems))]
pub struct PlaybookError {
    /// What is wrong.
    pub problems: Vec<Problem>,
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Reads a playbook.
pub fn parse_yaml(text: &str) -> Result<Playbook, PlaybookError> {
    check(text).map_err(|problems| PlaybookError { problems })
}

/// Reads a playbook and tells everything that is wrong with it at once. Only broken YAML hides what follows it.
pub fn check(text: &str) -> Result<Playbook, Vec<Problem>> {
    check::check(text)
}

/// The shipped playbook of this id.
pub fn shipped(id: &str) -> Option<Playbook> {
    shipped_text(id).and_then(|text| parse_yaml(text).ok())
}

/// Whether a playbook of this id is shipped.
pub fn is_shipped(id: &str) -> bool {
    shipped_text(id).is_some()
}

fn shipped_text(id: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(file, _)| file.strip_suffix(".yaml") == Some(id)).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests;
