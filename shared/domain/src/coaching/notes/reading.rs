//! An utterance as notes read it: words, sentences and clauses, each with its place in the text.
//!
//! Bears recognizer output: lower case, no punctuation. A mask such as `[card number]` is one word without letters, so
//! no cue and no name ever meets it. Knows no cue itself.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::cues::Cues;
use crate::coaching::{Said, contractions};

/// The longest mask, in bytes; a bracket that is closed later is none.
const LONGEST_MASK: usize = 48;

/// What a sentence ends with.
const MARKS: [char; 4] = ['.', '?', '!', '…'];

/// A word of an utterance, in lower case. The parts of a contraction share their bytes.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) bytes: Range<usize>,
    /// Whether it is written with a capital.
    pub(super) capital: bool,
    /// Whether a sentence ends before it.
    opens_sentence: bool,
    /// Whether a comma or the like stands before it.
    after_pause: bool,
}

impl Word {
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    /// Whether nothing but space stands between it and the word before.
    pub(super) fn follows_closely(&self) -> bool {
        !self.opens_sentence && !self.after_pause
    }

    /// "a.m", "u.s": the full stop behind it ends no sentence.
    fn is_abbreviation(&self) -> bool {
        self.text.contains('.') && self.text.starts_with(char::is_alphabetic)
    }

    /// Whether it stands in the text as it is, rather than with a possessive or within a contraction.
    pub(super) fn is_whole(&self) -> bool {
        self.bytes.len() == self.text.len()
    }

    pub(super) fn is_in(&self, words: &HashSet<&str>) -> bool {
        words.contains(self.text.as_str())
    }
}

/// An utterance with its words.
#[derive(Debug)]
pub(super) struct Utterance<'a> {
    pub(super) said: Said<'a>,
    pub(super) words: Vec<Word>,
    /// Whether capitals mean anything: a recognizer may write none, or nothing else.
    pub(super) cased: bool,
    /// Its sentences, as ranges of words.
    pub(super) sentences: Vec<Range<usize>>,
}

impl<'a> Utterance<'a> {
    pub(super) fn read(said: Said<'a>, cues: Option<&Cues>) -> Self {
        let mut words = Vec::with_capacity(said.text.len() / 5);
        let mut seen_to = 0;
        split(said.text, |spelling, bytes, capital| {
            let between = said.text.get(seen_to..bytes.start).unwrap_or_default();
            let after_title = words.last().is_some_and(|last: &Word| cues.is_some_and(|cues| last.is_in(&cues.titles)));
            let abbreviated = after_title || words.last().is_some_and(Word::is_abbreviation) && !capital;
            let opens = words.is_empty() || (between.contains(['.', '?', '!', ';', '\n', '¿', '¡']) && !abbreviated);
            let pause = between.contains([',', ':', '–', '—']) || between.contains(" - ");
            let mut first = true;
            let mut push = |text: &str| {
                words.push(Word {
                    text: text.to_owned(),
                    bytes: bytes.clone(),
                    capital,
                    opens_sentence: first && opens,
                    after_pause: first && pause,
                });
                first = false;
            };
            match cues {
                Some(_) => contractions::spell_out(spelling, push),
                None => push(spelling),
            }
            seen_to = bytes.end;
        });
        let letters = || said.text.chars().filter(|c| c.is_alphabetic());
        let cased = letters().any(char::is_uppercase) && letters().any(char::is_lowercase);
        let sentences = runs(&words, 0..words.len(), |at| words[at].opens_sentence);
        Self { said, words, cased, sentences }
    }

    /// The words of this range as they stand in the text.
    pub(super) fn bare(&self, range: &Range<usize>) -> &'a str {
        self.slice(range).trim_end_matches(MARKS)
    }

    /// The words of this range as they stand in the text, with the mark that ends a sentence.
    pub(super) fn slice(&self, range: &Range<usize>) -> &'a str {
        let (Some(first), Some(last)) = (self.words.get(range.start), self.words.get(range.end.wrapping_sub(1))) else {
            return "";
        };
        let text = self.said.text;
        let after = &text[last.bytes.end..];
        let marks = after.len() - after.trim_start_matches(MARKS).len();
        &text[first.bytes.start..last.bytes.end + marks]
    }

    /// Whether this sentence ends in a question mark.
    pub(super) fn asks(&self, sentence: &Range<usize>) -> bool {
        self.slice(sentence).ends_with('?')
    }

    /// Whether it only shows that somebody listens: "mhm", "yeah, right".
    pub(super) fn is_nod(&self, cues: &Cues) -> bool {
        self.words.iter().all(|word| word.is_in(&cues.fillers) || word.is_in(&cues.tags))
    }

    /// A sentence in clauses: a new one begins where a comma or a joining word is followed by somebody who acts.
    pub(super) fn clauses(&self, sentence: &Range<usize>, cues: &Cues) -> Vec<Range<usize>> {
        let words = &self.words;
        let joined = |at: usize| words[at].after_pause || words[at].is_in(&cues.joins);
        let acts = |at: usize| words.get(at).is_some_and(|word| word.is_in(&cues.openers));
        runs(words, sentence.clone(), |at| {
            let joins = words[at].is_in(&cues.joins);
            (joins && acts(at + 1)) || (acts(at) && words[at].after_pause && !joined(at - 1))
        })
    }
}

/// Cuts a range of words before each word that begins something.
fn runs(words: &[Word], range: Range<usize>, begins: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut from = range.start;
    for at in range.start + 1..range.end.min(words.len()) {
        if begins(at) {
            runs.push(from..at);
            from = at;
        }
    }
    if from < range.end {
        runs.push(from..range.end);
    }
    runs
}

/// Phrases by their first word.
#[derive(Debug, Default)]
pub(super) struct Phrases(HashMap<&'static str, Vec<Vec<&'static str>>>);

impl Phrases {
    /// Phrases with a bar between them.
    pub(super) fn of(phrases: &'static str) -> Self {
        let mut by_first: HashMap<&'static str, Vec<Vec<&'static str>>> = HashMap::new();
        for phrase in phrases.split('|') {
            let words: Vec<&'static str> = phrase.split_whitespace().collect();
            if let Some(first) = words.first() {
                by_first.entry(first).or_default().push(words);
            }
        }
        Self(by_first)
    }

    /// How many words the longest phrase has that stands here, 0 where none does. It ends within `words`.
    pub(super) fn at(&self, words: &[Word], at: usize) -> usize {
        let Some(known) = words.get(at).and_then(|word| self.0.get(word.text.as_str())) else { return 0 };
        let stands = |phrase: &&Vec<&'static str>| {
            let Some(here) = words.get(at..at + phrase.len()) else { return false };
            let one_sentence = here[1..].iter().all(|word| !word.opens_sentence);
            one_sentence && here.iter().zip(phrase.iter()).all(|(word, it)| word.is(it))
        };
        known.iter().filter(stands).map(Vec::len).max().unwrap_or(0)
    }

    /// As [`Phrases::at`], where words of this kind may stand between those of the phrase.
    pub(super) fn at_across(&self, words: &[Word], at: usize, skipped: &HashSet<&str>) -> usize {
        let Some(known) = words.get(at).and_then(|word| self.0.get(word.text.as_str())) else { return 0 };
        let length = |phrase: &Vec<&'static str>| {
            let mut end = at + 1;
            for it in &phrase[1..] {
                end += words.get(end..)?.iter().take_while(|word| !word.is(it) && word.is_in(skipped)).count();
                words.get(end).filter(|word| word.is(it))?;
                end += 1;
            }
            Some(end - at)
        };
        known.iter().filter_map(length).max().unwrap_or(0)
    }

    /// The first phrase within a range of words.
    pub(super) fn find(&self, words: &[Word], range: &Range<usize>) -> Option<Range<usize>> {
        let within = &words[..range.end];
        range.clone().find_map(|at| match self.at(within, at) {
            0 => None,
            length => Some(at..at + length),
        })
    }
}

/// Calls back with each word in lower case, its bytes, and whether it has a capital. A mask is one empty word.
fn split(text: &str, mut word: impl FnMut(&str, Range<usize>, bool)) {
    let mut spelling = String::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if let Some(length) = mask(&text[at..]) {
            word("", at..at + length, false);
            at += length;
            continue;
        }
        if !first.is_alphanumeric() {
            at += first.len_utf8();
            continue;
        }
        let length = word_length(&text[at..]);
        spelling.clear();
        let letters = text[at..at + length].chars();
        spelling.extend(letters.map(|c| if is_apostrophe(c) { '\'' } else { c }).flat_map(char::to_lowercase));
        word(&spelling, at..at + length, first.is_uppercase());
        at += length;
    }
}

/// The bytes of the mask that the text begins with.
fn mask(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let length = inner.bytes().take(LONGEST_MASK).position(|byte| byte == b']')?;
    Some(length + 2)
}

/// The bytes of the word that the text begins with: apostrophes within, and marks within a number, are part of it.
fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let mut last = ' ';
    // "a.m.": a full stop behind a single letter.
    let initial = text.chars().next().map_or(0, char::len_utf8);
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let goes_on = c.is_alphanumeric()
            || (is_apostrophe(c) && next.is_alphabetic())
            || (c == '.' && at == initial && last.is_alphabetic() && next.is_alphabetic())
            || (matches!(c, ',' | '.' | '/' | ':') && last.is_ascii_digit() && next.is_ascii_digit());
        if !goes_on {
            return at;
        }
        last = c;
    }
    text.len()
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘')
}
