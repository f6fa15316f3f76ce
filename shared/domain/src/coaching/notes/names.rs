//! Names of people and organizations, by what leads to them.

use std::{collections::HashMap, ops::Range};

use super::{
    cues::Cues,
    items::EntityKind,
    reading::{Utterance, Word},
};
use crate::{coaching::quote::normal, playbook::Playbook};

/// The most words of a person's and of an organization's name.
const PERSON_WORDS: usize = 3;
const ORGANIZATION_WORDS: usize = 5;

/// The same where no capitals show where a name ends.
const UNCASED_PERSON_WORDS: usize = 2;
const UNCASED_ORGANIZATION_WORDS: usize = 3;

/// The playbook's terms that are names, as words, by their first word.
pub(super) fn terms(playbook: &Playbook) -> HashMap<String, Vec<Vec<String>>> {
    let mut terms: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for term in playbook.terms.iter().filter(|term| term.starts_with(char::is_uppercase)) {
        let words: Vec<String> = normal(term).split_whitespace().map(str::to_owned).collect();
        if let Some(first) = words.first() {
            terms.entry(first.clone()).or_default().push(words);
        }
    }
    terms
}

/// Where those terms stand.
pub(super) fn terms_in(utterance: &Utterance<'_>, terms: &HashMap<String, Vec<Vec<String>>>) -> Vec<Range<usize>> {
    let words = &utterance.words;
    let stands = |term: &&Vec<String>, at: usize| {
        words.len() >= at + term.len() && words[at..].iter().zip(term.iter()).all(|(word, it)| word.is(it))
    };
    let longest = |at: usize| {
        let known = terms.get(&words[at].text)?;
        known.iter().filter(|term| stands(term, at)).map(Vec::len).max().map(|length| at..at + length)
    };
    (0..words.len()).filter_map(longest).collect()
}

/// The names that an utterance tells.
pub(super) fn names(utterance: &Utterance<'_>, cues: &Cues) -> Vec<(EntityKind, Range<usize>)> {
    let words = &utterance.words;
    let reader = Reader { words, cased: utterance.cased, cues };
    let mut names: Vec<(EntityKind, Range<usize>)> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let found = reader.at(at);
        at = found.last().map_or(at + 1, |(_, range)| range.end.max(at + 1));
        names.extend(found);
    }
    names
}

struct Reader<'w> {
    words: &'w [Word],
    cased: bool,
    cues: &'w Cues,
}

impl Reader<'_> {
    /// The names that are led to from here: one, or a person and where they are from.
    fn at(&self, at: usize) -> Vec<(EntityKind, Range<usize>)> {
        let cues = self.cues;
        if let Some(found) = self.organization_by_ending(at) {
            return vec![(EntityKind::Organization, found)];
        }
        let lead = cues.organizations.at(self.words, at);
        if lead > 0 {
            let found = self.organization(at + lead);
            return found.map(|range| (EntityKind::Organization, range)).into_iter().collect();
        }
        if self.words[at].is_in(&cues.titles) {
            let name = self.run(at + 1, self.most(2, 1));
            return name.map(|name| (EntityKind::Person, at..name.end)).into_iter().collect();
        }
        let (sure, likely) = (cues.names.at(self.words, at), cues.likely_names.at(self.words, at));
        let introduces = cues.introductions.at(self.words, at);
        let lead = sure.max(likely).max(introduces);
        let Some(person) = self.run(at + lead, self.most(PERSON_WORDS, UNCASED_PERSON_WORDS)) else { return vec![] };
        let followed = self.words.get(person.end).is_some_and(|word| word.is_in(&cues.after_name));
        let counts = lead > 0 && (sure > 0 || followed && introduces + likely > 0 || likely > 0 && self.cased);
        if !counts || self.organization_by_ending(person.start).is_some() {
            return vec![];
        }
        let mut found = vec![(EntityKind::Person, person.clone())];
        if introduces > 0 && self.words.get(person.end).is_some_and(|word| word.is_in(&cues.from)) {
            found.extend(self.organization(person.end + 1).map(|range| (EntityKind::Organization, range)));
        }
        found
    }

    /// An organization that something leads to here.
    fn organization(&self, at: usize) -> Option<Range<usize>> {
        let at = at + usize::from(self.words.get(at).is_some_and(|word| word.is_in(&self.cues.articles)));
        let mut found = self.run(at, self.most(ORGANIZATION_WORDS, UNCASED_ORGANIZATION_WORDS))?;
        if !self.cased {
            let ending = found.clone().find(|at| self.words[*at].is_in(&self.cues.suffixes));
            found.end = ending.map_or(found.end, |ending| ending + 1);
        }
        Some(found)
    }

    /// Capitals that end as organizations do: "Harbor Insurance".
    fn organization_by_ending(&self, at: usize) -> Option<Range<usize>> {
        if !self.cased {
            return None;
        }
        let found = self.run(at, ORGANIZATION_WORDS)?;
        let last = found.clone().rev().find(|at| self.words[*at].is_in(&self.cues.suffixes))?;
        (last > found.start).then_some(found.start..last + 1)
    }

    /// The words from here that may be parts of a name.
    fn run(&self, at: usize, most: usize) -> Option<Range<usize>> {
        let words = self.words.get(at..)?;
        let fits = |word: &Word| self.may_be_name(word) && (!self.cased || word.capital);
        let run = words.iter().enumerate().take(most);
        let count = run.take_while(|(at, word)| fits(word) && (*at == 0 || word.follows_closely())).count();
        (count > 0).then_some(at..at + count)
    }

    fn may_be_name(&self, word: &Word) -> bool {
        let cues = self.cues;
        let common = [&cues.plain, &cues.fillers, &cues.days, &cues.months, &cues.titles, &cues.numbers];
        let starts_well = word.text.starts_with(char::is_alphabetic);
        starts_well && !common.into_iter().any(|words| word.is_in(words))
    }

    fn most(&self, cased: usize, uncased: usize) -> usize {
        if self.cased { cased } else { uncased }
    }
}
