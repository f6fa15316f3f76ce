//! Guardrails: claims that a playbook forbids, held against what a model would have people say.
//!
//! A guardrail is prose ("Never promise a result, a saving or an approval that is not in writing"), so what breaks it is
//! judged by the words that it has in common with a sentence, generously and whatever is denied in it: a card too many that
//! is dropped costs nothing, since the playbook's own stays.

use std::collections::BTreeSet;

use super::words::{Stems, sentences, words};
use crate::playbook::Playbook;

/// Words of a guardrail that say how it forbids, not what.
const FORBIDDING: &[&str] =
    &["never", "not", "no", "don't", "do", "avoid", "unless", "say", "claim", "state", "mention", "suggest", "imply"];
/// Words that claim the same, by the first of them.
const SAME: &[&[&str]] = &[
    &[
        "promise",
        "guarantee",
        "assure",
        "ensure",
        "certain",
        "certainly",
        "definitely",
        "surely",
        "pledge",
        "risk-free",
    ],
    &["result", "outcome", "success"],
    &["saving", "save", "saves", "savings", "cheaper"],
    &["approval", "approve", "approved", "accepted", "qualify"],
    &["ends", "end", "expires", "expire", "last", "deadline", "over"],
    &["free", "costless"],
];
/// So many words in common break a guardrail.
const ENOUGH: usize = 2;

/// The guardrails of a playbook, ready to be held against texts.
pub struct Guard {
    stems: Stems,
    forbidden: Vec<BTreeSet<String>>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Guard").field("guardrails", &self.forbidden.len()).finish_non_exhaustive()
    }
}

impl Guard {
    /// Of a playbook.
    pub fn of(playbook: &Playbook) -> Self {
        let stems = Stems::of(&playbook.language);
        let forbidden = playbook.guardrails.iter().map(|text| claim(&stems, text)).collect();
        Self { stems, forbidden }
    }

    /// Whether a text claims what a guardrail forbids.
    pub fn breaks(&self, text: &str) -> bool {
        sentences(text).any(|sentence| {
            let said = claim(&self.stems, sentence);
            self.forbidden.iter().any(|claim| {
                let shared = claim.intersection(&said).count();
                shared >= ENOUGH || (shared > 0 && shared == claim.len())
            })
        })
    }
}

/// The content of a claim, each word as the first of those that claim the same.
fn claim(stems: &Stems, text: &str) -> BTreeSet<String> {
    let kept: Vec<String> = words(text)
        .filter(|word| !FORBIDDING.contains(&word.as_str()))
        .map(|word| same_as(&word).unwrap_or(word))
        .collect();
    stems.content(&kept.join(" "))
}

fn same_as(word: &str) -> Option<String> {
    let begins_as = |known: &str| known.len() >= 4 && word.starts_with(known) && word.len() <= known.len() + 2;
    let group = SAME.iter().find(|group| group.iter().any(|known| *known == word || begins_as(known)))?;
    group.first().map(|first| (*first).to_owned())
}
