//! Coaching: from what was said to progress, cards and notes. The rule layer: no model, no cost, microseconds.
//!
//! Owns the matching of a playbook's signals, what counts as evidence, and the views that people see. Does not know
//! calls, tables or messages, and never asks for more than one utterance at a time.

use serde::{Deserialize, Serialize};

use crate::call::Channel;

mod cards;
mod contractions;
mod english;
mod matcher;
mod near;
mod notes;
mod pattern;
mod progress;
mod quote;
mod rules;
mod scope;
mod words;

pub use cards::{Card, CardSource, CardStatus};
pub use notes::{
    Action, Diary, Entity, EntityKind, ITEM_CHARS, Interruptions, Link, Met, MissedLandmark, Monologue, NoteItem,
    Notes, NotesError, NotesSource, NotesStyle, OpenQuestion, Outcome, Owner, Quality, RaisedObjection,
    ReachedLandmark, SUMMARY_CHARS, ScorePart, Scorecard, SentimentSpan, Talk, from_model, notes, notes_request,
    notes_schema, notes_style, quality,
};
pub use progress::{LandmarkState, LandmarkView, Progress, ProgressView};
pub use quote::{Quotes, find_quote};
pub use rules::Rules;
pub(crate) use rules::check_signal;

/// One utterance, as far as coaching needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// Who spoke.
    pub channel: Channel,
    /// Where it begins, in milliseconds of media time.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// What was said.
    pub text: &'a str,
}

/// Something that an utterance shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Which landmark or objection of the playbook.
    pub id: String,
    /// What shows it.
    pub evidence: Evidence,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A landmark was reached.
    Landmark,
    /// The customer pushed back.
    Objection,
}

/// The words that show something, and where they were said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// A stretch of the transcript, exactly as it stands there.
    pub quote: String,
    /// Who said it.
    pub channel: Channel,
    /// Where the utterance begins, in milliseconds of media time.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

impl Evidence {
    /// Whether this evidence is kept rather than the other: the earlier one, by an order that leaves no ties.
    fn precedes(&self, other: &Self) -> bool {
        (self.start_ms, self.channel, &self.quote, self.end_ms)
            < (other.start_ms, other.channel, &other.quote, other.end_ms)
    }
}

#[cfg(test)]
mod tests;
