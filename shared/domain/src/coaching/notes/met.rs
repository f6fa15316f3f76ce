//! How objections were met: what the agent said next, and whether the customer was content with it.

use std::collections::HashMap;

use super::{
    ITEM_CHARS,
    cues::Cues,
    items::Link,
    promises::is_withheld,
    reading::Utterance,
    shorten::cut,
    types::{Met, Outcome, RaisedObjection},
};
use crate::{call::Channel, coaching::Evidence};

/// An answer begins within this time and has at least so many words.
const ANSWER_MS: u64 = 30_000;
const ANSWER_WORDS: usize = 4;

/// How many of the following utterances are looked at.
const LOOKED_AT: usize = 6;

/// How many of its first words a content customer shows it with.
const CONTENT_WITHIN: usize = 8;

/// Says of each objection how it was met.
pub(super) fn meet(objections: &mut [RaisedObjection], utterances: &[Utterance<'_>], cues: Option<&Cues>) {
    // The utterance of an objection, by its key.
    let mut places: HashMap<(u64, Channel), usize> = HashMap::new();
    for (at, utterance) in utterances.iter().enumerate() {
        places.entry((utterance.said.start_ms, utterance.said.channel)).or_insert(at);
    }
    let raised: Vec<usize> = objections.iter().filter_map(|it| places.get(&key(&it.evidence)).copied()).collect();
    for objection in objections {
        let place = places.get(&key(&objection.evidence));
        objection.met = place.map(|at| met(utterances, *at, &raised, cues));
    }
}

fn key(evidence: &Evidence) -> (u64, Channel) {
    (evidence.start_ms, evidence.channel)
}

fn met(utterances: &[Utterance<'_>], at: usize, raised: &[usize], cues: Option<&Cues>) -> Met {
    let objection = &utterances[at].said;
    let next = at + 1..utterances.len().min(at + 1 + LOOKED_AT);
    let answers = |it: &usize| {
        let it = &utterances[*it];
        let in_time = it.said.start_ms <= objection.end_ms.saturating_add(ANSWER_MS);
        it.said.channel != objection.channel && it.words.len() >= ANSWER_WORDS && in_time
    };
    let Some(answer) = next.clone().find(answers) else {
        return Met { quote: String::new(), links: vec![], outcome: Outcome::Unanswered };
    };
    let said = &utterances[answer].said;
    let mut links = vec![Link::to(said)];
    let reply = (answer + 1..utterances.len().min(answer + 1 + LOOKED_AT))
        .find(|it| utterances[*it].said.channel == objection.channel);
    let content =
        reply.filter(|it| !raised.contains(it) && cues.is_some_and(|cues| is_content(&utterances[*it], cues)));
    links.extend(content.map(|it| Link::to(&utterances[it].said)));
    let outcome = if content.is_some() { Outcome::Resolved } else { Outcome::Answered };
    Met { quote: cut(said.text.trim(), ITEM_CHARS).to_owned(), links, outcome }
}

/// A customer that says so with the first words, does not ask it, and takes nothing back.
fn is_content(reply: &Utterance<'_>, cues: &Cues) -> bool {
    let opening = 0..reply.words.len().min(CONTENT_WITHIN);
    let Some(cue) = cues.content.find(&reply.words, &opening) else { return false };
    let Some(sentence) = reply.sentences.iter().find(|it| it.contains(&cue.start)) else { return false };
    let turned = reply.words[cue.end..].iter().any(|word| word.is_in(&cues.turns));
    let negated = reply.words[sentence.clone()].iter().any(|word| word.is_in(&cues.negations));
    !turned && !negated && !reply.asks(sentence) && !is_withheld(&reply.words, sentence.start, cue.start, cues)
}
