//! Calls as they are written out for tables elsewhere: JSON lines, one of a call and one of each of its segments. What
//! the columns are is documented in `infra/export/README.md`, which a test holds to this file.
//!
//! Every column is in every line, null where there is nothing: whoever reads them guesses no schema.

use callboard_domain::{
    CallId, CallStatus, Channel, OrgId, Word,
    call::EndReason,
    coaching::{Notes, NotesSource, Outcome},
    playbook::Severity,
    redaction::Kind,
};
use serde::Serialize;

use crate::items::{CallItem, ModelUse, NotesItem, RecordingItem, SegmentItem};

/// Where a call's lines are kept: that of the call, and those of its segments. Both begin with the day (UTC) on which it
/// began, as partitions are named.
pub fn keys(org: &OrgId, call: &CallId, started_at_ms: i64) -> [String; 2] {
    let date = date(started_at_ms);
    ["calls", "segments"].map(|table| format!("{table}/date={date}/{org}-{call}.jsonl"))
}

/// A line of the table `calls`. Times are wall clock, milliseconds since the Unix epoch, unless media time is said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedCall {
    /// Organization.
    pub org: OrgId,
    /// The call's id.
    pub call: CallId,
    /// `live` or `recorded`.
    pub kind: &'static str,
    /// Where it stands.
    pub status: CallStatus,
    /// Playbook.
    pub playbook: String,
    /// Its version when the notes were made.
    pub playbook_version: u32,
    /// Who captured or uploaded it.
    pub principal: String,
    /// Its channels.
    pub channels: Vec<Channel>,
    /// When it began.
    pub started_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: Option<i64>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Media time.
    pub duration_ms: u64,
    /// Name of the file that was uploaded.
    pub file_name: Option<String>,
    /// Language that was asked for.
    pub language: Option<String>,
    /// The call in one paragraph.
    pub summary: String,
    /// Share of the required landmarks that were reached.
    pub percent: u8,
    /// All landmarks of the playbook: those that were reached first.
    pub landmarks: Vec<ExportedLandmark>,
    /// Objections in the order in which they were raised.
    pub objections: Vec<ExportedObjection>,
    /// Speech of the agent, media time in ms.
    pub agent_ms: u64,
    /// Speech of the customer, media time in ms.
    pub customer_ms: u64,
    /// The agent's share of all speech.
    pub agent_percent: Option<u8>,
    /// Who wrote the notes: `rule` or `model`.
    pub notes_source: NotesSource,
    /// All of the notes, as JSON text.
    pub notes: String,
    /// Tokens that a language model read.
    pub model_input_tokens: u64,
    /// Tokens that it wrote.
    pub model_output_tokens: u64,
    /// Questions that it answered.
    pub model_answers: u64,
    /// Revision of the notes: of two lines of one call, the higher is the later.
    pub revision: u64,
}

/// A landmark in a line of the table `calls`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedLandmark {
    /// The landmark of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// Whether it was reached.
    pub reached: bool,
    /// What was said that reached it.
    pub quote: Option<String>,
    /// Where that was said, media time in ms.
    pub start_ms: Option<u64>,
}

/// An objection in a line of the table `calls`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedObjection {
    /// The objection of the playbook.
    pub id: String,
    /// Its label.
    pub label: String,
    /// How much it endangered the call.
    pub severity: Severity,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// What the customer said first of it.
    pub quote: String,
    /// Where that was said, media time in ms.
    pub start_ms: u64,
}

/// A line of the table `segments`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExportedSegment {
    /// Organization.
    pub org: OrgId,
    /// The call's id.
    pub call: CallId,
    /// Who spoke.
    pub channel: Channel,
    /// Where it begins, media time in ms.
    pub start_ms: u64,
    /// Where it ends, media time in ms.
    pub end_ms: u64,
    /// What was said, with masks where something was masked.
    pub text: String,
    /// The words with their times, where the service gave them.
    pub words: Vec<Word>,
    /// What was masked in the text.
    pub masked: Vec<Kind>,
    /// When it was spoken: wall clock, ms.
    pub spoken_at_ms: i64,
}

/// The line of a call.
pub fn call_line(
    call: &CallItem,
    notes: &NotesItem,
    recording: Option<&RecordingItem>,
    model: &ModelUse,
) -> ExportedCall {
    let revision = notes.revision;
    let notes = &notes.notes;
    ExportedCall {
        org: call.org.clone(),
        call: call.call.clone(),
        kind: if recording.is_some() { "recorded" } else { "live" },
        status: call.status,
        playbook: call.playbook.to_string(),
        playbook_version: notes.playbook_version,
        principal: call.principal.clone(),
        channels: call.channels.clone(),
        started_at_ms: call.started_at_ms,
        ended_at_ms: call.ended_at_ms,
        end_reason: call.end_reason,
        duration_ms: call.duration_ms,
        file_name: call.file_name.clone(),
        language: recording.and_then(|item| item.recording.wish.language.clone()),
        summary: notes.summary.clone(),
        percent: notes.percent,
        landmarks: landmarks(notes),
        objections: objections(notes),
        agent_ms: notes.talk.agent_ms,
        customer_ms: notes.talk.customer_ms,
        agent_percent: notes.talk.agent_percent,
        notes_source: notes.source,
        notes: serde_json::to_string(notes).unwrap_or_default(),
        model_input_tokens: model.input_tokens,
        model_output_tokens: model.output_tokens,
        model_answers: model.answers,
        revision,
    }
}

fn landmarks(notes: &Notes) -> Vec<ExportedLandmark> {
    let reached = notes.reached.iter().map(|it| ExportedLandmark {
        id: it.id.clone(),
        label: it.label.clone(),
        reached: true,
        quote: Some(it.evidence.quote.clone()),
        start_ms: Some(it.evidence.start_ms),
    });
    let missed = notes.missed.iter().map(|it| ExportedLandmark {
        id: it.id.clone(),
        label: it.label.clone(),
        reached: false,
        quote: None,
        start_ms: None,
    });
    reached.chain(missed).collect()
}

fn objections(notes: &Notes) -> Vec<ExportedObjection> {
    let objection = |it: &callboard_domain::coaching::RaisedObjection| ExportedObjection {
        id: it.id.clone(),
        label: it.label.clone(),
        severity: it.severity,
        outcome: it.met.as_ref().map(|met| met.outcome),
        quote: it.evidence.quote.clone(),
        start_ms: it.evidence.start_ms,
    };
    notes.objections.iter().map(objection).collect()
}

/// The lines of a call's segments: those in which something was said.
pub fn segment_lines(segments: &[SegmentItem]) -> Vec<ExportedSegment> {
    let said = segments.iter().filter(|segment| segment.is_final && !segment.text.is_empty());
    let line = |segment: &SegmentItem| ExportedSegment {
        org: segment.org.clone(),
        call: segment.call.clone(),
        channel: segment.channel,
        start_ms: segment.start_ms,
        end_ms: segment.end_ms,
        text: segment.text.clone(),
        words: segment.words.clone(),
        masked: segment.masked.iter().map(|span| span.kind).collect(),
        spoken_at_ms: segment.times.spoken,
    };
    said.map(line).collect()
}

/// JSON lines, as they are stored.
pub fn to_lines<T: Serialize>(lines: &[T]) -> Vec<u8> {
    let lines = lines.iter().map(|line| serde_json::to_string(line).unwrap_or_default() + "\n");
    lines.collect::<String>().into_bytes()
}

/// The day (UTC) of a time as `2026-11-21`, by the calendar that has always been Gregorian.
fn date(at_ms: i64) -> String {
    let days = at_ms.div_euclid(86_400_000) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months are counted from March.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests;
