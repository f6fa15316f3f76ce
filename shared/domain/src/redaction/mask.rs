//! Puts masks in the place of values: in a text, and in its words.

use serde::{Deserialize, Serialize};

use super::{Kind, Redacted, Span};
use crate::segment::Word;

/// What is masked: bytes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mask {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Mask {
    fn overlaps(&self, start: usize, end: usize) -> bool {
        self.start < end && start < self.end
    }
}

/// In order and without overlaps: what was decided `before` stays masked. A new value that holds it gives its kind.
pub(super) fn joined(before: &[Mask], now: &[Mask]) -> Vec<Mask> {
    let mut masks: Vec<Mask> = now.to_vec();
    masks.extend(before);
    // Of equal starts the longest first, and new ones before old ones.
    masks.sort_by_key(|mask| (mask.start, std::cmp::Reverse(mask.end)));
    let mut joined: Vec<Mask> = Vec::with_capacity(masks.len());
    for mask in masks {
        match joined.last_mut() {
            Some(last) if last.overlaps(mask.start, mask.end) => {
                if last.kind == Kind::Number
                    || (mask.end - mask.start > last.end - last.start && mask.kind != Kind::Number)
                {
                    last.kind = mask.kind;
                }
                last.end = last.end.max(mask.end);
            }
            _ => joined.push(mask),
        }
    }
    joined
}

/// What of these masks is outside of those that are decided (in order and apart), without the marks around.
pub(super) fn outside(pending: &[Mask], decided: &[Mask], text: &str) -> Vec<Mask> {
    let mut outside = Vec::new();
    for mask in pending {
        let mut from = mask.start;
        let end = Mask { start: mask.end, ..*mask };
        for next in decided.iter().filter(|it| it.overlaps(mask.start, mask.end)).chain([&end]) {
            outside.extend(trimmed(Mask { start: from, end: next.start.max(from), ..*mask }, text));
            from = next.end;
        }
    }
    outside
}

fn trimmed(mask: Mask, text: &str) -> Option<Mask> {
    let inside = &text[mask.start..mask.end];
    let first = inside.find(char::is_alphanumeric)?;
    let length = inside.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    Some(Mask { start: mask.start + first, end: mask.start + length, ..mask })
}

/// An utterance with these masks, which are in order and apart.
pub(super) fn apply(start_ms: u64, text: &str, words: &[Word], masks: &[Mask], provisional: bool) -> Redacted {
    let mut masked = String::with_capacity(text.len());
    let mut seen_to = 0;
    for mask in masks {
        masked.push_str(&text[seen_to..mask.start]);
        masked.push_str(mask.kind.mask());
        seen_to = mask.end;
    }
    masked.push_str(&text[seen_to..]);
    let (words, times) = if masks.is_empty() { (words.to_vec(), Vec::new()) } else { mask_words(text, words, masks) };
    let time = |at: usize| times.get(at).copied().flatten();
    let spans = masks.iter().enumerate().map(|(at, mask)| Span { kind: mask.kind, time_ms: time(at) }).collect();
    Redacted { start_ms, text: masked, words, spans, provisional }
}

type Times = Vec<Option<(u64, u64)>>;

/// The words with one in place of those of each mask, and each mask's time. None at all where they do not follow the
/// text: a word that cannot be placed could be a masked one.
fn mask_words(text: &str, words: &[Word], masks: &[Mask]) -> (Vec<Word>, Times) {
    let mut times: Times = vec![None; masks.len()];
    let Some(places) = aligned(text, words) else { return (Vec::new(), times) };
    let mut kept: Vec<Word> = Vec::with_capacity(words.len());
    let mut masked_last = None;
    for (word, (start, end)) in words.iter().zip(places) {
        let touched: Vec<usize> = (0..masks.len()).filter(|at| masks[*at].overlaps(start, end)).collect();
        for at in &touched {
            let from = times[*at].map_or(word.start_ms, |(from, _)| from);
            times[*at] = Some((from, word.end_ms.max(from)));
        }
        match touched.first() {
            None => {
                masked_last = None;
                kept.push(word.clone());
            }
            Some(at) if masked_last == Some(*at) => {
                if let Some(last) = kept.last_mut() {
                    last.end_ms = last.end_ms.max(word.end_ms);
                }
            }
            Some(at) => {
                let text = masks[*at].kind.mask().to_owned();
                kept.push(Word { text, start_ms: word.start_ms, end_ms: word.end_ms, confidence: None });
            }
        }
        masked_last = touched.last().copied().or(masked_last);
    }
    (kept, times)
}

/// The bytes of each word in the text, punctuation and case aside.
fn aligned(text: &str, words: &[Word]) -> Option<Vec<(usize, usize)>> {
    let mut letters = text.char_indices().filter(|(_, c)| c.is_alphanumeric());
    let mut seen_to = 0;
    let mut places = Vec::with_capacity(words.len());
    for word in words {
        let mut place: Option<(usize, usize)> = None;
        for wanted in word.text.chars().filter(|c| c.is_alphanumeric()) {
            let (at, found) = letters.next()?;
            if !found.to_lowercase().eq(wanted.to_lowercase()) {
                return None;
            }
            seen_to = at + found.len_utf8();
            place = Some((place.map_or(at, |(start, _)| start), seen_to));
        }
        // Punctuation alone stands where the word before it ends.
        places.push(place.unwrap_or((seen_to, seen_to)));
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, start_ms: u64) -> Word {
        Word { text: text.to_owned(), start_ms, end_ms: start_ms + 90, confidence: Some(0.9) }
    }

    fn check(text: &str, words: &[&str], masked: (usize, usize), expected: &[(&str, u64, u64)]) {
        let words: Vec<Word> = (0..).zip(words).map(|(at, text)| word(text, at * 100)).collect();
        let mask = Mask { kind: Kind::Card, start: masked.0, end: masked.1 };
        let redacted = apply(0, text, &words, &[mask], false);
        let found: Vec<_> =
            redacted.words.iter().map(|word| (word.text.as_str(), word.start_ms, word.end_ms)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn words_of_a_mask_become_one() {
        let said = ["It", "is", "4111", "1111,", "Thanks."];
        let masked = [("It", 0, 90), ("is", 100, 190), ("[card number]", 200, 390), ("Thanks.", 400, 490)];
        check("it is 4111 1111, thanks", &said, (6, 15), &masked);
    }

    #[test]
    fn words_that_do_not_follow_the_text_are_dropped() {
        check("it is 4111", &["it", "is", "four", "one", "one", "one"], (6, 10), &[]);
        check("it is 4111", &["it", "is", "4111", "1111"], (6, 10), &[]);
    }

    #[test]
    fn what_is_decided_stays_masked() {
        let mask = |kind, start, end| Mask { kind, start, end };
        let check = |before: &[Mask], now: &[Mask], expected: &[Mask]| assert_eq!(joined(before, now), expected);
        let phone = mask(Kind::Phone, 5, 10);
        check(&[phone], &[], &[phone]);
        check(&[phone], &[mask(Kind::Card, 5, 20)], &[mask(Kind::Card, 5, 20)]);
        check(&[phone], &[mask(Kind::Number, 2, 20)], &[mask(Kind::Phone, 2, 20)]);
        check(&[phone], &[mask(Kind::Card, 7, 20)], &[mask(Kind::Card, 5, 20)]);
    }

    #[test]
    fn what_is_pending_leaves_out_what_is_decided() {
        let mask = |start, end| Mask { kind: Kind::Number, start, end };
        let check = |decided: &[Mask], expected: &[Mask]| {
            assert_eq!(outside(&[mask(2, 12)], decided, "ab cd ef-gh ij"), expected, "{decided:?}");
        };
        check(&[], &[mask(3, 11)]);
        check(&[mask(6, 8)], &[mask(3, 5), mask(9, 11)]);
        check(&[mask(3, 5), mask(6, 12)], &[]);
        check(&[mask(0, 8), mask(9, 14)], &[]);
    }
}
