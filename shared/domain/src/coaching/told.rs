//! What is told rather than meant: pushback stands in the main clause, now, and of this offer.
//!
//! In a story, of others, or deep in a long sentence, the same words are talk about something. Only what stands before
//! the match in its sentence is judged, and how far away the two who talk are. What a signal says itself ("they
//! offered me …", "I got ripped off") is its own business. When in doubt the match stands.

use super::{matcher::Span, scope::Sentence, words::Class};

/// A sentence of so many words must speak of the speaker or the listener near the match.
const LONG: usize = 14;
/// After so many words of one sentence, pushback speaks to the listener.
const DEEP: usize = 12;
/// How near, in words, a speaker or a listener is looked for.
const NEAR_SPEAKER: usize = 3;
const NEAR_LISTENER: usize = 5;
/// How far back, in words, a clause is read.
const REACH: usize = 10;

/// Whether the match is told: an aside, buried in a long sentence, or governed by others, another time or a condition.
pub(super) fn is_told(sentence: &Sentence<'_>, span: Span) -> bool {
    sentence.classed && (is_aside(sentence, span) || is_buried(sentence, span) || is_governed(sentence, span))
}

/// "It's just that the system we … and the whole thing is | a waste of money | for the state": nobody of these two.
fn is_aside(sentence: &Sentence<'_>, span: Span) -> bool {
    let within = span.last + 1 - span.first;
    let long = before(sentence, span).count() + within + after(sentence, span).count() >= LONG;
    long && !is_near(sentence, span, NEAR_SPEAKER, Class::SPEAKER.with(Class::SECOND_PERSON))
}

fn is_buried(sentence: &Sentence<'_>, span: Span) -> bool {
    before(sentence, span).count() >= DEEP && !is_near(sentence, span, NEAR_LISTENER, Class::SECOND_PERSON)
}

fn is_near(sentence: &Sentence<'_>, span: Span, near: usize, class: Class) -> bool {
    let within = (span.first..=span.last).filter(|at| !sentence.tokens[*at].filler);
    let around = before(sentence, span).take(near).chain(after(sentence, span).take(near));
    within.chain(around).any(|at| sentence.class(at, class))
}

/// "They | can't afford it", "it was | too expensive", "if it | costs a fortune", "you | have to think about it".
fn is_governed(sentence: &Sentence<'_>, span: Span) -> bool {
    let mut next = span.first;
    let mut same_clause = true;
    let speaks = |at: usize| sentence.class(at, Class::PRONOUN) && sentence.class(at, Class::SPEAKER);
    let addresses = |at: usize| sentence.class(at, Class::PRONOUN) && sentence.class(at, Class::SECOND_PERSON);
    let mut subject = speaks(next);
    let mut wishes = sentence.class(next, Class::WISH) && sentence.is(next + 1, &["to"]);
    for at in before(sentence, span).take(REACH) {
        if sentence.is(at, &["but"]) {
            return false;
        }
        same_clause &= next > at + 1 || !sentence.tokens[next].after_pause;
        let anybody = wishes && addresses(at);
        let elsewhere = same_clause && !subject && (is_of_others(sentence, at) || is_past(sentence, at, next));
        if anybody || elsewhere || is_condition(sentence, at) {
            return true;
        }
        subject |= speaks(at) || addresses(at);
        wishes &= sentence.class(at, Class::AUXILIARY);
        next = at;
    }
    false
}

/// "You people charge …" speaks to somebody.
fn is_of_others(sentence: &Sentence<'_>, at: usize) -> bool {
    sentence.class(at, Class::THIRD_PERSON) && !(at > 0 && sentence.is(at - 1, &["you"]))
}

/// "I was hoping …" is politeness of now.
fn is_past(sentence: &Sentence<'_>, at: usize, next: usize) -> bool {
    sentence.class(at, Class::PAST) && !sentence.word(next).ends_with("ing")
}

/// "If you could …" asks, "if I'm honest …" means it.
fn is_condition(sentence: &Sentence<'_>, at: usize) -> bool {
    let asks = sentence.is(at + 1, &["you", "you'd", "you’d"]);
    let means = sentence.is(at + 2, &["am", "i'm", "i’m", "im"]);
    sentence.class(at, Class::CONDITION) && !asks && !means
}

/// The words before the match in its sentence, from the nearest on, without fillers.
fn before<'s>(sentence: &'s Sentence<'_>, span: Span) -> impl Iterator<Item = usize> + 's {
    let opening = (0..=span.first).rev().find(|at| sentence.opens(*at)).unwrap_or(0);
    (opening..span.first).rev().filter(|at| !sentence.tokens[*at].filler)
}

/// The words after it, likewise.
fn after<'s>(sentence: &'s Sentence<'_>, span: Span) -> impl Iterator<Item = usize> + 's {
    let rest = span.last + 1..sentence.tokens.len();
    rest.take_while(|at| !sentence.opens(*at)).filter(|at| !sentence.tokens[*at].filler)
}
