//! Bodies of the REST API.

use callboard_domain::coaching::{Card, Notes, ProgressView};
use serde::{Deserialize, Serialize};

use crate::messages::{CallMessage, SegmentMessage};

/// `GET /health`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Version of the software.
    pub version: String,
}

/// `GET /v1/calls`: newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallList {
    /// The calls.
    pub calls: Vec<CallMessage>,
    /// Where the next page begins, if there is one: pass it as `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /v1/calls/{id}`: the snapshot that pushed messages are applied on top of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallSnapshot {
    /// The latest revision given out when the snapshot was begun. A change that had its revision by then but was not
    /// written yet is pushed later: what is newer is told by each part's own revision.
    pub revision: u64,
    /// The call.
    pub call: CallMessage,
    /// Its segments by start.
    pub segments: Vec<SegmentMessage>,
    /// Its progress, once something was found.
    pub progress: Option<Revised<ProgressView>>,
    /// Its cards.
    pub cards: Vec<Revised<Card>>,
    /// Its notes, after it ended.
    pub notes: Option<Revised<Notes>>,
}

/// A part of a snapshot with the revision that made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revised<T> {
    /// The call's revision that this change made.
    pub revision: u64,
    /// The part.
    #[serde(flatten)]
    pub value: T,
}

/// `GET /v1/calls/{id}/transcript`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// The call.
    pub call: String,
    /// Its segments by start.
    pub segments: Vec<SegmentMessage>,
}

/// An error, in the shape of RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// A short name of the kind of problem.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong with what, and what to do.
    pub detail: String,
}
