//! Where a text may be broken: at its spaces, in Chinese and Japanese between any two characters, and in what is longer
//! than a line wherever it must be, but never within what a reader sees as one character, nor within brackets.
//!
//! Widths are columns of a terminal or a player: most characters take one, Chinese, Japanese and Korean ones two.

use std::ops::RangeInclusive;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Longest text in brackets that stays whole, in columns: a mask such as `[card number]`, or a note. Below a line.
const LONGEST_MASK: usize = 40;

const HANGUL: [RangeInclusive<char>; 3] = ['\u{1100}'..='\u{11ff}', '\u{3130}'..='\u{318f}', '\u{ac00}'..='\u{d7ff}'];

/// A stretch of text that stays on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The stretch. Single spaces stand within brackets only.
    pub text: String,
    /// Its width.
    pub columns: usize,
    /// Whether it follows the piece before it without a space.
    pub glued: bool,
}

/// Breaks a text into pieces, none of them wider than a line of so many columns.
pub(super) fn pieces(text: &str, line: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for word in words(text) {
        for (place, part) in parts(&word, line).into_iter().enumerate() {
            pieces.push(Piece { columns: part.width(), text: part, glued: place > 0 });
        }
    }
    pieces
}

/// What stands between the spaces of a text. Brackets hold together; what commands a terminal counts as a space.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some(length) = mask_length(rest) {
            let within = &rest[1..length - 1];
            let within: Vec<&str> = within.split(is_gap).filter(|part| !part.is_empty()).collect();
            word += &format!("[{}]", within.join(" "));
            rest = &rest[length..];
            continue;
        }
        if !is_gap(letter) {
            word.push(letter);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        rest = &rest[letter.len_utf8()..];
    }
    words.push(word);
    // A word of spaces that do not break would show as nothing.
    words.retain(|word| !word.trim().is_empty());
    words
}

/// Pieces on one line.
pub(super) fn join(pieces: &[Piece]) -> String {
    let mut line = String::new();
    for piece in pieces {
        if !line.is_empty() && !piece.glued {
            line.push(' ');
        }
        line += &piece.text;
    }
    line
}

/// The width of pieces on one line.
pub(super) fn columns(pieces: &[Piece]) -> usize {
    let spaces = pieces.iter().skip(1).filter(|piece| !piece.glued).count();
    pieces.iter().map(|piece| piece.columns).sum::<usize>() + spaces
}

/// Fills lines of so many columns, one after the other.
pub(super) fn wrap(pieces: &[Piece], line: usize) -> Vec<&[Piece]> {
    let mut lines = Vec::new();
    let mut from = 0;
    for to in 1..=pieces.len() {
        let is_full = pieces.get(from..=to).is_some_and(|wider| columns(wider) > line);
        if is_full || to == pieces.len() {
            lines.push(&pieces[from..to]);
            from = to;
        }
    }
    lines
}

/// Spaces that hold their words together are none.
fn is_gap(letter: char) -> bool {
    letter.is_control() || (letter.is_whitespace() && !matches!(letter, '\u{a0}' | '\u{2007}' | '\u{202f}'))
}

/// How long the text in brackets is that a text begins with, in bytes and with the brackets; none where there is none
/// that stays whole.
fn mask_length(text: &str) -> Option<usize> {
    let within = text.strip_prefix('[')?;
    // However many open and never close, each is looked at for so far only.
    let (end, _) = within.char_indices().take(4 * LONGEST_MASK).find(|(_, letter)| *letter == ']')?;
    let within = &within[..end];
    let is_mask = !within.contains('[') && !within.trim().is_empty() && within.width() + 2 <= LONGEST_MASK;
    is_mask.then_some(within.len() + 2)
}

/// The parts of a word between which a line may end.
fn parts(word: &str, line: usize) -> Vec<String> {
    let units = units(word);
    if word.width() <= line && !units.iter().any(|unit| is_wide(unit)) {
        return vec![word.to_owned()];
    }
    let mut parts: Vec<String> = Vec::new();
    let mut before = "";
    for unit in units {
        let holds = closes(unit) || opens(before) || (!is_wide(unit) && !is_wide(before));
        match parts.last_mut() {
            Some(part) if holds && part.width() + unit.width() <= line => part.push_str(unit),
            _ => parts.push(unit.to_owned()),
        }
        before = unit;
    }
    parts
}

/// What a reader sees as one character, or brackets that hold together.
fn units(word: &str) -> Vec<&str> {
    let mut units = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let length = mask_length(rest).or_else(|| rest.graphemes(true).next().map(str::len)).unwrap_or(rest.len());
        let (unit, after) = rest.split_at(length);
        units.push(unit);
        rest = after;
    }
    units
}

/// Whether a line may end on either side of it: Chinese and Japanese, and emoji. Korean puts spaces between its words.
fn is_wide(unit: &str) -> bool {
    let Some(letter) = unit.chars().next() else { return false };
    letter.width() == Some(2) && !HANGUL.iter().any(|hangul| hangul.contains(&letter))
}

/// Whether no line may begin with it.
fn closes(unit: &str) -> bool {
    unit.starts_with(|letter| "、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】…‥.,:;?!)]}".contains(letter))
}

/// Whether no line may end with it.
fn opens(unit: &str) -> bool {
    unit.starts_with(|letter| "‘“（〔［｛〈《「『【([{".contains(letter)) && mask_length(unit).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, line: usize, expected: &[&str]) {
        let pieces = pieces(text, line);
        let shown: Vec<String> =
            pieces.iter().map(|piece| format!("{}{}", if piece.glued { "+" } else { "" }, piece.text)).collect();
        assert_eq!(shown, expected, "{text:?}");
        assert!(pieces.iter().all(|piece| piece.columns <= line), "{pieces:?}");
    }

    #[test]
    fn words_end_at_spaces_that_break() {
        check("  good\tmorning,\r\nMr.\u{a0}Ito ", 42, &["good", "morning,", "Mr.\u{a0}Ito"]);
        check("a\u{1b}[2Jb\u{85}c\u{2028}d", 42, &["a", "[2Jb", "c", "d"]);
        for empty in ["", " \u{a0} \n"] {
            check(empty, 42, &[]);
        }
    }

    #[test]
    fn masks_stay_whole_with_what_touches_them() {
        check("it is [card  number], yes", 42, &["it", "is", "[card number],", "yes"]);
        check("号[card number]です", 42, &["号", "+[card number]", "+で", "+す"]);
        check("[no end of it", 42, &["[no", "end", "of", "it"]);
        check("[ ] [[a b]", 42, &["[", "]", "[[a b]"]);
        let long = format!("[{} {}]", "a".repeat(20), "b".repeat(20));
        check(&long, 42, &[&long[..21], &long[22..]]);
    }

    #[test]
    fn what_has_no_spaces_is_broken_between_characters() {
        check("「はい、元気」 ok", 42, &["「は", "+い、", "+元", "+気」", "ok"]);
        check("iPhoneを買う", 42, &["iPhone", "+を", "+買", "+う"]);
        check("안녕하세요 여러분", 42, &["안녕하세요", "여러분"]);
        check("שלום עולם", 42, &["שלום", "עולם"]);
        check("aaaaab", 5, &["aaaaa", "+b"]);
        // Of e and its accents, and of a family, nothing is torn off.
        check("e\u{301}e\u{301}e\u{301}", 2, &["e\u{301}e\u{301}", "+e\u{301}"]);
        check("👨‍👩‍👧ok", 42, &["👨‍👩‍👧", "+ok"]);
    }

    #[test]
    fn lines_are_filled() {
        let pieces = pieces("one two three four", 9);
        let lines: Vec<String> = wrap(&pieces, 9).into_iter().map(join).collect();
        assert_eq!(lines, ["one two", "three", "four"]);
        assert_eq!(wrap(&[], 9), Vec::<&[Piece]>::new());
    }
}
