//! A model's claims, each held against what was said. What does not stand is left out and counted.

use std::ops::Range;

use serde_json::Value;

use super::super::{
    ITEM_CHARS,
    items::{Entity, EntityKind, Link, NoteItem},
    quality::{Quality, counted},
    shorten::{cut, fits, one_line, shortened},
};
use crate::{
    call::Channel,
    coaching::{
        Said,
        quote::{Quotes, contains_words, normal},
    },
};

/// How far from its quote a date may be said, in utterances.
const DUE_BEFORE: usize = 3;
const DUE_AFTER: usize = 3;

/// What a claim that was left out costs, and all of them at most.
const LEFT_OUT: u32 = 8;
const ALL_LEFT_OUT: u32 = 45;

/// What was said, and what came of the claims so far.
pub(super) struct Claims<'a> {
    spoken: &'a [Said<'a>],
    quotes: Quotes,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    invented: usize,
    misplaced: usize,
    malformed: usize,
    unknown_dates: usize,
    cut: usize,
}

/// Where a quote occurs.
pub(super) struct Shown {
    /// The utterance, as its place among those spoken.
    pub(super) at: usize,
    /// Its words, as they stand there.
    pub(super) quote: String,
    /// The utterance, and the next of its side where the quote runs on.
    pub(super) links: Vec<Link>,
}

impl<'a> Claims<'a> {
    /// `spoken` is in the order of time.
    pub(super) fn new(spoken: &'a [Said<'a>]) -> Self {
        Self { spoken, quotes: Quotes::new(spoken), tally: Tally::default() }
    }

    /// A claim with a text, a quote and perhaps a date. The speaker is the one that it names, unless one is told here.
    pub(super) fn item(&mut self, claim: &Value, any_speaker: bool) -> Option<NoteItem> {
        let text = self.text(claim)?;
        let channel = if any_speaker { None } else { Some(self.speaker(claim)?) };
        let shown = self.shown(claim["quote"].as_str(), channel)?;
        let mut links = shown.links;
        let due = self.due(claim["due"].as_str(), shown.at, &mut links);
        Some(NoteItem { text, due, links, quote: shown.quote })
    }

    /// Who said what a claim quotes.
    pub(super) fn speaker(&mut self, claim: &Value) -> Option<Channel> {
        let speaker = claim["said_by"].as_str().and_then(Channel::parse);
        if speaker.is_none() {
            self.malformed();
        }
        speaker
    }

    /// A claim's text, within its limit.
    fn text(&mut self, claim: &Value) -> Option<String> {
        let text = one_line(claim["text"].as_str().unwrap_or_default());
        if text.is_empty() {
            self.malformed();
            return None;
        }
        Some(self.within(&text, ITEM_CHARS))
    }

    /// A text, cut to its limit.
    pub(super) fn within(&mut self, text: &str, most: usize) -> String {
        self.tally.cut += usize::from(!fits(text, most));
        shortened(text, most)
    }

    /// Where a quote occurs, in the words of this side where one is told.
    pub(super) fn shown(&mut self, quote: Option<&str>, channel: Option<Channel>) -> Option<Shown> {
        let Some(quote) = quote else {
            self.malformed();
            return None;
        };
        let Some((at, bytes)) = self.quotes.find(quote, channel) else {
            let elsewhere = self.quotes.find(quote, None).is_some();
            *(if elsewhere { &mut self.tally.misplaced } else { &mut self.tally.invented }) += 1;
            return None;
        };
        let said = &self.spoken[at];
        let words = &said.text[bytes];
        let mut links = vec![Link::to(said)];
        if normal(quote).len() > normal(words).len() {
            let next = self.spoken[at + 1..].iter().find(|it| it.channel == said.channel);
            links.extend(next.map(Link::to));
        }
        Some(Shown { at, quote: cut(words, ITEM_CHARS).to_owned(), links })
    }

    /// A date that was said about the quote; the utterance that tells it is linked to.
    fn due(&mut self, due: Option<&str>, at: usize, links: &mut Vec<Link>) -> Option<String> {
        let due = one_line(due?);
        if due.is_empty() {
            return None;
        }
        let around = at.saturating_sub(DUE_BEFORE)..self.spoken.len().min(at + DUE_AFTER + 1);
        let tells = |it: &&Said<'_>| fits(&due, ITEM_CHARS) && contains_words(it.text, &due);
        let own = Some(&self.spoken[at]).filter(tells);
        let Some(told) = own.or_else(|| self.spoken[around].iter().find(tells)) else {
            self.tally.unknown_dates += 1;
            return None;
        };
        if !links.contains(&Link::to(told)) {
            links.push(Link::to(told));
        }
        Some(due)
    }

    /// A name, an amount or a date that occurs as it is told, and is no mask.
    pub(super) fn entity(&mut self, claim: &Value) -> Option<Entity> {
        let kind = serde_json::from_value::<EntityKind>(claim["kind"].clone()).ok();
        let (Some(kind), Some(text)) = (kind, claim["text"].as_str()) else {
            self.malformed();
            return None;
        };
        let found = self.quotes.find_name(text).filter(|_| fits(text, ITEM_CHARS));
        let Some((at, bytes)) = found.filter(|(at, bytes)| !is_masked(self.spoken[*at].text, bytes.start)) else {
            self.tally.invented += 1;
            return None;
        };
        let said = &self.spoken[at];
        let as_said = with_symbols(said.text, bytes).to_owned();
        Some(Entity { kind, text: as_said, links: vec![Link::to(said)] })
    }

    /// Counts a claim that says nothing.
    pub(super) fn malformed(&mut self) {
        self.tally.malformed += 1;
    }

    /// Counts a claim whose quote occurs, but not where it would prove anything.
    pub(super) fn misplaced(&mut self) {
        self.tally.misplaced += 1;
    }

    /// Tells what was left out, and takes points off for it.
    pub(super) fn judge(&self, quality: &mut Quality) {
        let tally = &self.tally;
        let left_out = [
            (tally.invented, "left out: the quote does not occur in the call.", "the quotes do not occur in the call."),
            (
                tally.misplaced,
                "left out: the quote is not where it was said to be.",
                "the quotes are not where they were said to be.",
            ),
            (tally.malformed, "left out: a part of it is missing.", "parts of them are missing."),
        ];
        let mut room = ALL_LEFT_OUT;
        for (count, one, many) in left_out.into_iter().filter(|(count, ..)| *count > 0) {
            let points = (LEFT_OUT.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))).min(room);
            room -= points;
            quality
                .blame(points, counted(count, &format!("claim was {one}"), &format!("claims were left out: {many}")));
        }
        if tally.unknown_dates > 0 {
            let what = counted(tally.unknown_dates, "date was", "dates were");
            quality.blame(LEFT_OUT, format!("{what} left out: nobody named such a date."));
        }
        if tally.cut > 0 {
            quality.blame(1, format!("{} cut to the limit.", counted(tally.cut, "text was", "texts were")));
        }
    }
}

/// These bytes of a text, with the symbol of an amount on either side, which the search does not see.
fn with_symbols(text: &str, bytes: Range<usize>) -> &str {
    let is_symbol = |c: char| matches!(c, '$' | '€' | '£' | '¥' | '%');
    let before = text[..bytes.start].trim_end_matches(is_symbol).len();
    let after = &text[bytes.end..];
    let symbols = after.len() - after.trim_start_matches(is_symbol).len();
    &text[before..bytes.end + symbols]
}

/// Whether this place is within a mask such as `[card number]`.
fn is_masked(text: &str, at: usize) -> bool {
    let before = &text[..at];
    before.rfind('[').is_some_and(|open| !before[open..].contains(']'))
}
