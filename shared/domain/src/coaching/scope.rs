//! What stands around a match and turns it: negation, hypotheticals, reports, questions.
//!
//! Only what is plain is judged: from the match back over words that a negation reaches across ("not | that it is |
//! too expensive"), never beyond the sentence. When in doubt the match stands.

use super::{
    matcher::Span,
    words::{Class, Token},
};

/// Tokens with the text they came from: some judgements need the very word.
pub(super) struct Sentence<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
    /// Whether the language's words have classes.
    pub(super) classed: bool,
}

impl Sentence<'_> {
    pub(super) fn word(&self, at: usize) -> &str {
        self.tokens.get(at).and_then(|token| self.text.get(token.start..token.end)).unwrap_or_default()
    }

    pub(super) fn is(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.word(at).eq_ignore_ascii_case(word))
    }

    pub(super) fn class(&self, at: usize, class: Class) -> bool {
        self.tokens.get(at).is_some_and(|token| token.class.has(class))
    }

    pub(super) fn opens(&self, at: usize) -> bool {
        self.tokens.get(at).is_none_or(|token| token.opens_sentence)
    }
}

/// Whether a negation takes the match back. `stands_alone`: the signal begins with a negation or a pronoun of its own.
pub(super) fn is_negated(sentence: &Sentence<'_>, span: Span, stands_alone: bool) -> bool {
    denied_after(sentence, span.last)
        || reaching(sentence, span, |at| {
            sentence.class(at, Class::NEGATION) && negates(sentence, at, span.first, stands_alone)
        })
}

/// Whether the match is only supposed, reported of others, or asked.
pub(super) fn is_hypothetical(sentence: &Sentence<'_>, span: Span) -> bool {
    asked(sentence, span)
        || told_of_past(sentence, span)
        || reaching(sentence, span, |at| {
            let supposed = sentence.class(at, Class::HYPOTHESIS)
                // "If you could send me…" asks politely.
                && !sentence.is(at + 1, &["you", "you'd", "you’d"]);
            let reported = sentence.class(at, Class::REPORT) && at > 0 && sentence.class(at - 1, Class::OTHERS);
            supposed || reported
        })
}

/// Whether somebody else wants, lacks or refuses it: "they | don't have the money", "you | can't believe what they say".
pub(super) fn is_of_others(sentence: &Sentence<'_>, span: Span) -> bool {
    let denies = (span.first..span.first + 2).any(|at| sentence.class(at, Class::NEGATION));
    let mut at = span.first;
    while at > 0 && !sentence.opens(at) {
        at -= 1;
        if sentence.class(at, Class::BYSTANDER) || (denies && sentence.is(at, &["you"])) {
            return true;
        }
        if !sentence.class(at, Class::AUXILIARY) && !sentence.tokens[at].filler {
            return false;
        }
    }
    false
}

/// Whether what a landmark, an answer or an acceptance says is denied, or only supposed: "I can't give you the same
/// price", "if I told you the price". Questions stand here: they are how landmarks are reached.
pub(super) fn is_not_given(sentence: &Sentence<'_>, span: Span, stands_alone: bool) -> bool {
    let passes = |at: usize| sentence.class(at, Class::GIVING);
    denied_after(sentence, span.last)
        || walk_back(sentence, span, passes, |at| {
            let denied = sentence.class(at, Class::NEGATION) && negates(sentence, at, span.first, stands_alone);
            denied || only_supposed(sentence, at)
        })
}

/// "They were | too expensive", "I didn't | have the time": a story of then, no objection of now.
fn told_of_past(sentence: &Sentence<'_>, span: Span) -> bool {
    let filler = |at: usize| sentence.tokens[at].filler && !sentence.opens(at + 1);
    let before = (0..span.first).rev().find(|at| !filler(*at));
    // No "had": recognizers hear it for "have".
    let past = ["was", "wasn't", "were", "weren't", "did", "didn't"];
    !sentence.opens(span.first) && before.is_some_and(|at| sentence.is(at, &past))
}

/// "If I told you …", "suppose we had …". "If I can call you back on Monday" asks, and so does "if you could …".
fn only_supposed(sentence: &Sentence<'_>, at: usize) -> bool {
    if sentence.is(at, &["suppose", "supposing", "imagine", "wish"]) {
        return true;
    }
    let unreal =
        ["told", "gave", "offered", "said", "were", "had", "did", "made", "sent", "showed", "quoted", "charged"];
    sentence.is(at, &["if"]) && sentence.is(at + 1, &["i", "we", "he", "she", "they"]) && sentence.is(at + 2, &unreal)
}

/// Whether walking back from the match over transparent words meets a word that turns it.
fn reaching(sentence: &Sentence<'_>, span: Span, turns: impl Fn(usize) -> bool) -> bool {
    walk_back(sentence, span, |_| false, turns)
}

/// The same, also over words that pass.
fn walk_back(
    sentence: &Sentence<'_>,
    span: Span,
    passes: impl Fn(usize) -> bool,
    turns: impl Fn(usize) -> bool,
) -> bool {
    let mut at = span.first;
    while at > 0 && !sentence.opens(at) {
        at -= 1;
        if turns(at) {
            return true;
        }
        let passes = sentence.class(at, Class::TRANSPARENT) || sentence.tokens[at].filler || passes(at);
        // A comma or a "but" ends the reach; fillers between commas do not.
        if !passes || (sentence.tokens[at].after_pause && !sentence.tokens[at].filler) {
            return false;
        }
    }
    false
}

fn negates(sentence: &Sentence<'_>, at: usize, first: usize, stands_alone: bool) -> bool {
    let next = at + 1;
    // "not only too expensive", "nothing but".
    if sentence.is(next, &["only", "just", "merely", "simply", "but"]) {
        return false;
    }
    if sentence.is(at, &["no", "nope", "nah"]) {
        // An answer rather than a negation, unless it stands right before what it denies.
        let reaches = next == first || (next + 1 == first && sentence.class(next, Class::TROUBLE));
        return reaches && !stands_alone && !sentence.tokens[first].after_pause && !degree(sentence, first);
    }
    if sentence.is(at, &["neither", "nor", "none", "nothing", "nobody"]) {
        return next == first;
    }
    let contracted = at > 0 && sentence.tokens[at].start == sentence.tokens[at - 1].start;
    // "Isn't it too expensive?", "why don't you send…" ask; they deny nothing.
    if contracted && sentence.class(next, Class::PRONOUN) {
        return sentence.is(next, &["that"]) && !sentence.opens(at - 1);
    }
    let why = at >= 2 && sentence.is(at - 2, &["why"]);
    !why
}

/// Words of degree that open a complaint: "no, too expensive".
fn degree(sentence: &Sentence<'_>, at: usize) -> bool {
    sentence.is(at, &["too", "way", "much", "already", "still", "sounds"])
}

/// "… is not the problem."
fn denied_after(sentence: &Sentence<'_>, last: usize) -> bool {
    let be = last + 1;
    if sentence.opens(be) || !sentence.class(be, Class::BE) || !sentence.class(be + 1, Class::NEGATION) {
        return false;
    }
    (be + 2..be + 6).take_while(|at| !sentence.opens(*at)).any(|at| sentence.class(at, Class::TROUBLE))
}

/// "Is it too expensive?", "do you need to think about it?"
fn asked(sentence: &Sentence<'_>, span: Span) -> bool {
    let Some(subject) = span.first.checked_sub(1) else { return false };
    let Some(verb) = subject.checked_sub(1) else { return false };
    if sentence.opens(span.first) || sentence.opens(subject) {
        return false;
    }
    let about_it = sentence.class(verb, Class::BE) && sentence.is(subject, &["it", "this", "that", "price"]);
    let about_you = sentence.is(verb, &["do", "did"]) && sentence.is(subject, &["you"]);
    (about_it && sentence.opens(verb)) || about_you
}
