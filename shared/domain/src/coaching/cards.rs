//! Cards: what to say now. The rule layer's card is the playbook's own answer.

use serde::{Deserialize, Serialize};

use super::{Evidence, Progress};
use crate::playbook::{Objection, Playbook, Severity};

/// What to say now that the customer pushed back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Stable within the call: the objection's id, so a better card takes the place of this one.
    pub id: String,
    /// The objection of the playbook.
    pub objection: String,
    /// The objection's label.
    pub label: String,
    /// How much it endangers the call.
    pub severity: Severity,
    /// What to say.
    pub say: String,
    /// The question to ask then.
    pub follow_up: String,
    /// What the customer said.
    pub evidence: Evidence,
    /// Who worded it.
    pub source: CardSource,
    /// Where it stands.
    pub status: CardStatus,
}

/// Who worded a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardSource {
    /// The playbook.
    Rule,
    /// A language model.
    Model,
}

/// Where a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// It waits to be used.
    Active,
}

impl Progress {
    /// The cards of all objections raised so far, in the order in which they were raised.
    pub fn cards(&self, playbook: &Playbook) -> Vec<Card> {
        let mut cards: Vec<Card> = playbook
            .objections
            .iter()
            .filter_map(|objection| Some(card(objection, self.objections.get(&objection.id)?)))
            .collect();
        // Stable: what was raised in one utterance stays in the playbook's order.
        cards.sort_by_key(|card| (card.evidence.start_ms, card.evidence.channel));
        cards
    }

    /// The card of one objection, if it was raised and the playbook knows it.
    pub fn card(&self, playbook: &Playbook, objection_id: &str) -> Option<Card> {
        let objection = playbook.objections.iter().find(|objection| objection.id == objection_id)?;
        Some(card(objection, self.objections.get(objection_id)?))
    }
}

fn card(objection: &Objection, evidence: &Evidence) -> Card {
    Card {
        id: objection.id.clone(),
        objection: objection.id.clone(),
        label: objection.label.clone(),
        severity: objection.severity,
        say: objection.answer.clone(),
        follow_up: objection.follow_up.clone(),
        evidence: evidence.clone(),
        source: CardSource::Rule,
        status: CardStatus::Active,
    }
}
