//! Sums of money and percentages: "$1,200", "40 €", "four hundred dollars", "twelve percent".

use std::ops::Range;

use super::{
    cues::Cues,
    reading::{Utterance, Word},
};

const SYMBOLS: [char; 4] = ['$', '€', '£', '¥'];

/// The bytes of each amount of an utterance.
pub(super) fn amounts(utterance: &Utterance<'_>, cues: Option<&Cues>) -> Vec<Range<usize>> {
    let mut amounts = Vec::new();
    let mut at = 0;
    while at < utterance.words.len() {
        let length = number(&utterance.words, at, cues);
        if length == 0 {
            at += 1;
            continue;
        }
        amounts.extend(amount(utterance, at..at + length, cues));
        at += length;
    }
    amounts
}

/// The bytes of a number with what makes it an amount: a symbol at either end, or a unit behind it.
fn amount(utterance: &Utterance<'_>, number: Range<usize>, cues: Option<&Cues>) -> Option<Range<usize>> {
    let (words, text) = (&utterance.words, utterance.said.text);
    let (start, end) = (words[number.start].bytes.start, words[number.end - 1].bytes.end);
    let unit = words.get(number.end).filter(|word| cues.is_some_and(|cues| word.is_in(&cues.units)));
    let before = text[..start].chars().next_back().filter(|c| SYMBOLS.contains(c));
    let spaced = text[end..].strip_prefix([' ', '\u{a0}']).unwrap_or(&text[end..]);
    let after = spaced.chars().next().filter(|c| *c == '%' || SYMBOLS.contains(c) && *c != '$');
    if let Some(symbol) = before {
        return Some(start - symbol.len_utf8()..unit.map_or(end, |unit| unit.bytes.end));
    }
    if let Some(symbol) = after {
        return Some(start..text.len() - spaced.len() + symbol.len_utf8());
    }
    unit.map(|unit| start..unit.bytes.end)
}

/// How many words the number has that begins here.
fn number(words: &[Word], at: usize, cues: Option<&Cues>) -> usize {
    let is_number = |word: &Word| {
        word.text.starts_with(|c: char| c.is_ascii_digit()) || cues.is_some_and(|cues| word.is_in(&cues.numbers))
    };
    let is_magnitude = |at: usize| cues.zip(words.get(at)).is_some_and(|(cues, word)| word.is_in(&cues.magnitudes));
    let is_weak = |word: &Word| cues.is_some_and(|cues| word.is_in(&cues.weak_numbers));
    // "A" alone is no number: "a hundred" is.
    if !is_number(&words[at]) || (is_weak(&words[at]) && !is_magnitude(at + 1)) {
        return 0;
    }
    let mut end = at + 1;
    while let Some(word) = words.get(end) {
        let joins = cues.is_some_and(|cues| word.is_in(&cues.number_joins)) && is_magnitude(end - 1);
        if joins && words.get(end + 1).is_some_and(is_number) {
            end += 2;
        } else if is_number(word) && !is_weak(word) && word.follows_closely() {
            end += 1;
        } else {
            break;
        }
    }
    end - at
}
