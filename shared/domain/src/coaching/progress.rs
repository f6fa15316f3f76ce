//! Progress: which landmarks are reached and which objections were raised, each with its evidence, and the few marks
//! from which their states follow.
//!
//! A join semilattice: `add` keeps the earliest or the latest of each kind, or the latest few, so the result depends on
//! the set of findings and neither on their order nor on how often each arrives. What is kept is bounded by the
//! playbook, not by the length of the call.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use serde::{Deserialize, Serialize};

use super::{Evidence, Finding, FindingKind};
use crate::call::Channel;

/// How many raises, answers and resolutions are kept of an objection, each: the latest. Who repeats it more often
/// than this in one call, without an answer in between, is told nothing new by the earlier ones.
const MOST_MARKS: usize = 4;
/// How many acceptances are kept: the latest. Customers say one every other minute or so: this spans two hours.
const MOST_ACCEPTED: usize = 64;

/// What a call has reached so far, by the ids of its playbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Landmarks that were reached at some time: the earliest evidence.
    #[serde(default)]
    pub landmarks: BTreeMap<String, Evidence>,
    /// Objections that were raised at some time: the earliest evidence.
    #[serde(default)]
    pub objections: BTreeMap<String, Evidence>,
    /// What else the state of a landmark follows from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub landmark_marks: BTreeMap<String, LandmarkMarks>,
    /// What else the state of an objection follows from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub objection_marks: BTreeMap<String, ObjectionMarks>,
    /// Where the customer was content with whatever was answered last: starts of utterances, the latest 64.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accepted_ms: BTreeSet<u64>,
    /// What a model would ask next: the latest suggestion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Suggestion>,
}

/// What a model would ask next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suggestion {
    /// Where the last utterance ends that it had heard, in milliseconds of media time.
    pub heard_ms: u64,
    /// The landmark that it leads to.
    pub landmark: String,
    /// The question.
    pub question: String,
}

/// What the state of a landmark follows from, besides the earliest evidence that it was reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandmarkMarks {
    /// The earliest evidence that it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Evidence>,
    /// The latest evidence that it was reached, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_last: Option<Evidence>,
    /// The latest evidence that it no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_last: Option<Evidence>,
}

/// What the state of an objection follows from, besides the earliest evidence that it was raised. Times are starts of
/// utterances in milliseconds of media time; of each kind the latest 4 are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectionMarks {
    /// The latest evidence that it was raised, where there is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised_last: Option<Evidence>,
    /// Where it was raised.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub raised_ms: BTreeSet<u64>,
    /// Where the agent said what answers it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub answered_ms: BTreeSet<u64>,
    /// Where the customer was content with it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub resolved_ms: BTreeSet<u64>,
    /// The raise up to which a person dismissed its card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dismissed_ms: Option<u64>,
}

impl Progress {
    /// Takes a finding in. Says whether anything changed.
    pub fn add(&mut self, finding: &Finding) -> bool {
        let Finding { kind, id, evidence } = finding;
        let at_ms = evidence.start_ms;
        match kind {
            FindingKind::Landmark => {
                let marks = self.landmark_marks.entry(id.clone()).or_default();
                keep_ends(self.landmarks.entry(id.clone()), &mut marks.reached_last, evidence)
            }
            FindingKind::LandmarkStarted => {
                keep_earliest(&mut self.landmark_marks.entry(id.clone()).or_default().started, evidence)
            }
            FindingKind::LandmarkReopened => {
                keep_latest(&mut self.landmark_marks.entry(id.clone()).or_default().reopened_last, evidence)
            }
            FindingKind::Objection => {
                let marks = self.objection_marks.entry(id.clone()).or_default();
                let ends = keep_ends(self.objections.entry(id.clone()), &mut marks.raised_last, evidence);
                keep_latest_of(&mut marks.raised_ms, at_ms, MOST_MARKS) || ends
            }
            FindingKind::ObjectionAnswered => {
                let marks = self.objection_marks.entry(id.clone()).or_default();
                keep_latest_of(&mut marks.answered_ms, at_ms, MOST_MARKS)
            }
            FindingKind::ObjectionResolved => {
                let marks = self.objection_marks.entry(id.clone()).or_default();
                keep_latest_of(&mut marks.resolved_ms, at_ms, MOST_MARKS)
            }
            FindingKind::Accepted => keep_latest_of(&mut self.accepted_ms, at_ms, MOST_ACCEPTED),
        }
    }

    /// Takes all findings in. Says whether anything changed.
    pub fn add_all(&mut self, findings: &[Finding]) -> bool {
        findings.iter().filter(|finding| self.add(finding)).count() > 0
    }

    /// A model would ask this next: it stands until another that heard more takes its place. Says whether anything
    /// changed.
    pub fn suggest(&mut self, suggestion: Suggestion) -> bool {
        let newer = self.suggestion.as_ref().is_none_or(|known| *known < suggestion);
        if newer {
            self.suggestion = Some(suggestion);
        }
        newer
    }

    /// What was said there is known better, or some of it is masked: no evidence quotes what its text does not hold. Says
    /// whether anything changed.
    pub fn correct(&mut self, channel: Channel, start_ms: u64, text: &str) -> bool {
        let landmarks = self.landmark_marks.values_mut();
        let of_landmarks = landmarks.flat_map(|it| [&mut it.started, &mut it.reached_last, &mut it.reopened_last]);
        let of_objections = self.objection_marks.values_mut().map(|it| &mut it.raised_last);
        let marks = of_landmarks.chain(of_objections).flatten();
        let first = self.landmarks.values_mut().chain(self.objections.values_mut());
        let of_utterance = |it: &&mut Evidence| it.channel == channel && it.start_ms == start_ms;
        let wrong = first.chain(marks).filter(of_utterance).filter(|it| !text.contains(&it.quote));
        wrong.map(|evidence| text.clone_into(&mut evidence.quote)).count() > 0
    }

    /// A person takes back that they dismissed a card. Says whether anything changed.
    pub fn restore(&mut self, objection_id: &str) -> bool {
        self.objection_marks.get_mut(objection_id).is_some_and(|marks| marks.dismissed_ms.take().is_some())
    }

    /// A person dismissed the card of an objection whose evidence begins at `raised_ms`; raised again later, it comes
    /// back. Says whether anything changed.
    pub fn dismiss(&mut self, objection_id: &str, raised_ms: u64) -> bool {
        let marks = self.objection_marks.entry(objection_id.to_owned()).or_default();
        let later = marks.dismissed_ms.is_none_or(|known| known < raised_ms);
        if later {
            marks.dismissed_ms = Some(raised_ms);
        }
        later
    }

    /// The latest evidence that an objection was raised.
    pub fn raised_last(&self, objection_id: &str) -> Option<&Evidence> {
        let marks = self.objection_marks.get(objection_id);
        marks.and_then(|marks| marks.raised_last.as_ref()).or_else(|| self.objections.get(objection_id))
    }
}

/// Keeps the earliest evidence and, where it is another, the latest.
fn keep_ends(first: Entry<'_, String, Evidence>, last: &mut Option<Evidence>, evidence: &Evidence) -> bool {
    let Entry::Occupied(mut first) = first else {
        first.or_insert(evidence.clone());
        return true;
    };
    if first.get() == evidence {
        return false;
    }
    if !evidence.precedes(first.get()) {
        return keep_latest(last, evidence);
    }
    let known = first.insert(evidence.clone());
    last.get_or_insert(known);
    true
}

fn keep_earliest(known: &mut Option<Evidence>, evidence: &Evidence) -> bool {
    let keeps = known.as_ref().is_none_or(|known| evidence.precedes(known));
    if keeps {
        *known = Some(evidence.clone());
    }
    keeps
}

fn keep_latest(known: &mut Option<Evidence>, evidence: &Evidence) -> bool {
    let keeps = known.as_ref().is_none_or(|known| known.precedes(evidence));
    if keeps {
        *known = Some(evidence.clone());
    }
    keeps
}

fn keep_latest_of(known: &mut BTreeSet<u64>, at_ms: u64, most: usize) -> bool {
    if known.len() >= most && known.first().is_some_and(|first| at_ms < *first) {
        return false;
    }
    let is_new = known.insert(at_ms);
    if known.len() > most {
        known.pop_first();
    }
    is_new
}
