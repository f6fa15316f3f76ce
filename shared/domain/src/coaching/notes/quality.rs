//! How far notes can be relied upon: are they complete, do their quotes occur, do they cover the call, do they agree
//! with themselves? Judges notes of rules and of models alike, and knows only what stands in them and what was said.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    ITEM_CHARS, SUMMARY_CHARS,
    items::Link,
    shorten::fits,
    types::{Notes, NotesStyle, Outcome},
};
use crate::coaching::{
    Said,
    quote::{Quotes, contains_words, normal},
};

/// Below this score, notes are to be read with the transcript at hand.
const LOW: u8 = 60;

/// What shortcomings cost.
const EMPTY_SUMMARY: u32 = 45;
const TOO_LONG: u32 = 10;
const QUOTES_MISSING: u32 = 45;
const NOTHING_COVERED: u32 = 45;
const UNKNOWN_DUE: u32 = 5;
const CONTRADICTION: u32 = 10;

/// The share of the call that notes should point into, in percent, and the stretches that are looked at.
const COVERED_PERCENT: u32 = 40;
const SHORTEST_STRETCH_MS: u64 = 60_000;
const STRETCHES: u64 = 12;
const LEAST_STRETCHES: u32 = 3;

/// How far notes can be relied upon. Older notes were never judged: score 0, and not low.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quality {
    /// From 0 to 100.
    pub score: u8,
    /// Whether a person should read the transcript before relying on them.
    pub low: bool,
    /// What is wrong with them, in words.
    pub problems: Vec<String>,
}

impl Quality {
    /// Takes points off for a problem.
    pub(super) fn blame(&mut self, points: u32, problem: String) {
        self.score = self.score.saturating_sub(u8::try_from(points).unwrap_or(u8::MAX));
        self.low = self.score < LOW;
        self.problems.push(problem);
    }
}

/// Something that notes claim, with what shows it.
struct Claim<'n> {
    text: &'n str,
    due: Option<&'n str>,
    quote: &'n str,
    links: &'n [Link],
}

/// Judges notes by what was said. `said` may come in any order and hold doubles.
pub fn quality(notes: &Notes, said: &[Said<'_>]) -> Quality {
    let mut quality = Quality { score: 100, low: false, problems: Vec::new() };
    let claims = claims(notes);
    let mut spoken: HashMap<Link, &Said<'_>> = HashMap::new();
    for it in said.iter().filter(|it| !it.text.trim().is_empty()) {
        spoken.insert(Link::to(it), it);
    }
    judge_texts(notes, &claims, &mut quality);
    judge_quotes(notes, &claims, said, &spoken, &mut quality);
    judge_dues(&claims, &spoken, &mut quality);
    judge_coverage(notes, &claims, said, &mut quality);
    judge_consistency(notes, &claims, &mut quality);
    quality
}

/// All that is claimed, but what the playbook's rules found, which stands for itself.
fn claims(notes: &Notes) -> Vec<Claim<'_>> {
    let mut items: Vec<_> = notes.agreements.iter().chain(&notes.pain_points).collect();
    if let Some(diary) = &notes.diary {
        items.extend(diary.topics.iter().chain(&diary.done).chain(&diary.todo).chain(&diary.mood));
    }
    let mut claims: Vec<Claim<'_>> = items
        .into_iter()
        .map(|it| Claim { text: &it.text, due: it.due.as_deref(), quote: &it.quote, links: &it.links })
        .collect();
    claims.extend(notes.actions.iter().map(|it| Claim {
        text: &it.text,
        due: it.due.as_deref(),
        quote: &it.quote,
        links: &it.links,
    }));
    let questions = notes.open_questions.iter();
    claims.extend(questions.map(|it| Claim { text: &it.text, due: None, quote: &it.quote, links: &it.links }));
    let met = notes.objections.iter().filter_map(|it| it.met.as_ref()).filter(|met| !met.links.is_empty());
    claims.extend(met.map(|it| Claim { text: &it.quote, due: None, quote: &it.quote, links: &it.links }));
    claims
}

fn judge_texts(notes: &Notes, claims: &[Claim<'_>], quality: &mut Quality) {
    if notes.summary.trim().is_empty() {
        quality.blame(EMPTY_SUMMARY, "The summary is empty.".to_owned());
    }
    let summary_too_long = !fits(&notes.summary, SUMMARY_CHARS);
    let long = claims.iter().filter(|it| !fits(it.text, ITEM_CHARS) || !fits(it.quote, ITEM_CHARS)).count();
    let too_long = long + usize::from(summary_too_long);
    if too_long > 0 {
        quality.blame(TOO_LONG, format!("{} too long.", counted(too_long, "text is", "texts are")));
    }
    let empty = claims.iter().filter(|it| it.text.trim().is_empty()).count();
    if empty > 0 {
        quality.blame(CONTRADICTION, format!("{} without a text.", counted(empty, "item is", "items are")));
    }
}

fn judge_quotes(
    notes: &Notes,
    claims: &[Claim<'_>],
    said: &[Said<'_>],
    spoken: &HashMap<Link, &Said<'_>>,
    quality: &mut Quality,
) {
    let quotes = Quotes::new(said);
    let occurs = |quote: &str, link: Option<&Link>| {
        let Some(link) = link else { return false };
        let Some(it) = spoken.get(link) else { return false };
        contains_words(it.text, quote) || quotes.find(quote, Some(link.channel)).is_some()
    };
    let found = claims.iter().filter(|claim| occurs(claim.quote, claim.links.first())).count();
    let evidence = notes.reached.iter().map(|it| &it.evidence).chain(notes.objections.iter().map(|it| &it.evidence));
    let (mut all, mut right) = (claims.len(), found);
    for it in evidence {
        all += 1;
        let link = Link { channel: it.channel, start_ms: it.start_ms };
        right += usize::from(occurs(&it.quote, Some(&link)));
    }
    let wrong = all - right;
    if wrong > 0 {
        let points = QUOTES_MISSING * u32::try_from(wrong).unwrap_or(u32::MAX) / u32::try_from(all).unwrap_or(u32::MAX);
        quality.blame(points.max(1), format!("{wrong} of {all} quotes do not occur in what was said."));
    }
}

fn judge_dues(claims: &[Claim<'_>], spoken: &HashMap<Link, &Said<'_>>, quality: &mut Quality) {
    let said = |claim: &Claim<'_>, due: &str| {
        claim.links.iter().filter_map(|link| spoken.get(link)).any(|it| contains_words(it.text, due))
    };
    let unknown = claims.iter().filter(|it| it.due.is_some_and(|due| !said(it, due))).count();
    if unknown > 0 {
        let points = UNKNOWN_DUE * u32::try_from(unknown.min(4)).unwrap_or(4);
        quality
            .blame(points, format!("{} not said where the item links to.", counted(unknown, "date is", "dates are")));
    }
}

/// Which stretches of the call have something that points into them.
fn judge_coverage(notes: &Notes, claims: &[Claim<'_>], said: &[Said<'_>], quality: &mut Quality) {
    let spoken = || said.iter().filter(|it| !it.text.trim().is_empty()).map(|it| it.start_ms);
    let (Some(first), Some(last)) = (spoken().min(), spoken().max()) else { return };
    let length = ((last - first) / STRETCHES).max(SHORTEST_STRETCH_MS);
    let stretch = |start_ms: u64| start_ms.saturating_sub(first) / length;
    let talked: HashSet<u64> = spoken().map(stretch).collect();
    let linked = claims.iter().flat_map(|it| it.links).chain(notes.entities.iter().flat_map(|it| &it.links));
    let evidence = notes.reached.iter().map(|it| &it.evidence).chain(notes.objections.iter().map(|it| &it.evidence));
    let starts = linked.map(|link| link.start_ms).chain(evidence.map(|it| it.start_ms));
    let covered: HashSet<u64> = starts.map(stretch).filter(|it| talked.contains(it)).collect();
    let (all, covered) = (u32::try_from(talked.len()).unwrap_or(u32::MAX), u32::try_from(covered.len()).unwrap_or(0));
    if all < LEAST_STRETCHES {
        return;
    }
    let percent = 100 * covered / all;
    if percent < COVERED_PERCENT {
        let points = NOTHING_COVERED * (COVERED_PERCENT - percent) / COVERED_PERCENT;
        quality.blame(points, format!("The notes point into {percent} % of the call only."));
    }
}

fn judge_consistency(notes: &Notes, claims: &[Claim<'_>], quality: &mut Quality) {
    let mut dues: HashMap<String, Option<&str>> = HashMap::new();
    let differing = claims.iter().filter(|it| it.due.is_some()).filter(|it| {
        let known = *dues.entry(normal(it.text)).or_insert(it.due);
        known != it.due
    });
    let differing = differing.count();
    if differing > 0 {
        quality
            .blame(CONTRADICTION, format!("{} with two dates.", counted(differing, "item is told", "items are told")));
    }
    let unshown = notes.objections.iter().filter_map(|it| it.met.as_ref());
    let unshown = unshown.filter(|met| met.outcome != Outcome::Unanswered && met.links.is_empty()).count();
    if unshown > 0 {
        quality.blame(CONTRADICTION, "An objection is said to be answered, but no answer is shown.".to_owned());
    }
    if (notes.style == NotesStyle::Monologue) != notes.diary.is_some() {
        quality.blame(CONTRADICTION, "A voice note needs a diary entry, and a call has none.".to_owned());
    }
    if notes.percent > 0 && notes.reached.is_empty() && !notes.missed.is_empty() {
        quality.blame(CONTRADICTION, "Landmarks count as reached, but none is listed.".to_owned());
    }
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
