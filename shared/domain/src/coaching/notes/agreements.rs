//! What was agreed: said by one side alone ("sign me up"), or proposed by one and assented to by the other.

use std::ops::Range;

use super::{
    cues::Cues,
    due,
    items::{Link, NoteItem},
    promises::{is_withheld, stripped},
    reading::{Utterance, Word},
    shorten::excerpt,
};
use crate::coaching::quote::contains_words;

/// How far back a proposal may lie: utterances, and time.
const PROPOSAL_BACK: usize = 3;
const PROPOSAL_BACK_MS: u64 = 10_000;

/// A "yes" counts within this many words from the reply's beginning.
const YES_WITHIN: usize = 2;

/// The agreement that an utterance makes, with what was said before it.
pub(super) fn agreement(utterances: &[Utterance<'_>], at: usize, cues: &Cues) -> Option<NoteItem> {
    let utterance = &utterances[at];
    let proposal = || proposal_before(utterances, at, cues);
    if let Some((sentence, cue)) = cue_in(utterance, cues, |words, range| cues.agreeing.find(words, range)) {
        let date = date_of(utterance, &sentence, cues);
        return Some(item(utterance, &sentence, &cue, date, proposal(), cues));
    }
    if let Some((sentence, cue)) = cue_in(utterance, cues, |words, range| assent(words, range, cues)) {
        let date = date_of(utterance, &sentence, cues);
        let proposal = proposal();
        return (date.is_some() || proposal.is_some()).then(|| item(utterance, &sentence, &cue, date, proposal, cues));
    }
    let opening = utterance.sentences.first()?.clone();
    let cue = (opening.start..opening.start + YES_WITHIN).find_map(|at| match cues.yes.at(&utterance.words, at) {
        0 => None,
        length => Some(at..at + length),
    })?;
    let turned = utterance.words[opening.clone()].iter().take(8).any(|word| word.is_in(&cues.negations));
    if turned || utterance.asks(&opening) {
        return None;
    }
    let proposal = proposal()?;
    let date = date_of(utterance, &opening, cues);
    // Without a date anywhere, a "yes" may be to anything.
    (date.is_some() || proposal.due.is_some()).then(|| item(utterance, &opening, &cue, date, Some(proposal), cues))
}

/// A sentence and the cue in it.
type Cue = (Range<usize>, Range<usize>);

/// The first sentence with a cue that stands: no question, no condition, no negation. The sentence and the cue.
fn cue_in(
    utterance: &Utterance<'_>,
    cues: &Cues,
    find: impl Fn(&[Word], &Range<usize>) -> Option<Range<usize>>,
) -> Option<Cue> {
    utterance.sentences.iter().filter(|sentence| !utterance.asks(sentence)).find_map(|sentence| {
        utterance.clauses(sentence, cues).into_iter().find_map(|clause| {
            let cue = find(&utterance.words, &clause)?;
            let withheld = is_withheld(&utterance.words, clause.start, cue.start, cues);
            let negated = utterance.words[cue.end..clause.end].first().is_some_and(|word| word.is_in(&cues.negations));
            (!withheld && !negated).then(|| (sentence.clone(), cue))
        })
    })
}

/// "Sounds good", "Monday works".
fn assent(words: &[Word], range: &Range<usize>, cues: &Cues) -> Option<Range<usize>> {
    let plain = cues.assenting.find(words, range);
    plain.or_else(|| {
        let date = due::first(words, range, Some(cues))?;
        let suits = cues.suits.at(&words[..range.end], date.words.end);
        (suits > 0).then(|| date.words.start..date.words.end + suits)
    })
}

/// The date of a sentence, or of the next one of the utterance.
fn date_of<'a>(utterance: &Utterance<'a>, sentence: &Range<usize>, cues: &Cues) -> Option<&'a str> {
    let next = utterance.sentences.iter().find(|it| it.start == sentence.end).map_or(sentence.end, |it| it.end);
    let date = due::first(&utterance.words, &(sentence.start..next), Some(cues))?;
    Some(utterance.bare(&date.words))
}

/// What one side proposed.
struct Proposal<'u> {
    text: &'u str,
    due: Option<&'u str>,
    link: Link,
}

fn proposal_before<'u>(utterances: &[Utterance<'u>], at: usize, cues: &Cues) -> Option<Proposal<'u>> {
    let reply = &utterances[at];
    let near = utterances[at.saturating_sub(PROPOSAL_BACK)..at].iter().rev();
    let mut near = near.filter(|it| {
        it.said.channel != reply.said.channel && it.said.end_ms.saturating_add(PROPOSAL_BACK_MS) >= reply.said.start_ms
    });
    let proposer = near.next()?;
    proposer.sentences.iter().rev().find_map(|sentence| {
        let words = &proposer.words;
        let plain = cues.proposals.find(words, sentence);
        let date = due::first(words, sentence, Some(cues));
        let dated = || date.as_ref().and_then(|_| cues.dated_proposals.find(words, sentence));
        let cue = plain.or_else(dated)?;
        let withheld = is_withheld(words, sentence.start, cue.start, cues);
        let due = date.map(|date| proposer.bare(&date.words));
        let text = excerpt(proposer, &without_yes(words, sentence.clone(), cues), &cue);
        (!withheld).then(|| Proposal { text, due, link: Link::to(&proposer.said) })
    })
}

/// A sentence less the words that only answer what was said before it.
fn without_yes(words: &[Word], sentence: Range<usize>, cues: &Cues) -> Range<usize> {
    let joined = stripped(words, sentence, cues);
    let yes = cues.yes.at(&words[..joined.end], joined.start);
    if yes < joined.len() { joined.start + yes..joined.end } else { joined }
}

fn item(
    utterance: &Utterance<'_>,
    sentence: &Range<usize>,
    cue: &Range<usize>,
    date: Option<&str>,
    proposal: Option<Proposal<'_>>,
    cues: &Cues,
) -> NoteItem {
    let quote = excerpt(utterance, &stripped(&utterance.words, sentence.clone(), cues), cue);
    let mut links = vec![Link::to(&utterance.said)];
    let mut due = date;
    let mut text = quote;
    if let Some(proposal) = proposal {
        links.push(proposal.link);
        text = proposal.text;
        due = fuller(date, proposal.due);
    }
    NoteItem { text: text.to_owned(), due: due.map(str::to_owned), links, quote: quote.to_owned() }
}

/// The date of the reply, unless the proposal has the same one in more words.
fn fuller<'d>(reply: Option<&'d str>, proposal: Option<&'d str>) -> Option<&'d str> {
    match (reply, proposal) {
        (Some(reply), Some(proposal)) if contains_words(proposal, reply) => Some(proposal),
        (reply, proposal) => reply.or(proposal),
    }
}
