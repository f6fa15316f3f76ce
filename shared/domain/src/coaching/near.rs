//! Near matches: words that a recognizer writes for one another.
//!
//! Each known stem is stored under itself and under what remains when a letter or two are left out, so a look-up costs
//! a few hashes instead of a comparison with every stem.

use std::collections::HashMap;

use super::words::{Stem, UNKNOWN};

/// Stems shorter than this are never near another: too many real words differ by a letter.
const SHORTEST: usize = 5;
/// From this length on two letters may differ: "construction" is no contract.
const LONG: usize = 10;

/// Known stems, findable with a letter or two wrong.
#[derive(Debug, Clone, Default)]
pub(super) struct Near {
    by_rest: HashMap<String, Vec<Stem>>,
    stems: HashMap<Stem, String>,
}

impl Near {
    /// Takes stems and their numbers.
    pub(super) fn new<'s>(stems: impl Iterator<Item = (&'s str, Stem)>) -> Self {
        let mut near = Self::default();
        for (stem, number) in stems.filter(|(stem, _)| stem.is_ascii() && stem.len() >= SHORTEST) {
            near.stems.insert(number, stem.to_owned());
            rests(stem, &mut |rest| {
                let numbers = near.by_rest.entry(rest.to_owned()).or_default();
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            });
        }
        // The map of a lexicon has no order of its own; findings must not depend on it.
        near.by_rest.values_mut().for_each(|numbers| numbers.sort_unstable());
        near
    }

    /// Fills in the known stems that this unknown one may stand for.
    pub(super) fn find(&self, stem: &str, found: &mut [Stem; 3]) {
        if !stem.is_ascii() || stem.len() < SHORTEST {
            return;
        }
        rests(stem, &mut |rest| {
            for number in self.by_rest.get(rest).into_iter().flatten() {
                let known = self.stems.get(number).map(String::as_str).unwrap_or_default();
                if !found.contains(number)
                    && is_near(known, stem)
                    && let Some(slot) = found.iter_mut().find(|slot| **slot == UNKNOWN)
                {
                    *slot = *number;
                }
            }
        });
    }
}

/// Whether one may have been heard for the other: the first letter stands, and little else differs.
fn is_near(known: &str, heard: &str) -> bool {
    let allowed = if known.len().min(heard.len()) >= LONG { 2 } else { 1 };
    known.as_bytes().first() == heard.as_bytes().first() && strsim::osa_distance(known, heard) <= allowed
}

/// The stem itself, and what remains of it with a letter, or two of a long one, left out.
fn rests(stem: &str, each: &mut impl FnMut(&str)) {
    each(stem);
    let mut rest = String::with_capacity(stem.len());
    for first in 0..stem.len() {
        leave_out(stem, first, stem.len(), &mut rest);
        each(&rest);
        if stem.len() >= LONG {
            for second in first + 1..stem.len() {
                leave_out(stem, first, second, &mut rest);
                each(&rest);
            }
        }
    }
}

fn leave_out(stem: &str, first: usize, second: usize, rest: &mut String) {
    rest.clear();
    rest.extend(stem.char_indices().filter(|(at, _)| *at != first && *at != second).map(|(_, c)| c));
}
