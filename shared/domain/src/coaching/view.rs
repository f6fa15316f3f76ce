//! Progress as people see it: each landmark and objection with its state, what remains, what to ask next.

use serde::{Deserialize, Serialize};

use super::{Evidence, ObjectionState, Progress};
use crate::playbook::{Landmark, Objection, Playbook, Severity};

/// Progress as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProgressView {
    /// Share of the required landmarks that are done; of all landmarks where none is required.
    pub percent: u8,
    /// All landmarks in the playbook's order.
    pub landmarks: Vec<LandmarkView>,
    /// The ids of those that are not done, in order.
    pub remaining: Vec<String>,
    /// The best question to ask now: that of an open card; else that of a landmark that was reopened, of the first open
    /// one (required ones first), of one that has begun.
    pub next_question: Option<String>,
    /// The objections that were raised, in the order of their first raise.
    #[serde(default)]
    pub objections: Vec<ObjectionView>,
}

/// A landmark as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LandmarkView {
    /// Unique within its playbook.
    pub id: String,
    /// The label that people see.
    pub label: String,
    /// Why it matters.
    #[serde(default)]
    pub why: String,
    /// Whether it counts towards the percentage.
    pub required: bool,
    /// Where it stands.
    pub state: LandmarkState,
    /// What was said that brought it there.
    pub evidence: Option<Evidence>,
}

/// Where a landmark stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LandmarkState {
    /// Not reached.
    Open,
    /// Begun, and not reached.
    Started,
    /// Reached.
    Done,
    /// It was reached and holds no longer.
    Reopened,
}

/// An objection as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ObjectionView {
    /// Unique within its playbook.
    pub id: String,
    /// The label that people see.
    pub label: String,
    /// How much it endangers the call.
    pub severity: Severity,
    /// Where it stands.
    pub state: ObjectionState,
    /// What the customer said when they raised it last.
    pub evidence: Evidence,
}

impl Progress {
    /// Where the call stands against this playbook. Ids that the playbook no longer has are left out.
    pub fn view(&self, playbook: &Playbook) -> ProgressView {
        let landmarks: Vec<LandmarkView> = playbook.landmarks.iter().map(|it| self.landmark_view(it)).collect();
        let remaining = landmarks.iter().filter(|it| it.state != LandmarkState::Done).map(|it| it.id.clone()).collect();
        ProgressView {
            percent: percent(&landmarks),
            remaining,
            next_question: self.next_question(playbook, &landmarks),
            objections: self.objection_views(playbook),
            landmarks,
        }
    }

    /// Where a landmark stands, and the evidence of it.
    fn landmark(&self, id: &str) -> (LandmarkState, Option<&Evidence>) {
        let marks = self.landmark_marks.get(id);
        let started = marks.and_then(|marks| marks.started.as_ref());
        let Some(first) = self.landmarks.get(id) else {
            let state = if started.is_some() { LandmarkState::Started } else { LandmarkState::Open };
            return (state, started);
        };
        let last = marks.and_then(|marks| marks.reached_last.as_ref()).unwrap_or(first);
        match marks.and_then(|marks| marks.reopened_last.as_ref()) {
            // What one utterance takes back and reaches is reached.
            Some(reopened) if reopened.start_ms > last.start_ms => (LandmarkState::Reopened, Some(reopened)),
            Some(reopened) if reopened.start_ms > first.start_ms => (LandmarkState::Done, Some(last)),
            _ => (LandmarkState::Done, Some(first)),
        }
    }

    fn landmark_view(&self, landmark: &Landmark) -> LandmarkView {
        let (state, evidence) = self.landmark(&landmark.id);
        LandmarkView {
            id: landmark.id.clone(),
            label: landmark.label.clone(),
            why: landmark.why.clone(),
            required: landmark.required,
            state,
            evidence: evidence.cloned(),
        }
    }

    fn objection_views(&self, playbook: &Playbook) -> Vec<ObjectionView> {
        let view = |(objection, state): (&Objection, ObjectionState)| {
            Some(ObjectionView {
                id: objection.id.clone(),
                label: objection.label.clone(),
                severity: objection.severity,
                state,
                evidence: self.raised_last(&objection.id)?.clone(),
            })
        };
        self.raised(playbook).into_iter().filter_map(view).collect()
    }

    /// The question that leads to a landmark: a model's, where it has a better one.
    fn question_to(&self, landmark: &Landmark) -> String {
        let suggested = self.suggestion.as_ref().filter(|it| it.landmark == landmark.id);
        suggested.map_or_else(|| landmark.question.clone(), |it| it.question.clone())
    }

    fn next_question(&self, playbook: &Playbook, landmarks: &[LandmarkView]) -> Option<String> {
        let follow_ups = self.open_cards(playbook).into_iter().map(|card| card.follow_up);
        let rank = |view: &LandmarkView| match view.state {
            LandmarkState::Reopened => Some((0, !view.required)),
            LandmarkState::Open => Some((1, !view.required)),
            LandmarkState::Started => Some((2, !view.required)),
            LandmarkState::Done => None,
        };
        // What a model that listened would ask comes before what the order says.
        let suggested = |id: &str| self.suggestion.as_ref().is_some_and(|it| it.landmark == id);
        let mut ranked: Vec<_> = playbook
            .landmarks
            .iter()
            .zip(landmarks)
            .filter_map(|(landmark, view)| Some(((!suggested(&landmark.id), rank(view)?), self.question_to(landmark))))
            .collect();
        // Stable: within a rank the playbook's order stands.
        ranked.sort_by_key(|(rank, _)| *rank);
        follow_ups.chain(ranked.into_iter().map(|(_, question)| question)).find(|question| !question.is_empty())
    }
}

fn percent(landmarks: &[LandmarkView]) -> u8 {
    let any_required = landmarks.iter().any(|landmark| landmark.required);
    let counted = || landmarks.iter().filter(|landmark| landmark.required || !any_required);
    let done = counted().filter(|landmark| landmark.state == LandmarkState::Done).count();
    let percent = (done * 100).checked_div(counted().count()).unwrap_or(100);
    u8::try_from(percent).unwrap_or(100)
}
