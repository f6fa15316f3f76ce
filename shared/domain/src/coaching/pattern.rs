//! Patterns: signals made ready for matching.
//!
//! A signal becomes one pattern per phrase that it stands for. A pattern is a row of elements, each a set of stems
//! with a weight: a content word weighs three, a small word one.

use std::ops::Range;

use super::words::{Class, Lexicon, Stem};
use crate::playbook::signal::{MOST_VARIANTS, Part};

/// What a content word weighs.
pub(super) const CONTENT: f32 = 3.0;
/// What a small word weighs.
const LIGHT: f32 = 1.0;
/// From this many content words on that are not frequent, one may be missing.
const FORGIVING: usize = 5;

/// The share of its weight that a match may lack.
const MAY_LOSE: f32 = 0.08;
/// What a match with a single content word may lack: some skipping, and no word.
const SINGLE_MAY_LOSE: f32 = 0.35;

/// One place in a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    /// The stems that fit, ascending.
    pub(super) stems: Vec<Stem>,
    /// Any number fits.
    pub(super) number: bool,
    /// What it counts.
    pub(super) weight: f32,
    /// It may be missing at no cost.
    pub(super) optional: bool,
    /// It may not be missing, whatever the score.
    pub(super) essential: bool,
    /// A verb's form of the past fits as well: one of its words is such a form.
    pub(super) past: bool,
    /// Up to five words may stand before it at no cost.
    pub(super) gap_before: bool,
    /// Its words are too frequent to begin looking with.
    common: bool,
    /// Some of its words are small ones.
    mixed: bool,
}

/// A row of elements in the pool.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    /// Its elements.
    pub(super) elements: Range<usize>,
    /// The score that a match must reach.
    pub(super) threshold: f32,
    /// How many content words may be missing.
    pub(super) may_miss: usize,
    /// Whose signal it is: an index into the items.
    pub(super) item: usize,
    /// Whether a match takes one of the item back.
    pub(super) withdraws: bool,
    /// Whether it begins with a negation or a pronoun: "no, I…" is no negation of it.
    pub(super) stands_alone: bool,
    /// Whether it begins with a denial or a wish, so that its subject stands before it: "they | do not have the money".
    pub(super) lacks_subject: bool,
    /// Whether nothing may follow it in its sentence.
    pub(super) closes: bool,
}

/// What all patterns of a signal share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) item: usize,
    pub(super) withdraws: bool,
    pub(super) stands_alone: bool,
    pub(super) lacks_subject: bool,
    pub(super) closes: bool,
}

/// Spells out a signal: one row of elements per phrase. The lexicon learns its words.
pub(super) fn spell_out(parts: &[Part], lexicon: &mut Lexicon) -> Vec<Vec<Element>> {
    let mut rows: Vec<Vec<Element>> = vec![Vec::new()];
    let mut gap = false;
    for part in parts {
        let mut branches: Vec<Vec<Element>> = match part {
            Part::Gap => {
                gap = true;
                continue;
            }
            Part::End => continue,
            Part::Word(word) => vec![lexicon.learn(word).into_iter().map(|word| element(&[word])).collect()],
            Part::Choice { options, number, optional } => choice(options, *number, *optional, lexicon),
        };
        if std::mem::take(&mut gap) {
            branches.iter_mut().filter_map(|branch| branch.first_mut()).for_each(|first| first.gap_before = true);
        }
        let longer = rows.iter().flat_map(|row| branches.iter().map(|branch| [row.as_slice(), branch].concat()));
        rows = longer.take(MOST_VARIANTS).collect();
    }
    rows.retain(|row| row.iter().any(|element| !element.optional && element.weight >= CONTENT));
    rows.iter_mut().for_each(|row| weigh_mixed(row));
    rows
}

/// Alternatives of which some are small words weigh as little as these, where another word tells the signal apart:
/// "what if (i|things) … leave" is not said in "is it enough if I leave".
fn weigh_mixed(row: &mut [Element]) {
    let tells = |element: &Element| !element.optional && !element.mixed && element.weight >= CONTENT;
    if !row.iter().any(tells) {
        return;
    }
    for element in row.iter_mut().filter(|element| element.mixed) {
        element.weight = LIGHT;
        element.essential |= !element.optional;
    }
}

/// Options of one word share an element; each phrase is a branch of its own.
fn choice(options: &[String], number: bool, optional: bool, lexicon: &mut Lexicon) -> Vec<Vec<Element>> {
    let mut single = Vec::new();
    let mut branches: Vec<Vec<Element>> = Vec::new();
    for option in options {
        let words = lexicon.learn(option);
        match words.as_slice() {
            [] => {}
            [word] => single.push(*word),
            _ => branches.push(words.iter().map(|word| element(&[*word])).collect()),
        }
    }
    if !single.is_empty() || number {
        let optional = optional && branches.is_empty();
        let shared = element(&single);
        // Who writes alternatives means one of them, however small the words.
        let essential = !optional && (number || shared.essential || shared.weight < CONTENT);
        let weight = if number { CONTENT } else { shared.weight };
        branches.push(vec![Element { number, optional, essential, weight, ..shared }]);
        if optional {
            return branches;
        }
    }
    if optional {
        branches.push(Vec::new());
    }
    branches
}

fn element(words: &[(Stem, Class)]) -> Element {
    let mut stems: Vec<Stem> = words.iter().map(|(stem, _)| *stem).collect();
    stems.sort_unstable();
    stems.dedup();
    let all = |class: Class| words.iter().all(|(_, it)| it.has(class));
    let light = all(Class::LIGHT) || all(Class::FILLER);
    let any_common = words.iter().any(|(_, it)| it.has(Class::COMMON) || it.has(Class::LIGHT));
    Element {
        stems,
        number: false,
        weight: if light { LIGHT } else { CONTENT },
        optional: false,
        // "Get" is not "get off", "do" not "do not".
        essential: words.iter().any(|(_, it)| it.has(Class::NEGATION) || it.has(Class::PARTICLE)),
        past: words.iter().any(|(_, it)| it.has(Class::PAST_FORM)),
        gap_before: false,
        common: any_common,
        mixed: !light && words.iter().any(|(_, it)| it.has(Class::LIGHT)),
    }
}

impl Pattern {
    /// The pattern of this row, whose elements lie there in the pool.
    pub(super) fn new(row: &[Element], elements: Range<usize>, origin: Origin) -> Self {
        let Origin { item, withdraws, stands_alone, lacks_subject, closes } = origin;
        let counted = || row.iter().filter(|element| !element.optional);
        let content = counted().filter(|element| element.weight >= CONTENT).count();
        let telling = counted().filter(|element| element.weight >= CONTENT && !element.common).count();
        let total: f32 = counted().map(|element| element.weight).sum();
        let may_lose = match content {
            0 | 1 => SINGLE_MAY_LOSE,
            _ if telling >= FORGIVING => (total * MAY_LOSE).max(CONTENT + LIGHT),
            _ => total * MAY_LOSE,
        };
        Self {
            elements,
            threshold: total - may_lose,
            may_miss: usize::from(telling >= FORGIVING),
            item,
            withdraws,
            stands_alone,
            lacks_subject,
            closes,
        }
    }

    /// Where to begin looking for it: the elements of this row whose words are rarest, one more than may be missing.
    pub(super) fn anchors(&self, row: &[Element], uses: &[u32]) -> Vec<usize> {
        let mut content: Vec<usize> =
            (0..row.len()).filter(|at| row[*at].weight >= CONTENT && !row[*at].optional && !row[*at].number).collect();
        let cost = |at: &usize| {
            let frequency: u32 = row[*at].stems.iter().map(|stem| uses.get(*stem as usize).copied().unwrap_or(0)).sum();
            (row[*at].common, frequency)
        };
        content.sort_by_key(cost);
        content.truncate(self.may_miss + 1);
        content
    }
}
