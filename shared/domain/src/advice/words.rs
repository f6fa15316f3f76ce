//! Content words, loosely: enough to tell whether two texts speak of the same thing.

use std::collections::BTreeSet;

use rust_stemmers::Stemmer;

use crate::coaching::stemmer_of;

/// Words that say nothing by themselves. Of other languages, words below [`SHORTEST`] letters are left out.
const LIGHT: &[&str] = &[
    "about", "after", "again", "all", "also", "and", "any", "are", "because", "been", "before", "being", "but", "can",
    "could", "did", "does", "don", "each", "for", "from", "get", "give", "going", "had", "has", "have", "her", "here",
    "him", "his", "how", "into", "its", "just", "let", "like", "make", "may", "might", "more", "most", "much", "must",
    "not", "now", "off", "one", "only", "other", "our", "out", "over", "own", "really", "say", "see", "shall", "she",
    "should", "some", "take", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "thing", "this", "those", "through", "too", "under", "until", "very", "want", "was", "way", "well", "were", "what",
    "when", "where", "which", "while", "who", "why", "will", "with", "would", "yes", "you", "your",
];

/// Shorter words are no content words.
const SHORTEST: usize = 3;

/// The stems of content words of a text.
pub(super) struct Stems {
    stemmer: Stemmer,
}

impl Stems {
    /// Of a language tag.
    pub(super) fn of(language: &str) -> Self {
        Self { stemmer: stemmer_of(language) }
    }

    /// The stems of a text's content words.
    pub(super) fn content(&self, text: &str) -> BTreeSet<String> {
        words(text)
            .filter(|word| word.chars().count() >= SHORTEST && !LIGHT.contains(&word.as_str()))
            .map(|word| self.stemmer.stem(&word).into_owned())
            .collect()
    }
}

/// The words of a text in lower case, without marks.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let apart = |c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’'));
    text.split(apart).map(|word| word.trim_matches(['\'', '’']).to_lowercase()).filter(|word| !word.is_empty())
}

/// The sentences of a text.
pub(super) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['.', '!', '?', ';']).map(str::trim).filter(|sentence| !sentence.is_empty())
}

/// English words of amounts; smaller ones are said of minutes and steps, too.
const AMOUNTS: &[&str] = &[
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "hundreds",
    "thousand",
    "thousands",
    "grand",
    "million",
    "millions",
    "half",
    "percent",
];

/// The numbers of a text: in digits without marks (`$4,000.50` is `400050`), and the words of amounts.
pub(super) fn numbers(text: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = words(text).filter(|word| AMOUNTS.contains(&word.as_str())).collect();
    let mut number = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = matches!(c, ',' | '.') && !number.is_empty() && chars.peek().is_some_and(char::is_ascii_digit);
        if c.is_ascii_digit() {
            number.push(c);
        } else if !inside && !number.is_empty() {
            found.insert(std::mem::take(&mut number));
        }
    }
    if !number.is_empty() {
        found.insert(number);
    }
    found
}

/// How much two texts have in common: shared stems by all stems, 0 to 1.
pub(super) fn likeness(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let all = one.union(other).count();
    if all == 0 { 0.0 } else { one.intersection(other).count() as f64 / all as f64 }
}
