//! What troubles the customer: problems, worries and losses, in the customer's own words.

use super::{
    cues::Cues,
    items::{Link, NoteItem},
    promises::{is_withheld, stripped},
    reading::Utterance,
    shorten::excerpt,
};
use crate::call::Channel;

/// A pain point has at least so many words: "problem?" is none.
const LEAST_WORDS: usize = 4;

/// The pain points of an utterance. In a monologue, the speaker's; in a call, the customer's.
pub(super) fn pain_points(utterance: &Utterance<'_>, alone: bool, cues: &Cues) -> Vec<NoteItem> {
    if !alone && utterance.said.channel != Channel::Customer {
        return vec![];
    }
    let statements = utterance.sentences.iter().filter(|sentence| !utterance.asks(sentence));
    let found = statements.filter_map(|sentence| {
        let clauses = utterance.clauses(sentence, cues);
        let (clause, cue) = clauses.into_iter().find_map(|clause| {
            let cue = cues.pains.find(&utterance.words, &clause)?;
            let counts = clause.len() >= LEAST_WORDS && !is_withheld(&utterance.words, clause.start, cue.start, cues);
            counts.then_some((clause, cue))
        })?;
        let quote = excerpt(utterance, &stripped(&utterance.words, clause, cues), &cue).to_owned();
        Some(NoteItem { text: quote.clone(), due: None, links: vec![Link::to(&utterance.said)], quote })
    });
    found.collect()
}
