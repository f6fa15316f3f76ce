//! What a service heard in a whole recording, taken apart into utterances as a live call would have them.
//!
//! A live call's utterances end where the voice detector hears a pause; here the words' times alone say where one was.

use crate::segment::Word;

/// A pause longer than this ends an utterance, in milliseconds: what closes one in a live call.
pub const PAUSE_MS: u64 = 608;
/// No utterance is longer than this, in milliseconds: as in a live call.
pub const LONGEST_MS: u64 = 15_000;

/// A word, and the channel that it was heard on.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardWord {
    /// Index of the channel, from 0.
    pub channel: usize,
    /// The word, its times in milliseconds of media time.
    pub word: Word,
}

/// Words of one channel without a long pause between them.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardUtterance {
    /// Index of the channel, from 0.
    pub channel: usize,
    /// Where it begins, in milliseconds of media time: unique within its channel.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// The words, joined by spaces.
    pub text: String,
    /// The words, their times in milliseconds of media time.
    pub words: Vec<Word>,
}

/// The utterances that words make up, by start, then channel. The words may come in any order; one that overlaps the one
/// before it belongs to the same utterance, unless that is long enough already.
pub fn utterances(mut heard: Vec<HeardWord>) -> Vec<HeardUtterance> {
    heard.retain(|heard| !heard.word.text.trim().is_empty());
    heard.sort_by_key(|heard| (heard.channel, heard.word.start_ms, heard.word.end_ms));
    let mut all: Vec<HeardUtterance> = Vec::new();
    for HeardWord { channel, word } in heard {
        match all.last_mut().filter(|last| last.channel == channel && last.takes(&word)) {
            Some(last) => last.add(word),
            None => all.push(HeardUtterance::of(channel, word)),
        }
    }
    all.sort_by_key(|utterance| (utterance.start_ms, utterance.channel));
    all
}

impl HeardUtterance {
    fn of(channel: usize, word: Word) -> Self {
        let (start_ms, end_ms) = (word.start_ms, word.end_ms.max(word.start_ms));
        Self { channel, start_ms, end_ms, text: word.text.trim().to_owned(), words: vec![word] }
    }

    /// Whether the next word of its channel belongs to it. A word that begins where it does always does, so that no two
    /// utterances begin at once.
    fn takes(&self, word: &Word) -> bool {
        let is_near = word.start_ms.saturating_sub(self.end_ms) <= PAUSE_MS;
        let is_short = word.end_ms.saturating_sub(self.start_ms) <= LONGEST_MS;
        word.start_ms == self.start_ms || is_near && is_short
    }

    fn add(&mut self, word: Word) {
        self.end_ms = self.end_ms.max(word.end_ms);
        self.text.push(' ');
        self.text.push_str(word.text.trim());
        self.words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Given<'a> = (usize, &'a str, u64, u64);

    /// Channel, text, start and end of words; and of the utterances that they make.
    #[track_caller]
    fn check(words: &[Given<'_>], expected: &[Given<'_>]) {
        let heard = |(channel, text, start_ms, end_ms): &Given<'_>| HeardWord {
            channel: *channel,
            word: Word { text: (*text).to_owned(), start_ms: *start_ms, end_ms: *end_ms, confidence: None },
        };
        let found = utterances(words.iter().map(heard).collect());
        let told: Vec<Given<'_>> =
            found.iter().map(|it| (it.channel, it.text.as_str(), it.start_ms, it.end_ms)).collect();
        assert_eq!(told, expected);
        let counted: usize = found.iter().map(|it| it.words.len()).sum();
        assert_eq!(counted, words.iter().filter(|(_, text, ..)| !text.trim().is_empty()).count());
    }

    #[test]
    fn a_pause_ends_an_utterance() {
        check(&[], &[]);
        check(&[(0, "Hello", 0, 400), (0, " there. ", 1_008, 1_300)], &[(0, "Hello there.", 0, 1_300)]);
        check(
            &[(0, "Hello", 0, 400), (0, "there.", 1_009, 1_300)],
            &[(0, "Hello", 0, 400), (0, "there.", 1_009, 1_300)],
        );
    }

    #[test]
    fn channels_do_not_mix_and_order_does_not_matter() {
        check(
            &[
                (1, "fine", 900, 1_200),
                (0, "are", 300, 500),
                (1, "Yes", 200, 400),
                (0, "How", 100, 250),
                (0, " ", 0, 9),
            ],
            &[(0, "How are", 100, 500), (1, "Yes fine", 200, 1_200)],
        );
    }

    #[test]
    fn a_long_utterance_is_cut() {
        let words: Vec<(usize, &str, u64, u64)> = (0..20).map(|at| (0, "on", at * 1_000, at * 1_000 + 1_000)).collect();
        let (fifteen, five) = (["on"; 15].join(" "), ["on"; 5].join(" "));
        check(&words, &[(0, &fifteen, 0, 15_000), (0, &five, 15_000, 20_000)]);
    }

    #[test]
    fn no_two_utterances_of_a_channel_begin_at_once() {
        check(&[(0, "a", 0, 16_000), (0, "b", 0, 17_000)], &[(0, "a b", 0, 17_000)]);
        check(&[(0, "a", 500, 400), (0, "b", 600, 650)], &[(0, "a b", 500, 650)]);
    }
}
