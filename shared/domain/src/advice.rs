//! Advice of a language model: what it is asked, and what of its answer may be shown.
//!
//! The rules decide first and alone; a model words their cards better and hears what they miss. It is never believed:
//! each claim names a quote that must stand in the transcript, and what a caller says is data, never an instruction.
//! Owns prompts, schemas and the judgement of answers. Does not speak to a model, count money or store anything.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    coaching::{Finding, Progress, Said},
    playbook::{Objection, Playbook},
};

mod guard;
mod judge;
mod prompt;
mod words;

pub use guard::Guard;
pub use judge::judge;
pub use prompt::ask;

/// A card says at most so much, in characters.
pub const MOST_CHARS: usize = crate::playbook::CARD_CHARS;
/// A question that is suggested has at most so many characters.
pub const MOST_QUESTION_CHARS: usize = 200;

/// Talk is looked at once per so much of a call, in milliseconds of media time: this, more than anything else, is what a
/// model costs.
pub const TALK_MS: u64 = 45_000;

/// What a model is told of a call.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the call is held against.
    pub playbook: &'a Playbook,
    /// Where it stands.
    pub progress: &'a Progress,
    /// The last utterances, by their start.
    pub said: &'a [Said<'a>],
    /// What was suggested in this call before, oldest first.
    pub suggested: &'a [String],
    /// What people thought of cards for these objections, in this and in earlier calls.
    pub lessons: &'a [Lesson],
}

/// What people thought of cards for one objection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lesson {
    /// The objection.
    pub objection: String,
    /// Wordings that were used or found helpful, latest first.
    pub worked: Vec<String>,
    /// Wordings that were dismissed or found to be no help, latest first.
    pub failed: Vec<String>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// The customer pushed back: what to answer, in the words of this call?
    Pushback(&'a Objection),
    /// People talked: which landmarks were reached, what was missed, what to ask next?
    Talk,
}

/// A question as a model gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// A name for the schema: letters and underscores.
    pub name: &'static str,
    /// What the model is to do. The same for all questions of a kind about a playbook.
    pub system: String,
    /// The call, as JSON.
    pub user: String,
    /// What its answer must look like, as a JSON Schema without optional properties.
    pub schema: Value,
    /// More than this is no answer.
    pub most_output_tokens: u32,
}

/// What of an answer may be shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Advice {
    /// Better words for cards, by objection.
    pub wordings: BTreeMap<String, Wording>,
    /// What the model heard, with the words that show it.
    pub findings: Vec<Finding>,
    /// What to ask next.
    pub next: Option<NextQuestion>,
    /// How many claims were dropped, by reason.
    pub dropped: BTreeMap<Dropped, u32>,
}

/// Better words for a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// What to say, at most [`MOST_CHARS`] characters.
    pub say: String,
    /// The question to ask then; empty where there is none.
    pub follow_up: String,
}

/// What to ask next.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NextQuestion {
    /// The landmark that it leads to.
    pub landmark: String,
    /// The question, at most [`MOST_QUESTION_CHARS`] characters.
    pub question: String,
}

/// Why a claim was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// It does not have the form that was asked for.
    Schema,
    /// Nothing of that id is in the playbook, or it is reached already.
    Unknown,
    /// Its quote is not in the transcript, or was said by the other side.
    NoQuote,
    /// Its quote speaks to the model instead of to the other person.
    Instruction,
    /// Its quote has nothing to do with what it is to show.
    Unrelated,
    /// It is too long.
    TooLong,
    /// It was suggested before.
    Repeated,
    /// The playbook forbids to say it.
    Guardrail,
    /// It states a number that stands neither in the playbook nor in the transcript.
    Number,
}

impl Dropped {
    /// Its name among the counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Unknown => "unknown",
            Self::NoQuote => "no_quote",
            Self::Instruction => "instruction",
            Self::Unrelated => "unrelated",
            Self::TooLong => "too_long",
            Self::Repeated => "repeated",
            Self::Guardrail => "guardrail",
            Self::Number => "number",
        }
    }
}

#[cfg(test)]
mod tests;
