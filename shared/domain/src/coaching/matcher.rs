//! Laying a pattern over the tokens of an utterance.
//!
//! A match is a chain of (element, token) pairs in order. It scores what its elements weigh, less for near matches,
//! less for words skipped in between; it stands when the score reaches the pattern's threshold. A chain never skips a
//! negation or the end of a sentence.

use super::{
    pattern::{CONTENT, Element, Pattern},
    words::{Class, Token, UNKNOWN},
};

/// How many words may be skipped between two elements, beyond fillers.
const MOST_SKIPPED: usize = 2;
/// How many more where the signal has a gap.
const GAP: usize = 3;
/// What a near match is worth.
const NEAR: f32 = 0.85;
/// How far from its anchor a match may reach, in tokens.
const REACH: usize = 24;
/// What skipping costs: a small word, a content word, a "you" (which changes who is meant).
const SKIP_LIGHT: f32 = 0.3;
const SKIP_CONTENT: f32 = 1.15;
const SKIP_YOU: f32 = 1.5;
/// What a comma between two words costs, where no hesitation stands beside it.
const PAUSE: f32 = 1.0;

/// The tokens that a match covers, first and last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// One element on one token, and the best chain that ends there.
#[derive(Debug, Clone, Copy)]
struct Hit {
    element: usize,
    token: usize,
    score: f32,
    first: usize,
    missed: usize,
}

/// Room for hits, kept between patterns.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    hits: Vec<Hit>,
}

/// The best match of a pattern that passes near this token, if one stands.
pub(super) fn lay(
    pattern: &Pattern,
    elements: &[Element],
    tokens: &[Token],
    anchor: usize,
    scratch: &mut Scratch,
) -> Option<Span> {
    let hits = &mut scratch.hits;
    hits.clear();
    let from = anchor.saturating_sub(REACH);
    let to = (anchor + REACH).min(tokens.len());
    let mut best: Option<Hit> = None;
    for (token, read) in tokens.iter().enumerate().take(to).skip(from) {
        // Elements from the last to the first: a token never serves two elements of one chain.
        for at in (0..elements.len()).rev() {
            let Some(worth) = fit(&elements[at], read) else { continue };
            let Some(hit) = extend(pattern, elements, tokens, hits, at, token, worth) else { continue };
            let missing_after = missing(&elements[at + 1..]);
            let stands = hit.score >= pattern.threshold
                && (!pattern.closes || closes(&tokens[token + 1..]))
                && missing_after.is_some_and(|after| hit.missed + after <= pattern.may_miss);
            if stands && best.is_none_or(|best| hit.score > best.score) {
                best = Some(hit);
            }
            hits.push(hit);
        }
    }
    best.map(|hit| Span { first: hit.first, last: hit.token })
}

/// Whether the sentence or clause is over, but for fillers, before these tokens.
fn closes(rest: &[Token]) -> bool {
    rest.iter().take_while(|token| !token.opens_sentence && !token.after_pause).all(|token| token.filler)
}

/// What this token is worth in this place, if it fits at all.
fn fit(element: &Element, token: &Token) -> Option<f32> {
    // "You know, people say" addresses nobody.
    if token.filler && token.class.has(Class::SECOND_PERSON) {
        return None;
    }
    // "I asked my wife" is not "ask my wife".
    if token.class.has(Class::PAST_FORM) && !element.past {
        return None;
    }
    if element.number && token.class.has(Class::NUMBER) {
        return Some(element.weight);
    }
    if token.stem != UNKNOWN && element.stems.binary_search(&token.stem).is_ok() {
        return Some(element.weight);
    }
    let near = token.near.iter().take_while(|stem| **stem != UNKNOWN);
    let fits = near.into_iter().any(|stem| element.stems.binary_search(stem).is_ok());
    fits.then_some(element.weight * NEAR)
}

/// The best chain that ends with this element on this token.
fn extend(
    pattern: &Pattern,
    elements: &[Element],
    tokens: &[Token],
    hits: &[Hit],
    element: usize,
    token: usize,
    worth: f32,
) -> Option<Hit> {
    let fresh = missing(&elements[..element]).filter(|missed| *missed <= pattern.may_miss);
    let worth = if elements[element].optional { 0.0 } else { worth };
    let mut best = fresh.map(|missed| Hit { element, token, score: worth, first: token, missed });
    for before in hits.iter() {
        if before.element >= element || before.token >= token {
            continue;
        }
        let Some(missed) = missing(&elements[before.element + 1..element]) else { continue };
        let gap = elements[before.element + 1..=element].iter().any(|element| element.gap_before);
        let Some(cost) = skip(&tokens[before.token..=token], gap, missed) else { continue };
        let missed = before.missed + missed;
        let score = before.score + worth - cost;
        if missed <= pattern.may_miss && best.is_none_or(|best| score > best.score) {
            best = Some(Hit { element, token, score, first: before.first, missed });
        }
    }
    best
}

/// How many content words these elements are, none where one of them may not be missing.
fn missing(elements: &[Element]) -> Option<usize> {
    let mut missed = 0;
    for element in elements.iter().filter(|element| !element.optional) {
        if element.essential {
            return None;
        }
        missed += usize::from(element.weight >= CONTENT);
    }
    Some(missed)
}

/// What skipping all but the first and the last of these tokens costs, none where that is not allowed. A content word
/// heard in place of a missing one costs nothing more than the missing one.
fn skip(tokens: &[Token], gap: bool, mut missed: usize) -> Option<f32> {
    let [from, skipped @ .., last] = tokens else { return None };
    if last.opens_sentence {
        return None;
    }
    let (mut count, mut cost) = (0, 0.0);
    for token in skipped {
        if token.opens_sentence || token.class.has(Class::NEGATION) {
            return None;
        }
        if token.filler {
            continue;
        }
        count += 1;
        cost += match () {
            () if token.class.has(Class::SECOND_PERSON) => SKIP_YOU,
            () if token.class.has(Class::LIGHT) || token.class.has(Class::QUANTITY) => SKIP_LIGHT,
            () if missed > 0 => {
                missed -= 1;
                0.0
            }
            () => SKIP_CONTENT,
        };
    }
    // A gap ends with the clause; a pause within plain words may be hesitation.
    let pauses = |pair: &[Token]| pair[1].after_pause && !pair[0].filler && !pair[1].filler;
    let paused = tokens.windows(2).any(pauses);
    if paused && count > 0 && (gap || from.class.has(Class::NEGATION)) {
        // "No, my plans changed" denies no plans.
        return None;
    }
    let most = if gap { MOST_SKIPPED + GAP } else { MOST_SKIPPED };
    // "No, I'm good" answers.
    let answers = from.class.has(Class::NEGATION) && count == 0;
    let pause = if paused && !answers { PAUSE } else { 0.0 };
    (count <= most).then_some(if gap { 0.0 } else { cost + pause })
}
