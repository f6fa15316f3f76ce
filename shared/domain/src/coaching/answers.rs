//! Whether what an agent says is the playbook's answer to an objection, in their own words.
//!
//! Nobody reads a card aloud. An utterance counts as the answer where it shares at least [`SENTENCE_WORDS`] content words
//! with one sentence of the playbook's answer, follow-up or facts and at least half of that sentence's, or at least
//! [`TEXT_WORDS`] with all of them together. Half of a sentence is what remains of it in other words; two sentences about
//! the same trade share one or two words, seldom three of five. Which utterance answers what was raised is decided by
//! their times, elsewhere.

use std::collections::HashMap;

use super::words::Topic;
use crate::playbook::Objection;

/// How many content words an utterance must share with one sentence.
const SENTENCE_WORDS: usize = 3;
/// How many it must share with the whole text.
const TEXT_WORDS: usize = 5;

/// A sentence, or the whole text, that an agent may say.
#[derive(Debug)]
struct Stretch {
    /// Which answer it belongs to: an index that the caller gave.
    item: usize,
    /// How many content words must be shared.
    enough: usize,
}

/// The answers of a playbook, findable by their content words.
#[derive(Debug, Default)]
pub(super) struct Answers {
    stretches: Vec<Stretch>,
    /// For each content word, the stretches that hold it.
    index: Vec<Vec<u32>>,
}

impl Answers {
    /// Takes in what answers an objection. `topics` gives the content words of a text.
    pub(super) fn learn(&mut self, item: usize, objection: &Objection, mut topics: impl FnMut(&str) -> Vec<Topic>) {
        let texts = [&objection.answer, &objection.follow_up].into_iter().chain(&objection.facts);
        let mut whole = Vec::new();
        for sentence in texts.flat_map(|text| text.split_inclusive(['.', '?', '!', ';'])) {
            let words = distinct(topics(sentence));
            whole.extend(&words);
            if words.len() >= SENTENCE_WORDS {
                self.add(item, words.len().div_ceil(2).max(SENTENCE_WORDS), &words);
            }
        }
        self.add(item, TEXT_WORDS, &distinct(whole));
    }

    fn add(&mut self, item: usize, enough: usize, words: &[Topic]) {
        let number = u32::try_from(self.stretches.len()).unwrap_or(u32::MAX);
        self.stretches.push(Stretch { item, enough });
        for word in words {
            let word = *word as usize;
            if self.index.len() <= word {
                self.index.resize_with(word + 1, Vec::new);
            }
            self.index[word].push(number);
        }
    }

    /// The items that an utterance with these content words answers, ascending.
    pub(super) fn given(&self, words: Vec<Topic>) -> Vec<usize> {
        let mut shared: HashMap<u32, usize> = HashMap::new();
        for number in distinct(words).into_iter().filter_map(|word| self.index.get(word as usize)).flatten() {
            *shared.entry(*number).or_default() += 1;
        }
        let stretches = shared.into_iter().map(|(number, count)| (&self.stretches[number as usize], count));
        let mut items: Vec<usize> =
            stretches.filter(|(stretch, count)| *count >= stretch.enough).map(|(stretch, _)| stretch.item).collect();
        items.sort_unstable();
        items.dedup();
        items
    }
}

fn distinct(mut words: Vec<Topic>) -> Vec<Topic> {
    words.sort_unstable();
    words.dedup();
    words
}
