//! Questions that were left open. Careful: a question counts only where it is clear that nothing was said to it.

use std::ops::Range;

use super::{
    cues::Cues,
    items::{Link, OpenQuestion},
    promises::stripped,
    reading::Utterance,
    shorten::excerpt,
};

/// How long an answer may take, and how long after a question in return.
const ANSWER_MS: u64 = 10_000;
const LATER_ANSWER_MS: u64 = 45_000;

/// How many utterances are looked through for an answer.
const LOOKED_THROUGH: usize = 8;

/// A question has at least so many words; a reply that puts the answer off has at most so many.
const LEAST_WORDS: usize = 3;
const PUT_OFF_WORDS: usize = 16;

/// The question that an utterance ends with, if it was left open.
pub(super) fn open_question(utterances: &[Utterance<'_>], at: usize, cues: Option<&Cues>) -> Option<OpenQuestion> {
    let utterance = &utterances[at];
    let sentence = utterance.sentences.last()?;
    if sentence.len() < LEAST_WORDS || !is_question(utterance, sentence, cues) {
        return None;
    }
    let is_polite = |cues: &Cues| {
        cues.courtesies.find(&utterance.words, sentence).is_some()
            || utterance.words[sentence.end - 1].is_in(&cues.tags)
    };
    if cues.is_some_and(is_polite) {
        return None;
    }
    if is_answered(utterances, at, cues) {
        return None;
    }
    let asked = cues.map_or_else(|| sentence.clone(), |cues| stripped(&utterance.words, sentence.clone(), cues));
    let text = excerpt(utterance, &asked, &asked);
    Some(OpenQuestion {
        text: text.to_owned(),
        asked_by: utterance.said.channel,
        links: vec![Link::to(&utterance.said)],
        quote: text.to_owned(),
    })
}

/// A sentence that asks: by its mark, or, in a text without any marks, by its first words.
fn is_question(utterance: &Utterance<'_>, sentence: &Range<usize>, cues: Option<&Cues>) -> bool {
    if utterance.asks(sentence) {
        return true;
    }
    let Some(cues) = cues else { return false };
    if utterance.said.text.contains(['.', '?', '!']) {
        return false;
    }
    let words = &utterance.words;
    let skips = |at: &usize| words[*at].is_in(&cues.joins) || words[*at].is_in(&cues.fillers);
    let first = sentence.start + sentence.clone().take_while(skips).count();
    let Some(opening) = words[..sentence.end].get(first) else { return false };
    let next = words[..sentence.end].get(first + 1);
    let asks_verb = next.is_some_and(|word| word.is_in(&cues.auxiliaries) || word.is_in(&cues.question_followers));
    let asks_subject = next.is_some_and(|word| word.is_in(&cues.question_subjects));
    (opening.is_in(&cues.question_words) && asks_verb) || (opening.is_in(&cues.auxiliaries) && asks_subject)
}

fn is_answered(utterances: &[Utterance<'_>], at: usize, cues: Option<&Cues>) -> bool {
    let asked = &utterances[at].said;
    let mut until = asked.end_ms.saturating_add(ANSWER_MS);
    let later = utterances[at + 1..].iter().take(LOOKED_THROUGH);
    for reply in later.filter(|it| it.said.channel != asked.channel) {
        if reply.said.start_ms > until {
            return false;
        }
        match reply_kind(reply, cues) {
            Reply::Answer => return true,
            Reply::PutOff => return false,
            Reply::Nothing => {}
            Reply::Question => until = reply.said.end_ms.saturating_add(LATER_ANSWER_MS),
        }
    }
    // Overlapping speech sorts before the question: whoever still talked then may have answered.
    let mut before = utterances[..at].iter().rev().take(LOOKED_THROUGH);
    before.any(|it| it.said.channel != asked.channel && it.said.end_ms > asked.end_ms)
}

enum Reply {
    Answer,
    PutOff,
    Nothing,
    Question,
}

fn reply_kind(reply: &Utterance<'_>, cues: Option<&Cues>) -> Reply {
    if reply.words.is_empty() {
        return Reply::Nothing;
    }
    if let Some(cues) = cues {
        if reply.words.iter().all(|word| word.is_in(&cues.fillers)) {
            return Reply::Nothing;
        }
        let whole = 0..reply.words.len();
        if whole.len() <= PUT_OFF_WORDS && cues.put_off.find(&reply.words, &whole).is_some() {
            return Reply::PutOff;
        }
    }
    let questions = reply.sentences.iter().all(|sentence| is_question(reply, sentence, cues));
    if questions { Reply::Question } else { Reply::Answer }
}
