//! What somebody has to do: promises, requests, and what others are said to do.

use std::ops::Range;

use super::{
    cues::Cues,
    due,
    items::{Action, Link, Owner},
    reading::{Phrases, Utterance, Word},
    shorten::excerpt,
};
use crate::call::Channel;

/// How many words may stand between a cue and its deed, and how far back an "if" or a "not" reaches.
const REACH: usize = 5;

/// How far behind its clause the date of a deed may stand, in words.
const DUE_WITHIN: usize = 12;

/// The actions that an utterance shows. In a monologue, what is asked for falls to the speaker.
pub(super) fn actions(utterance: &Utterance<'_>, alone: bool, cues: &Cues) -> Vec<Action> {
    let mut actions = Vec::new();
    for sentence in &utterance.sentences {
        for clause in utterance.clauses(sentence, cues) {
            let Some((cue, owner)) = deed(utterance, &clause, alone, cues) else { continue };
            let dated = due::first(&utterance.words, &clause, Some(cues)).or_else(|| {
                due::first(&utterance.words, &(cue.start..sentence.end.min(clause.end + DUE_WITHIN)), Some(cues))
            });
            let quote = excerpt(utterance, &stripped(&utterance.words, clause, cues), &cue);
            actions.push(Action {
                owner,
                text: quote.to_owned(),
                due: dated.map(|date| utterance.bare(&date.words).to_owned()),
                links: vec![Link::to(&utterance.said)],
                quote: quote.to_owned(),
            });
        }
    }
    actions
}

/// The words of a deed with its cue, and who has to do it.
fn deed(utterance: &Utterance<'_>, clause: &Range<usize>, alone: bool, cues: &Cues) -> Option<(Range<usize>, Owner)> {
    let words = &utterance.words[..clause.end];
    let speaker = utterance.said.channel;
    clause.clone().find_map(|at| {
        let demand = cued_deed(words, at, &cues.demands, &cues.asked_deeds, cues);
        let asked = at > clause.start && words[at - 1].is_in(&cues.auxiliaries);
        let promise = cued_deed(words, at, &cues.promises, &cues.deeds, cues);
        let third = cued_deed(words, at, &cues.third_parties, &cues.deeds, cues);
        let own = || words[at.saturating_sub(2).max(clause.start)..=at].iter().any(|word| word.is_in(&cues.ours));
        let (end, owner) = match (demand, promise, third) {
            (Some(end), _, _) => (end, if alone { speaker } else { other(speaker) }.into()),
            _ if asked => return None,
            (_, Some(end), _) => (end, speaker.into()),
            (_, _, Some(end)) if own() => (end, speaker.into()),
            (_, _, Some(end)) => (end, Owner::Unknown),
            _ => return None,
        };
        (!is_withheld(words, clause.start, at, cues)).then_some((at..end, owner))
    })
}

/// Where the deed ends that a cue here leads to.
fn cued_deed(words: &[Word], at: usize, leads: &Phrases, deeds: &Phrases, cues: &Cues) -> Option<usize> {
    let lead = leads.at_across(words, at, &cues.softeners);
    if lead == 0 {
        return None;
    }
    let mut deed = at + lead;
    let to = (deed + REACH).min(words.len());
    while deed < to {
        let length = deeds.at(words, deed);
        if length > 0 {
            return (cues.idle.at(words, deed) == 0).then_some(deed + length);
        }
        let passes = words[deed].is_in(&cues.between) || words[deed].is_in(&cues.fillers);
        if !passes {
            return None;
        }
        deed += 1;
    }
    None
}

/// Whether a condition or a negation stands before a cue.
pub(super) fn is_withheld(words: &[Word], from: usize, at: usize, cues: &Cues) -> bool {
    let before = &words[at.saturating_sub(REACH).max(from)..at];
    before.iter().any(|word| word.is_in(&cues.conditions) || word.is_in(&cues.negations))
}

/// A clause less the words that only join it to the one before.
pub(super) fn stripped(words: &[Word], clause: Range<usize>, cues: &Cues) -> Range<usize> {
    let joins = |word: &&Word| word.is_in(&cues.joins);
    let skipped = words[clause.clone()].iter().take_while(joins).count();
    if skipped < clause.len() { clause.start + skipped..clause.end } else { clause }
}

/// The other side.
fn other(channel: Channel) -> Channel {
    match channel {
        Channel::Agent => Channel::Customer,
        Channel::Customer => Channel::Agent,
    }
}
