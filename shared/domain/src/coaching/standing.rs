//! Where an objection stands: active, answered, resolved or reopened, folded from the marks of a call in the order of
//! their times.

use serde::{Deserialize, Serialize};

use super::Progress;
use crate::playbook::Playbook;

/// An answer counts this long after the objection, from start to start, and an acceptance as long after the answer:
/// beyond it people talk of something else.
const WINDOW_MS: u64 = 90_000;

/// Where an objection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ObjectionState {
    /// Raised, and not answered yet.
    Active,
    /// The agent answered it.
    Answered,
    /// The customer is content with it.
    Resolved,
    /// Raised again after an answer.
    Reopened,
}

impl ObjectionState {
    /// Whether the agent has something to say to it now.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Reopened)
    }
}

/// What happened. What happens in one utterance is taken in this order: "fine, but it is too expensive" ends with the
/// objection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happened {
    Answered,
    Resolved,
    Accepted,
    Raised,
}

/// An objection while marks are folded.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    state: Option<ObjectionState>,
    raised_ms: u64,
    answered_ms: u64,
}

impl Standing {
    fn raised(&mut self, at_ms: u64) {
        self.raised_ms = at_ms;
        self.state = Some(match self.state {
            None | Some(ObjectionState::Active) => ObjectionState::Active,
            Some(_) => ObjectionState::Reopened,
        });
    }

    fn answered(&mut self, at_ms: u64) {
        let in_time = self.raised_ms < at_ms && at_ms - self.raised_ms <= WINDOW_MS;
        match self.state {
            Some(state) if state.is_open() && in_time => self.state = Some(ObjectionState::Answered),
            Some(ObjectionState::Answered) => {}
            _ => return,
        }
        self.answered_ms = at_ms;
    }

    /// The customer is content with it, whatever the agent said.
    fn resolved(&mut self, at_ms: u64) {
        if self.state.is_some() && at_ms > self.raised_ms {
            self.state = Some(ObjectionState::Resolved);
        }
    }

    fn awaits_acceptance(&self, at_ms: u64) -> bool {
        self.state == Some(ObjectionState::Answered)
            && self.answered_ms < at_ms
            && at_ms - self.answered_ms <= WINDOW_MS
    }
}

impl Progress {
    /// Where each objection of the playbook stands, none where it was not raised; in the playbook's order.
    pub(super) fn standings(&self, playbook: &Playbook) -> Vec<Option<ObjectionState>> {
        let mut marks = self.marks(playbook);
        marks.sort_unstable();
        let mut standings = vec![Standing::default(); playbook.objections.len()];
        for (at_ms, happened, number) in marks {
            match happened {
                Happened::Raised => standings[number].raised(at_ms),
                Happened::Answered => standings[number].answered(at_ms),
                Happened::Resolved => standings[number].resolved(at_ms),
                Happened::Accepted => accept(&mut standings, at_ms),
            }
        }
        standings.into_iter().map(|standing| standing.state).collect()
    }

    /// All that is kept of the playbook's objections: when, what, and the objection's place.
    fn marks(&self, playbook: &Playbook) -> Vec<(u64, Happened, usize)> {
        let accepted = self.accepted_ms.iter().map(|at_ms| (*at_ms, Happened::Accepted, 0));
        let mut all: Vec<_> = accepted.collect();
        for (number, objection) in playbook.objections.iter().enumerate() {
            let first = self.objections.get(&objection.id);
            all.extend(first.map(|evidence| (evidence.start_ms, Happened::Raised, number)));
            let Some(marks) = self.objection_marks.get(&objection.id) else { continue };
            let mut extend = |times: &std::collections::BTreeSet<u64>, happened| {
                all.extend(times.iter().map(|at_ms| (*at_ms, happened, number)));
            };
            extend(&marks.raised_ms, Happened::Raised);
            extend(&marks.answered_ms, Happened::Answered);
            extend(&marks.resolved_ms, Happened::Resolved);
        }
        all
    }
}

/// An acceptance is of what was answered last; of all that one utterance answered.
fn accept(standings: &mut [Standing], at_ms: u64) {
    let waiting = standings.iter().filter(|standing| standing.awaits_acceptance(at_ms));
    let Some(last_ms) = waiting.map(|standing| standing.answered_ms).max() else { return };
    for standing in standings.iter_mut().filter(|standing| standing.awaits_acceptance(at_ms)) {
        if standing.answered_ms == last_ms {
            standing.state = Some(ObjectionState::Resolved);
        }
    }
}
