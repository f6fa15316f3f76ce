//! People, organizations, amounts and dates that were named.
//!
//! Names are taken where something leads to them ("my name is", "calling from") or an organization's ending follows,
//! never from a capital alone; a recognizer that writes none still gives those.

use std::{
    collections::{HashMap, hash_map::Entry},
    ops::Range,
};

use super::{
    amounts,
    cues::Cues,
    due,
    items::{Entity, EntityKind, Link},
    names,
    reading::Utterance,
};
use crate::{
    coaching::quote::{contains_words, normal},
    playbook::Playbook,
};

/// How many entities notes hold, and how many places each links to.
const MOST: usize = 40;
const MOST_LINKS: usize = 5;

/// Collects entities in the order of their first mention.
#[derive(Debug, Default)]
struct Found {
    entities: Vec<Entity>,
    by_words: HashMap<(EntityKind, String), usize>,
}

impl Found {
    fn add(&mut self, kind: EntityKind, text: &str, link: Link) {
        let number = self.entities.len();
        // "Monday" is the "Monday at ten" that was named before.
        let fuller = |it: &Entity| it.kind == kind && contains_words(&it.text, text);
        if kind == EntityKind::Date
            && let Some(known) = self.entities.iter().position(fuller)
        {
            return self.link(known, link);
        }
        match self.by_words.entry((kind, normal(text))) {
            Entry::Occupied(known) => {
                let known = *known.get();
                self.link(known, link);
            }
            Entry::Vacant(_) if number >= MOST => {}
            Entry::Vacant(new) => {
                new.insert(number);
                self.entities.push(Entity { kind, text: text.to_owned(), links: vec![link] });
            }
        }
    }

    fn link(&mut self, entity: usize, link: Link) {
        let links = &mut self.entities[entity].links;
        if links.len() < MOST_LINKS && !links.contains(&link) {
            links.push(link);
        }
    }
}

/// The entities of a call.
pub(super) fn entities(playbook: &Playbook, utterances: &[Utterance<'_>], cues: Option<&Cues>) -> Vec<Entity> {
    let mut found = Found::default();
    let terms = names::terms(playbook);
    for utterance in utterances {
        let link = Link::to(&utterance.said);
        let mut here: Vec<(EntityKind, Range<usize>)> = Vec::new();
        let bytes = |words: Range<usize>| byte_range(utterance, &words);
        here.extend(amounts::amounts(utterance, cues).into_iter().map(|amount| (EntityKind::Amount, amount)));
        for sentence in &utterance.sentences {
            let dates = due::all(&utterance.words, sentence, cues).into_iter().filter(|date| date.names_a_day);
            here.extend(dates.map(|date| (EntityKind::Date, bytes(date.day..date.words.end))));
        }
        let named = names::terms_in(utterance, &terms).into_iter().map(|words| (EntityKind::Organization, words));
        let introduced = cues.map(|cues| names::names(utterance, cues)).unwrap_or_default();
        here.extend(named.chain(introduced).map(|(kind, words)| (kind, bytes(words))));
        here.sort_by_key(|(kind, bytes)| (bytes.start, *kind));
        for (kind, bytes) in here {
            found.add(kind, &utterance.said.text[bytes], link);
        }
    }
    link_people(&mut found, utterances, cues);
    found.entities
}

/// Links people to the other places where a part of their name was said.
fn link_people(found: &mut Found, utterances: &[Utterance<'_>], cues: Option<&Cues>) {
    let Some(cues) = cues else { return };
    let mut parts: HashMap<String, usize> = HashMap::new();
    for (number, entity) in found.entities.iter().enumerate().filter(|(_, it)| it.kind == EntityKind::Person) {
        for part in normal(&entity.text).split_whitespace().filter(|part| !cues.titles.contains(part)) {
            parts.entry(part.to_owned()).or_insert(number);
        }
    }
    for utterance in utterances {
        for number in utterance.words.iter().filter_map(|word| parts.get(&word.text)) {
            found.link(*number, Link::to(&utterance.said));
        }
    }
}

fn byte_range(utterance: &Utterance<'_>, words: &Range<usize>) -> Range<usize> {
    utterance.words[words.start].bytes.start..utterance.words[words.end - 1].bytes.end
}
