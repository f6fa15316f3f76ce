//! Cues: what is shown at one time, of one speaker, in two lines at most.
//!
//! A long utterance is cut where a sentence or a clause ends, else where two lines or seven seconds are full. Cues of one
//! channel follow each other and never overlap; those of two channels do where both speak at once.

use super::{
    Utterance, ordered,
    pieces::{Piece, columns, join, pieces, wrap},
    speaker,
    timing::{Span, spans},
};
use crate::call::Channel;

/// Widest line, in columns.
pub(super) const LINE: usize = 42;
/// Most lines of a cue.
const LINES: usize = 2;
/// A cue is shown no longer.
const LONGEST_MS: u64 = 7_000;
/// A cue is shown as long as this where nothing of its channel follows sooner.
const SHORTEST_MS: u64 = 1_000;
/// A cue is shown as long as this whatever follows: a picture of film.
const LEAST_MS: u64 = 40;
/// Times beyond this, some hundred thousand years, are taken for it: what is added to them stays a number.
const LATEST_MS: u64 = 1 << 52;

/// What is shown at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cue {
    /// Who speaks.
    pub channel: Channel,
    /// From when, in milliseconds of media time.
    pub start_ms: u64,
    /// Until when; always later than the start.
    pub end_ms: u64,
    /// One line or two, none of them empty.
    pub lines: Vec<String>,
}

/// All cues by their start. With labels, each names its speaker: where two speak at once, nothing else tells whose a
/// cue is.
pub(super) fn cues(utterances: &[Utterance<'_>], labels: bool) -> Vec<Cue> {
    let ordered = ordered(utterances);
    let mut all = Vec::new();
    for channel in [Channel::Agent, Channel::Customer] {
        let label = format!("{}:", speaker(channel));
        let label = labels.then_some(Piece { columns: label.len(), text: label, glued: false });
        let spoken = ordered.iter().filter(|utterance| utterance.channel == channel);
        all.extend(placed(spoken.flat_map(|utterance| cut(utterance, label.as_ref())).collect()));
    }
    all.sort_by_key(|cue| (cue.start_ms, cue.channel));
    all
}

/// The cues of one utterance, each at the time of its words.
fn cut(utterance: &Utterance<'_>, label: Option<&Piece>) -> Vec<Cue> {
    let Some(text) = utterance.readable() else { return Vec::new() };
    let pieces = pieces(&text, LINE);
    let begin_ms = utterance.start_ms.min(LATEST_MS);
    let whole = Span { begin_ms, end_ms: utterance.end_ms.clamp(begin_ms, LATEST_MS) };
    let spans = spans(&pieces, whole, utterance.words);
    let mut cues = Vec::new();
    let mut from = 0;
    while from < pieces.len() {
        let to = next_end(&pieces, &spans, from, label);
        cues.push(Cue {
            channel: utterance.channel,
            start_ms: spans[from].begin_ms,
            end_ms: spans[to - 1].end_ms,
            lines: lines(&labelled(label, &pieces[from..to])),
        });
        from = to;
    }
    cues
}

fn labelled(label: Option<&Piece>, pieces: &[Piece]) -> Vec<Piece> {
    label.into_iter().chain(pieces).cloned().collect()
}

/// Where the cue ends that begins here: after at least one piece, and as many as fit, or fewer where that reads better.
fn next_end(pieces: &[Piece], spans: &[Span], from: usize, label: Option<&Piece>) -> usize {
    let fits = |to: usize| {
        let is_short = spans[to - 1].end_ms - spans[from].begin_ms <= LONGEST_MS;
        is_short && wrap(&labelled(label, &pieces[from..to]), LINE).len() <= LINES
    };
    let mut to = from + 1;
    while to < pieces.len() && fits(to + 1) {
        to += 1;
    }
    if to == pieces.len() {
        return to;
    }
    let earliest = from + (to - from).div_ceil(2);
    let ends_with = |marks: &str| {
        (earliest..=to).rev().find(|to| {
            let text = pieces[*to - 1].text.trim_end_matches(['"', '”', '’', '\'', ')', '»', '」']);
            text.ends_with(|letter| marks.contains(letter))
        })
    };
    ends_with(".?!…。？！؟").or_else(|| ends_with(",;:、，；：،")).unwrap_or(to)
}

/// One line if they fit, else two of about one length.
fn lines(pieces: &[Piece]) -> Vec<String> {
    if columns(pieces) <= LINE {
        return vec![join(pieces)];
    }
    let widest = |at: &usize| columns(&pieces[..*at]).max(columns(&pieces[*at..]));
    let even = (1..pieces.len()).min_by_key(widest).filter(|at| widest(at) <= LINE);
    match even {
        Some(at) => vec![join(&pieces[..at]), join(&pieces[at..])],
        None => wrap(pieces, LINE).into_iter().map(join).collect(),
    }
}

/// Cues of one channel, in the order of their words, so that none overlaps the next and each is shown long enough.
fn placed(mut cues: Vec<Cue>) -> Vec<Cue> {
    let mut free_ms = 0;
    for at in 0..cues.len() {
        let next_ms = cues.get(at + 1).map_or(u64::MAX, |next| next.start_ms);
        let cue = &mut cues[at];
        let spoken_ms = cue.end_ms - cue.start_ms;
        cue.start_ms = cue.start_ms.max(free_ms);
        let wanted_ms = cue.end_ms.clamp(cue.start_ms + SHORTEST_MS, cue.start_ms + LONGEST_MS);
        // Where the next begins before this was shown for what it took to say it, the next has to wait a little.
        let needed_ms = cue.start_ms + spoken_ms.clamp(LEAST_MS, SHORTEST_MS);
        cue.end_ms = wanted_ms.min(next_ms).max(needed_ms);
        free_ms = cue.end_ms;
    }
    cues
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Placeholder;

    fn said(start_ms: u64, end_ms: u64, text: &str) -> Utterance<'_> {
        Utterance { channel: Channel::Agent, start_ms, end_ms, text, words: &[], placeholder: None }
    }

    fn check(utterances: &[Utterance<'_>], labels: bool, expected: &[(u64, u64, &str)]) {
        let cues = cues(utterances, labels);
        let cues: Vec<_> = cues.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.lines.join("|"))).collect();
        let cues: Vec<_> = cues.iter().map(|(start_ms, end_ms, lines)| (*start_ms, *end_ms, lines.as_str())).collect();
        assert_eq!(cues, expected);
    }

    #[test]
    fn a_short_utterance_is_one_cue_of_even_lines() {
        check(&[said(500, 2_500, "Good morning, this is Ann.")], false, &[(500, 2_500, "Good morning, this is Ann.")]);
        let text = "Good morning, this is Ann from Northwind, how are you?";
        check(
            &[said(0, 4_000, text)],
            true,
            &[(0, 4_000, "Agent: Good morning, this is|Ann from Northwind, how are you?")],
        );
    }

    #[test]
    fn a_long_one_is_cut_where_a_sentence_ends() {
        let text = "I see what you mean, and I would think so too. But let me tell you one more thing, which is short.";
        check(
            &[said(0, 7_800, text)],
            false,
            &[
                (0, 3_646, "I see what you mean, and|I would think so too."),
                (3_646, 7_800, "But let me tell you one|more thing, which is short."),
            ],
        );
        // Without a sentence's end, where a clause ends; without any, where it is full.
        let clause = format!("{}, {}", "aaaaaaaaa ".repeat(6).trim_end(), "bbbbbbbbb ".repeat(4).trim_end());
        let cut = cues(&[said(0, 5_000, &clause)], false);
        assert!(cut[0].lines.last().is_some_and(|line| line.ends_with("aaa,")), "{cut:?}");
        let full = cues(&[said(0, 5_000, &"aaaaaaaaa ".repeat(9))], false);
        assert_eq!(full[0].lines, ["aaaaaaaaa ".repeat(4).trim_end(); 2]);
    }

    #[test]
    fn no_cue_is_shown_for_more_than_seven_seconds_or_less_than_one() {
        check(&[said(0, 20_000, "well er")], false, &[(0, 7_000, "well"), (13_333, 20_000, "er")]);
        check(&[said(5_000, 25_000, "hm")], true, &[(5_000, 12_000, "Agent: hm")]);
        check(&[said(0, 100, "no")], false, &[(0, 1_000, "no")]);
        check(&[said(0, 100, "no"), said(600, 700, "yes")], false, &[(0, 600, "no"), (600, 1_600, "yes")]);
    }

    #[test]
    fn cues_of_one_channel_wait_for_each_other() {
        check(
            &[said(0, 2_000, "one"), said(100, 2_100, "two"), said(100, 100, "three")],
            false,
            &[(0, 1_000, "one"), (1_000, 1_040, "three"), (1_040, 2_100, "two")],
        );
        let customer = Utterance { channel: Channel::Customer, ..said(1_000, 3_000, "me too") };
        check(&[customer, said(0, 2_000, "one")], false, &[(0, 2_000, "one"), (1_000, 3_000, "me too")]);
    }

    #[test]
    fn what_has_no_words_is_a_note_or_nothing() {
        let waiting = Utterance { placeholder: Some(Placeholder::Waiting), ..said(0, 1_000, "") };
        let failed = Utterance { placeholder: Some(Placeholder::Failed), ..said(2_000, 3_000, "(whatever)") };
        check(
            &[said(0, 500, " "), waiting, failed],
            true,
            &[
                (0, 1_000, "Agent:|[waiting for the transcription service]"),
                (2_000, 3_000, "Agent:|[this part could not be transcribed]"),
            ],
        );
    }

    #[test]
    fn the_end_of_time_is_no_end_of_the_file() {
        check(
            &[said(u64::MAX, u64::MAX, "late"), said(u64::MAX, 0, "later")],
            false,
            &[(LATEST_MS, LATEST_MS + 40, "later"), (LATEST_MS + 40, LATEST_MS + 1_040, "late")],
        );
    }
}
