//! Keeping texts within their limits, whatever was said or answered.

use std::ops::Range;

use super::{ITEM_CHARS, reading::Utterance};

/// Words before the cue that an excerpt of a long sentence begins with.
const WORDS_BEFORE: usize = 3;

/// The words of a range as they stand in the text; where they are too many for an item, those about the cue.
pub(super) fn excerpt<'a>(utterance: &Utterance<'a>, range: &Range<usize>, cue: &Range<usize>) -> &'a str {
    let whole = utterance.slice(range);
    if fits(whole, ITEM_CHARS) {
        return whole;
    }
    let start = cue.start.saturating_sub(WORDS_BEFORE).max(range.start);
    cut(utterance.slice(&(start..range.end)), ITEM_CHARS)
}

/// The beginning of a text, up to this many characters, ending with a whole word where there is one.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(most) else { return text };
    let head = &text[..end];
    match head.rfind(char::is_whitespace) {
        Some(space) if space > end / 2 => head[..space].trim_end(),
        _ => head,
    }
}

/// The same, with a sign that something is missing; never longer than the limit.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if fits(text, most) { text.to_owned() } else { format!("{}…", cut(text, most - 1)) }
}

/// Whether a text has at most this many characters.
pub(super) fn fits(text: &str, most: usize) -> bool {
    text.len() <= most || text.chars().nth(most).is_none()
}

/// A text from outside in one line: white space and control characters become single spaces.
pub(super) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}
