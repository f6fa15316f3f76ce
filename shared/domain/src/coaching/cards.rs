//! Cards: what to say now. The rule layer's card is the playbook's own answer.
//!
//! Each objection that was raised has one card, with its status. The page opens at most [`OPEN_CARDS`] of those that
//! are active or reopened; the others keep their status, and one of them opens when a place becomes free.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::{Evidence, ObjectionState, Progress, Source};
use crate::playbook::{Objection, Playbook, Severity};

/// How many cards are open at once: who has to read more while the customer waits reads none.
pub const OPEN_CARDS: usize = 3;

/// What to say now that the customer pushed back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Facts of the playbook to lean on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// What the customer said when they raised it last.
    pub evidence: Evidence,
    /// Who worded it.
    pub source: Source,
    /// Where it stands.
    pub status: CardStatus,
}

/// Where a card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// It waits to be used.
    Active,
    /// The agent answered.
    Answered,
    /// The customer is content.
    Resolved,
    /// The customer raised it again after an answer.
    Reopened,
    /// A person put it away; it comes back when the customer raises it again.
    Dismissed,
}

impl CardStatus {
    /// Whether the agent has something to say to it now.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Reopened)
    }
}

impl From<ObjectionState> for CardStatus {
    fn from(state: ObjectionState) -> Self {
        match state {
            ObjectionState::Active => Self::Active,
            ObjectionState::Answered => Self::Answered,
            ObjectionState::Resolved => Self::Resolved,
            ObjectionState::Reopened => Self::Reopened,
        }
    }
}

impl Progress {
    /// The cards of all objections raised so far, in the order in which they were first raised.
    pub fn cards(&self, playbook: &Playbook) -> Vec<Card> {
        self.raised(playbook).into_iter().filter_map(|(objection, state)| self.card_of(objection, state)).collect()
    }

    /// The card of one objection, if it was raised and the playbook knows it.
    pub fn card(&self, playbook: &Playbook, objection_id: &str) -> Option<Card> {
        self.cards(playbook).into_iter().find(|card| card.objection == objection_id)
    }

    /// The cards to show open: active or reopened, the gravest first and of those the latest raised, at most
    /// [`OPEN_CARDS`].
    pub fn open_cards(&self, playbook: &Playbook) -> Vec<Card> {
        let mut cards = self.cards(playbook);
        cards.retain(|card| card.status.is_open());
        cards.sort_by_key(|card| Reverse((card.severity, card.evidence.start_ms)));
        cards.truncate(OPEN_CARDS);
        cards
    }

    /// The cards that are new or other than they were before: those to store and to push.
    pub fn cards_since(&self, before: &Self, playbook: &Playbook) -> Vec<Card> {
        let known = before.cards(playbook);
        let mut cards = self.cards(playbook);
        cards.retain(|card| !known.contains(card));
        cards
    }

    /// What was raised and where it stands, in the order of the first raise.
    pub(super) fn raised<'p>(&self, playbook: &'p Playbook) -> Vec<(&'p Objection, ObjectionState)> {
        let standings = playbook.objections.iter().zip(self.standings(playbook));
        let mut raised: Vec<_> = standings.filter_map(|(objection, state)| Some((objection, state?))).collect();
        // Stable: what was raised in one utterance stays in the playbook's order.
        raised.sort_by_key(|(it, _)| self.objections.get(&it.id).map(|first| (first.start_ms, first.channel)));
        raised
    }

    fn card_of(&self, objection: &Objection, state: ObjectionState) -> Option<Card> {
        let evidence = self.raised_last(&objection.id)?;
        let dismissed = self.objection_marks.get(&objection.id).and_then(|marks| marks.dismissed_ms);
        let put_away = state != ObjectionState::Resolved && dismissed.is_some_and(|at_ms| evidence.start_ms <= at_ms);
        Some(Card {
            id: objection.id.clone(),
            objection: objection.id.clone(),
            label: objection.label.clone(),
            severity: objection.severity,
            say: objection.answer.clone(),
            follow_up: objection.follow_up.clone(),
            facts: objection.facts.clone(),
            evidence: evidence.clone(),
            source: Source::Rule,
            status: if put_away { CardStatus::Dismissed } else { state.into() },
        })
    }
}
