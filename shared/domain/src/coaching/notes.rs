//! Notes after the call: what was agreed, what is to be done, what is open, and how the call went.
//!
//! Two versions. [`notes`] is what rules alone can write, at no cost. [`from_model`] takes a language model's answer to
//! [`notes_request`] in, and of its claims only those whose quotes occur in what was said. Both depend on the set of
//! segments: order and doubles change nothing. Asking the model, and storing what comes of it, happens elsewhere.

use std::collections::HashSet;

use super::{Card, Progress, Said, quote::normal};
use crate::playbook::{Landmark, Playbook};

mod agreements;
mod amounts;
mod cues;
mod diary;
mod due;
mod english;
mod entities;
mod items;
mod met;
mod model;
mod names;
mod pains;
mod promises;
mod quality;
mod questions;
mod reading;
mod scorecard;
mod sentiment;
mod shorten;
mod summary;
mod talk;
mod types;

use cues::Cues;
pub use items::{Action, Diary, Entity, EntityKind, Link, NoteItem, OpenQuestion, Owner, SentimentSpan};
pub use model::{NotesError, from_model, notes_request, notes_schema};
pub use quality::{Quality, quality};
use reading::Utterance;
pub use scorecard::{ScorePart, Scorecard};
pub use talk::notes_style;
pub use types::{
    Interruptions, Met, MissedLandmark, Monologue, Notes, NotesSource, NotesStyle, Outcome, RaisedObjection,
    ReachedLandmark, Talk,
};

/// The longest summary, in characters.
pub const SUMMARY_CHARS: usize = 1200;
/// The longest text and the longest quote of an item, in characters.
pub const ITEM_CHARS: usize = 280;

/// How many items notes list of each kind, so that they stay small enough to be pushed in one message.
const MOST_AGREEMENTS: usize = 12;
const MOST_ACTIONS: usize = 24;
const MOST_PAIN_POINTS: usize = 12;
const MOST_OPEN_QUESTIONS: usize = 12;

/// Writes the notes of a call. `segments` may come in any order and hold doubles.
pub fn notes(playbook: &Playbook, progress: &Progress, segments: &[Said<'_>]) -> Notes {
    let spoken = in_order(segments);
    let cues = Cues::of(&playbook.language);
    let utterances: Vec<Utterance<'_>> = spoken.iter().map(|said| Utterance::read(*said, cues)).collect();
    let mut notes = blank(playbook, progress, &spoken);
    met::meet(&mut notes.objections, &utterances, cues);
    notes.entities = entities::entities(playbook, &utterances, cues);
    let open = (0..utterances.len()).filter_map(|at| questions::open_question(&utterances, at, cues));
    let alone = notes.style == NotesStyle::Monologue;
    if !alone {
        notes.open_questions = last(open.collect(), MOST_OPEN_QUESTIONS);
    }
    if let Some(cues) = cues {
        let weighty: Vec<Said<'_>> = utterances.iter().filter(|it| !it.is_nod(cues)).map(|it| it.said).collect();
        notes.interruptions = talk::interruptions(&weighty);
        let agreed = (0..utterances.len()).filter_map(|at| agreements::agreement(&utterances, at, cues));
        notes.agreements = last(once(agreed.collect(), |it| &it.text), MOST_AGREEMENTS);
        let actions = utterances.iter().flat_map(|it| promises::actions(it, alone, cues));
        notes.actions = last(once(actions.collect(), |it: &Action| &it.text), MOST_ACTIONS);
        let pains = utterances.iter().flat_map(|it| pains::pain_points(it, alone, cues));
        notes.pain_points = once(pains.collect(), |it| &it.text);
        notes.pain_points.truncate(MOST_PAIN_POINTS);
        notes.sentiment = sentiment::spans(&utterances, cues);
    }
    if alone {
        notes.diary = Some(diary::diary(&utterances, &notes.actions, &notes.entities, cues));
    }
    notes.scorecard = scorecard::scorecard(&notes, cues.is_some());
    notes.summary = summary::summary(playbook, &notes, &spoken);
    notes.quality = quality(&notes, &spoken);
    notes
}

/// What was said, in the order of time, each once.
fn in_order<'a>(segments: &[Said<'a>]) -> Vec<Said<'a>> {
    let mut spoken: Vec<Said<'_>> = segments.iter().copied().filter(|said| !said.text.trim().is_empty()).collect();
    spoken.sort_by_key(|said| (said.start_ms, said.channel, said.end_ms, said.text));
    spoken.dedup();
    spoken
}

/// Notes with what times and the playbook's rules tell, and no words of their own.
fn blank(playbook: &Playbook, progress: &Progress, spoken: &[Said<'_>]) -> Notes {
    Notes {
        playbook: playbook.id.to_string(),
        playbook_version: playbook.version,
        style: notes_style(spoken),
        source: NotesSource::Rule,
        summary: String::new(),
        percent: progress.view(playbook).percent,
        reached: reached(playbook, progress),
        missed: missed(playbook, progress),
        objections: raised(playbook, progress),
        agreements: vec![],
        actions: vec![],
        entities: vec![],
        pain_points: vec![],
        open_questions: vec![],
        sentiment: vec![],
        scorecard: Scorecard::default(),
        talk: talk::talk(spoken),
        longest_monologue: talk::longest_monologue(spoken),
        interruptions: talk::interruptions(spoken),
        diary: None,
        quality: Quality::default(),
    }
}

fn reached(playbook: &Playbook, progress: &Progress) -> Vec<ReachedLandmark> {
    let reached = |it: &Landmark| {
        let evidence = progress.landmarks.get(&it.id)?.clone();
        Some(ReachedLandmark { id: it.id.clone(), label: it.label.clone(), evidence })
    };
    playbook.landmarks.iter().filter_map(reached).collect()
}

fn missed(playbook: &Playbook, progress: &Progress) -> Vec<MissedLandmark> {
    let open = playbook.landmarks.iter().filter(|it| !progress.landmarks.contains_key(&it.id));
    open.map(|it| MissedLandmark {
        id: it.id.clone(),
        label: it.label.clone(),
        required: it.required,
        why: it.why.clone(),
    })
    .collect()
}

fn raised(playbook: &Playbook, progress: &Progress) -> Vec<RaisedObjection> {
    let card = |card: Card| RaisedObjection {
        id: card.objection,
        label: card.label,
        severity: card.severity,
        evidence: card.evidence,
        met: None,
    };
    progress.cards(playbook).into_iter().map(card).collect()
}

/// Each text once: the first that says it.
fn once<T>(mut items: Vec<T>, text: impl Fn(&T) -> &str) -> Vec<T> {
    let mut told = HashSet::new();
    items.retain(|it| told.insert(normal(text(it))));
    items
}

/// The last of too many: what is settled late is what holds.
fn last<T>(mut items: Vec<T>, most: usize) -> Vec<T> {
    items.drain(..items.len().saturating_sub(most));
    items
}

#[cfg(test)]
mod tests;
