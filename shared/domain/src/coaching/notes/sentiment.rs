//! How each side sounded, by a small lexicon of feelings. A negation just before turns a word around.

use super::{
    cues::Cues,
    items::SentimentSpan,
    reading::{Utterance, Word},
};
use crate::call::Channel;

/// A call is cut into at most so many stretches, and into none shorter than this.
const MOST_STRETCHES: u64 = 12;
const SHORTEST_MS: u64 = 30_000;

/// How far a negation reaches.
const NEGATION_WORDS: usize = 3;

/// What a score is damped by, so that one word does not make a mood.
const DAMPING: i32 = 3;

/// Good and bad that was said.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    good: i32,
    bad: i32,
    /// Whether anything was said.
    spoken: bool,
}

impl Tally {
    pub(super) fn add(&mut self, words: &[Word], cues: &Cues) {
        self.spoken |= !words.is_empty();
        let mut at = 0;
        while at < words.len() {
            let unfeeling = cues.unfeeling.at(words, at);
            if unfeeling > 0 {
                at += unfeeling;
                continue;
            }
            let weight = cues.sentiment.get(words[at].text.as_str()).copied().unwrap_or(0);
            let negated = words[at.saturating_sub(NEGATION_WORDS)..at].iter().any(|word| word.is_in(&cues.negations));
            let weight = i32::from(if negated { -weight } else { weight });
            self.good += weight.max(0);
            self.bad += (-weight).max(0);
            at += 1;
        }
    }

    /// More good than bad, or less.
    pub(super) fn weight(self) -> i32 {
        self.good - self.bad
    }

    /// From −100 to 100.
    pub(super) fn score(self) -> i8 {
        let score = 100 * (self.good - self.bad) / (self.good + self.bad + DAMPING);
        i8::try_from(score).unwrap_or(if score < 0 { -100 } else { 100 })
    }
}

/// The equal stretches of a call, each side for itself; a side that says nothing in one has no score there.
pub(super) fn spans(utterances: &[Utterance<'_>], cues: &Cues) -> Vec<SentimentSpan> {
    let Some(first) = utterances.first().map(|it| it.said.start_ms) else { return vec![] };
    let last = utterances.iter().map(|it| it.said.end_ms.max(it.said.start_ms)).max().unwrap_or(first);
    let length = last - first;
    let count = (length / SHORTEST_MS).clamp(1, MOST_STRETCHES);
    let stretch_ms = (length / count).max(1);
    let mut tallies = vec![[Tally::default(); 2]; usize::try_from(count).unwrap_or(1)];
    for utterance in utterances {
        let stretch = ((utterance.said.start_ms - first) / stretch_ms).min(count - 1);
        let side = usize::from(utterance.said.channel == Channel::Customer);
        tallies[usize::try_from(stretch).unwrap_or(0)][side].add(&utterance.words, cues);
    }
    let mut spans = Vec::new();
    for (stretch, sides) in (0..count).zip(&tallies) {
        for (channel, tally) in [Channel::Agent, Channel::Customer].into_iter().zip(sides).filter(|(_, it)| it.spoken) {
            let from_ms = first + stretch * stretch_ms;
            let to_ms = if stretch + 1 == count { last } else { from_ms + stretch_ms };
            spans.push(SentimentSpan { channel, from_ms, to_ms, score: tally.score() });
        }
    }
    spans
}
