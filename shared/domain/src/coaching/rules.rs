//! The rules of one playbook, compiled: what an utterance shows.

use super::{Finding, Said};
use crate::playbook::Playbook;

/// A playbook made ready for matching. Compile once, read many.
#[derive(Debug, Clone)]
pub struct Rules {
    playbook: Playbook,
}

impl Rules {
    /// Makes a playbook ready for matching.
    pub fn compile(playbook: Playbook) -> Self {
        Self { playbook }
    }

    /// The playbook.
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// What this utterance shows, at most one finding per landmark and objection.
    pub fn read(&self, _said: &Said<'_>) -> Vec<Finding> {
        Vec::new()
    }
}
