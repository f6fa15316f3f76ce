//! Progress: which landmarks are reached and which objections were raised, each with its evidence.
//!
//! A join semilattice: `add` keeps the smallest evidence of each id, so the result depends on the set of findings and
//! neither on their order nor on how often each arrives.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Deserialize, Serialize};

use super::{Evidence, Finding, FindingKind};
use crate::playbook::{Landmark, Playbook};

/// What a call has reached so far, by the ids of its playbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Landmarks that were reached.
    #[serde(default)]
    pub landmarks: BTreeMap<String, Evidence>,
    /// Objections that were raised.
    #[serde(default)]
    pub objections: BTreeMap<String, Evidence>,
}

/// Progress as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressView {
    /// Share of the required landmarks that are done; of all landmarks where none is required.
    pub percent: u8,
    /// All landmarks in the playbook's order.
    pub landmarks: Vec<LandmarkView>,
    /// The ids of those that are open, in order.
    pub remaining: Vec<String>,
    /// The question that gets to the first open one, required ones first.
    pub next_question: Option<String>,
}

/// A landmark as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandmarkView {
    /// Unique within its playbook.
    pub id: String,
    /// The label that people see.
    pub label: String,
    /// Whether it counts towards the percentage.
    pub required: bool,
    /// Where it stands.
    pub state: LandmarkState,
    /// What was said that reached it.
    pub evidence: Option<Evidence>,
}

/// Where a landmark stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandmarkState {
    /// Not reached.
    Open,
    /// Reached.
    Done,
}

impl Progress {
    /// Takes a finding in. Says whether anything changed.
    pub fn add(&mut self, finding: &Finding) -> bool {
        let known = match finding.kind {
            FindingKind::Landmark => &mut self.landmarks,
            FindingKind::Objection => &mut self.objections,
        };
        match known.entry(finding.id.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(finding.evidence.clone());
                true
            }
            Entry::Occupied(mut entry) if finding.evidence.precedes(entry.get()) => {
                entry.insert(finding.evidence.clone());
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Where the call stands against this playbook. Ids that the playbook no longer has are left out.
    pub fn view(&self, playbook: &Playbook) -> ProgressView {
        let open: Vec<&Landmark> =
            playbook.landmarks.iter().filter(|it| !self.landmarks.contains_key(&it.id)).collect();
        let next = open.iter().find(|it| it.required).or(open.first());
        ProgressView {
            percent: self.percent(playbook),
            landmarks: playbook.landmarks.iter().map(|landmark| self.landmark_view(landmark)).collect(),
            remaining: open.iter().map(|landmark| landmark.id.clone()).collect(),
            next_question: next.map(|landmark| landmark.question.clone()).filter(|question| !question.is_empty()),
        }
    }

    fn landmark_view(&self, landmark: &Landmark) -> LandmarkView {
        let evidence = self.landmarks.get(&landmark.id).cloned();
        LandmarkView {
            id: landmark.id.clone(),
            label: landmark.label.clone(),
            required: landmark.required,
            state: if evidence.is_some() { LandmarkState::Done } else { LandmarkState::Open },
            evidence,
        }
    }

    fn percent(&self, playbook: &Playbook) -> u8 {
        let any_required = playbook.landmarks.iter().any(|landmark| landmark.required);
        let counted = || playbook.landmarks.iter().filter(|landmark| landmark.required || !any_required);
        let done = counted().filter(|landmark| self.landmarks.contains_key(&landmark.id)).count();
        let percent = (done * 100).checked_div(counted().count()).unwrap_or(100);
        u8::try_from(percent).unwrap_or(100)
    }
}
