//! Finding a quote in what was said: does it occur, where, and in whose words?
//!
//! Punctuation, case, spacing, apostrophes and the marks of masks count for nothing, so a quote from a model meets what
//! a recognizer wrote. Words count, all of them and in order. Knows nothing of what a quote is to prove.

use std::ops::Range;

use super::Said;
use crate::call::Channel;

/// A quote of fewer words must be a whole utterance.
const LEAST_WORDS: usize = 3;

/// A quote may run on into the same side's next utterance where that begins within this time.
const LONGEST_BREAK_MS: u64 = 15_000;

/// Where a quote occurs: the place in `said`, and the bytes of that utterance's text. Of a quote that runs on into the
/// same side's next utterance, it is the first one and the bytes to its end. The earliest place counts.
///
/// A quote needs at least three words, or to be a whole utterance. `said` may come in any order. For many quotes of
/// one call, make [`Quotes`] once.
pub fn find_quote(said: &[Said<'_>], quote: &str, channel: Option<Channel>) -> Option<(usize, Range<usize>)> {
    Quotes::new(said).find(quote, channel)
}

/// The words of a call, made ready for many quotes. Reading costs the length of the call once, each quote one search.
#[derive(Debug)]
pub struct Quotes {
    tracks: [Track; 2],
}

/// The words of one side.
#[derive(Debug)]
struct Track {
    channel: Channel,
    /// All words, each with a space before; a line break where a quote may not run on.
    text: String,
    words: Vec<Heard>,
}

/// A word of a track.
#[derive(Debug)]
struct Heard {
    /// Where its space stands in the track's text.
    at: usize,
    /// Which of the side's utterances it is in, counted in the order of time.
    utterance: usize,
    /// The same utterance's place in `said`.
    said: usize,
    /// When that begins.
    start_ms: u64,
    /// The word's bytes in the utterance's text.
    bytes: Range<usize>,
}

impl Quotes {
    /// Reads a call.
    pub fn new(said: &[Said<'_>]) -> Self {
        let mut order: Vec<usize> = (0..said.len()).collect();
        order.sort_by_key(|at| (said[*at].start_ms, said[*at].end_ms, said[*at].text));
        let track = |channel| Track::new(channel, said, &order);
        Self { tracks: [track(Channel::Agent), track(Channel::Customer)] }
    }

    /// As [`find_quote`].
    pub fn find(&self, quote: &str, channel: Option<Channel>) -> Option<(usize, Range<usize>)> {
        self.search(quote, channel, LEAST_WORDS)
    }

    /// As [`Quotes::find`], of a name or an amount: one word will do.
    pub(super) fn find_name(&self, name: &str) -> Option<(usize, Range<usize>)> {
        self.search(name, None, 1)
    }

    fn search(&self, quote: &str, channel: Option<Channel>, least: usize) -> Option<(usize, Range<usize>)> {
        let needle = normal(quote);
        let tracks = self.tracks.iter().filter(|track| channel.is_none_or(|channel| channel == track.channel));
        let found = tracks.filter_map(|track| track.find(&needle, least));
        let (first, last) = found.min_by_key(|(first, _)| (first.start_ms, first.said))?;
        Some((first.said, first.bytes.start..last.bytes.end))
    }
}

impl Track {
    fn new(channel: Channel, said: &[Said<'_>], order: &[usize]) -> Self {
        let mut track = Self { channel, text: String::new(), words: Vec::new() };
        let (mut utterance, mut heard_to) = (0, 0_u64);
        for at in order.iter().copied().filter(|at| said[*at].channel == channel) {
            let it = &said[at];
            if it.start_ms > heard_to.saturating_add(LONGEST_BREAK_MS) {
                track.text.push('\n');
            }
            let before = track.words.len();
            each_word(it.text, |word, bytes| {
                track.words.push(Heard { at: track.text.len(), utterance, said: at, start_ms: it.start_ms, bytes });
                track.text.push(' ');
                track.text.push_str(word);
            });
            if track.words.len() > before {
                utterance += 1;
                heard_to = heard_to.max(it.end_ms);
            }
        }
        track
    }

    /// The first and the last word of the earliest place, both within one utterance where it runs on.
    fn find(&self, needle: &str, least: usize) -> Option<(&Heard, &Heard)> {
        let count = needle.matches(' ').count();
        if count == 0 {
            return None;
        }
        let mut from = 0;
        while let Some(found) = self.text.get(from..)?.find(needle) {
            let at = from + found;
            from = at + 1;
            let whole_words = matches!(self.text.as_bytes().get(at + needle.len()), None | Some(b' ' | b'\n'));
            let Ok(first) = self.words.binary_search_by_key(&at, |word| word.at) else { continue };
            let last = first + count - 1;
            let runs_over = self.words[last].utterance - self.words[first].utterance;
            if whole_words && runs_over <= 1 && (count >= least || self.is_whole(first, last)) {
                let own = self.words[first..=last].iter().rfind(|word| word.said == self.words[first].said)?;
                return Some((&self.words[first], own));
            }
        }
        None
    }

    fn is_whole(&self, first: usize, last: usize) -> bool {
        let utterance = |at: usize| self.words.get(at).map(|word| word.utterance);
        let opens = first == 0 || utterance(first - 1) != utterance(first);
        opens && utterance(first) == utterance(last) && utterance(last + 1) != utterance(last)
    }
}

/// Whether these words, at least one, stand in this text one after the other.
pub(super) fn contains_words(text: &str, words: &str) -> bool {
    let needle = normal(words);
    !needle.is_empty() && format!("{} ", normal(text)).contains(&format!("{needle} "))
}

/// The words of a text as they are compared, each with a space before.
pub(super) fn normal(text: &str) -> String {
    let mut normal = String::with_capacity(text.len() + 1);
    each_word(text, |word, _| {
        normal.push(' ');
        normal.push_str(word);
    });
    normal
}

/// Calls back with each word in lower case, less its apostrophes and the marks within a number, and with its bytes.
fn each_word(text: &str, mut word: impl FnMut(&str, Range<usize>)) {
    let mut spelling = String::new();
    let mut start = 0;
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if c.is_alphanumeric() && !stands_alone(c) {
            if spelling.is_empty() {
                start = at;
            }
            spelling.extend(c.to_lowercase());
            end = at + c.len_utf8();
            continue;
        }
        let apostrophe = matches!(c, '\'' | '’' | '‘' | 'ʼ');
        let digits = spelling.ends_with(|last: char| last.is_ascii_digit()) && next.is_some_and(|c| c.is_ascii_digit());
        if !spelling.is_empty() && (apostrophe && next.is_some_and(char::is_alphabetic) || c == ',' && digits) {
            continue;
        }
        if !spelling.is_empty() && c == '.' && digits {
            spelling.push(c);
            continue;
        }
        if !spelling.is_empty() {
            word(&spelling, start..end);
            spelling.clear();
        }
        if stands_alone(c) {
            word(c.encode_utf8(&mut [0; 4]), at..at + c.len_utf8());
        }
    }
    if !spelling.is_empty() {
        word(&spelling, start..end);
    }
}

/// Characters of scripts that put no spaces between words: each counts as a word.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
}

#[cfg(test)]
mod tests;
