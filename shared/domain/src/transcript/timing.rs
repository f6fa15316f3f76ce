//! When each piece of an utterance was said: by the times of its words where they are known, else in proportion to
//! its characters.

use super::pieces::Piece;
use crate::segment::Word;

/// How many pieces ahead a word is looked for that is not next.
const LOOK_AHEAD: usize = 6;

/// From when to when something was said, in milliseconds of media time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub begin_ms: u64,
    pub end_ms: u64,
}

/// A character's place in the text, and a time that is known there.
type Knot = (usize, u64);

/// When each piece was said. Spans are in order and stay within the utterance's.
pub(super) fn spans(pieces: &[Piece], utterance: Span, words: &[Word]) -> Vec<Span> {
    let letters: Vec<char> = pieces.iter().flat_map(|piece| characters(&piece.text)).collect();
    let mut ends = vec![0];
    ends.extend(pieces.iter().scan(0, |end, piece| {
        *end += characters(&piece.text).count();
        Some(*end)
    }));
    let knots = knots(&letters, &ends, utterance, words);
    ends.windows(2).map(|pair| Span { begin_ms: begin_ms(&knots, pair[0]), end_ms: end_ms(&knots, pair[1]) }).collect()
}

fn characters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| *letter != ' ')
}

/// The times that are known, both sides ascending: the utterance's own, and those of words found in it.
fn knots(letters: &[char], ends: &[usize], utterance: Span, words: &[Word]) -> Vec<Knot> {
    let mut knots = vec![(0, utterance.begin_ms)];
    let (mut at, mut earliest_ms) = (0, utterance.begin_ms);
    for word in words {
        let key: Vec<char> = word.text.chars().filter(|letter| letter.is_alphanumeric()).collect();
        let Some((from, to)) = find(letters, ends, at, &key) else { continue };
        let begin_ms = word.start_ms.clamp(earliest_ms, utterance.end_ms);
        let end_ms = word.end_ms.clamp(begin_ms, utterance.end_ms);
        knots.extend([(from, begin_ms), (to, end_ms)]);
        (at, earliest_ms) = (to, end_ms);
    }
    knots.push((letters.len(), utterance.end_ms));
    knots
}

/// Where a word stands in the text: right here, in whatever it is part of, else as one of the next pieces whole.
fn find(letters: &[char], ends: &[usize], at: usize, key: &[char]) -> Option<(usize, usize)> {
    if key.is_empty() {
        return None;
    }
    if let Some(to) = matched(letters, ends, at, key) {
        return Some((at, to));
    }
    let next = ends.partition_point(|end| *end <= at);
    let ahead = ends[next..].iter().take(LOOK_AHEAD);
    ahead.copied().find_map(|from| {
        let to = matched(letters, ends, from, key)?;
        ends.binary_search(&to).is_ok().then_some((from, to))
    })
}

/// Where the word ends if it stands here, with the punctuation that follows it in its piece. Punctuation and case do not
/// count.
fn matched(letters: &[char], ends: &[usize], from: usize, key: &[char]) -> Option<usize> {
    let mut wanted = key.iter();
    let mut to = from;
    for letter in &letters[from..] {
        let is_found = wanted.as_slice().is_empty();
        if is_found && (letter.is_alphanumeric() || ends.binary_search(&to).is_ok()) {
            break;
        }
        if letter.is_alphanumeric() && !wanted.next()?.to_lowercase().eq(letter.to_lowercase()) {
            return None;
        }
        to += 1;
    }
    wanted.as_slice().is_empty().then_some(to)
}

/// The time at which what follows this place begins: after a pause, where one is here.
fn begin_ms(knots: &[Knot], at: usize) -> u64 {
    let next = knots.partition_point(|knot| knot.0 <= at);
    between(knots[next - 1], knots.get(next), at)
}

/// The time at which what precedes this place ends: before a pause, where one is here.
fn end_ms(knots: &[Knot], at: usize) -> u64 {
    let next = knots.partition_point(|knot| knot.0 < at);
    match knots.get(next) {
        Some(knot) if knot.0 > at => between(knots[next - 1], Some(knot), at),
        Some(knot) => knot.1,
        None => knots[next - 1].1,
    }
}

fn between(before: Knot, after: Option<&Knot>, at: usize) -> u64 {
    let Some(after) = after.filter(|_| before.0 < at) else { return before.1 };
    let (passed, all) = ((at - before.0) as u128, (after.0 - before.0) as u128);
    let ms = u128::from(after.1 - before.1) * passed / all;
    before.1 + u64::try_from(ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{super::pieces::pieces, *};

    fn word((text, start_ms, end_ms): &(&str, u64, u64)) -> Word {
        Word { text: (*text).into(), start_ms: *start_ms, end_ms: *end_ms, confidence: None }
    }

    fn check(text: &str, words: &[(&str, u64, u64)], expected: &[(u64, u64)]) {
        let words: Vec<Word> = words.iter().map(word).collect();
        let utterance = Span { begin_ms: 1_000, end_ms: 2_000 };
        let spans = spans(&pieces(text, 42), utterance, &words);
        let spans: Vec<_> = spans.iter().map(|span| (span.begin_ms, span.end_ms)).collect();
        assert_eq!(spans, expected, "{text}");
    }

    #[test]
    fn without_words_time_passes_with_the_characters() {
        check("aaa b", &[], &[(1_000, 1_750), (1_750, 2_000)]);
        check("…… …… ……  ……", &[], &[(1_000, 1_250), (1_250, 1_500), (1_500, 1_750), (1_750, 2_000)]);
        check("", &[], &[]);
    }

    #[test]
    fn words_give_their_times() {
        let words = [("hello", 1_100, 1_300), ("world", 1_500, 1_900)];
        check("“Hello”, world!", &words, &[(1_100, 1_300), (1_500, 1_900)]);
        // Parts of words, as some services give them, and several words in one piece.
        check(
            "don't go",
            &[("don", 1_100, 1_200), ("'t", 1_200, 1_400), ("go", 1_500, 1_600)],
            &[(1_100, 1_400), (1_500, 1_600)],
        );
        check(
            "はい元",
            &[("はい", 1_100, 1_300), ("元", 1_600, 1_700)],
            &[(1_100, 1_200), (1_200, 1_300), (1_600, 1_700)],
        );
    }

    #[test]
    fn words_that_are_not_there_are_passed_over() {
        let words = [("my", 1_000, 1_100), ("4242", 1_100, 1_800), ("ok", 1_900, 2_000)];
        check("my [card number] ok", &words, &[(1_000, 1_100), (1_100, 1_900), (1_900, 2_000)]);
        check("one", &[("uh", 1_400, 1_500), ("two", 1_500, 1_600)], &[(1_000, 2_000)]);
        // A word of the same beginning further on is another.
        check("yes others", &[("other", 1_100, 1_200), ("yes", 1_300, 1_400)], &[(1_300, 1_400), (1_400, 2_000)]);
    }

    #[test]
    fn times_that_cannot_be_are_put_within_the_utterance_and_in_order() {
        check("one two", &[("one", 0, 5_000), ("two", 1_500, 1_200)], &[(1_000, 2_000), (2_000, 2_000)]);
        check("one two", &[("one", 900, 1_500), ("two", 1_300, 1_700)], &[(1_000, 1_500), (1_500, 1_700)]);
    }
}
