//! Masks what must not be kept: payment cards, social security numbers, bank accounts, dates of birth, e-mail
//! addresses and phone numbers, written or said, in one utterance or over several with pauses between.
//!
//! Owns what is sensitive and what stands in its place. It does not own storing, pushing or sealing: the caller keeps
//! a channel's [`Pending`] between utterances, and hands on what [`Pending::take`] gives back, nothing else.
//!
//! **Over several utterances.** Four or more digits at the end of an utterance are masked at once, as `[number]`, and
//! unmasked when what follows shows them to be harmless. Fewer are shown: else every "I'll take two" would flicker.
//! They are remembered, though, and masked when later digits make a value of them. So one to three digits of a value
//! can have been visible for as long as the speaker paused; the same holds for the begin of an e-mail address whose
//! domain comes with the next utterance. What was masked as a value stays masked; only its kind may change as more
//! digits come.
//!
//! **Context.** Dates count as dates of birth only beside "born", "date of birth" or the like. Near "card" or "social"
//! a number is masked whatever its check digits say, since a recognizer mishears. Near "order", "policy" or "invoice"
//! a number stays, unless it is a card's to the last digit.
//!
//! **Languages.** Digits, IBANs and written addresses need none. Number words and context come from a table of words a
//! language; English is shipped. Another needs a file beside `redaction/english.rs`.

use serde::{Deserialize, Serialize};

use crate::segment::Word;

mod dates;
mod english;
mod find;
mod ibans;
mod judge;
mod language;
mod mails;
mod mask;
mod numbers;
mod silence;
mod tokens;
mod values;

use find::{Found, Heard};
use language::Language;
pub use language::Topic;
use mask::Mask;
pub use silence::silenced;

/// What kind of value was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A payment card's number.
    #[serde(rename = "card_number")]
    Card,
    /// A US social security number, or its last four digits.
    #[serde(rename = "social_security_number")]
    SocialSecurity,
    /// An IBAN, or the number of what is called a bank account.
    BankAccount,
    /// A date of birth.
    DateOfBirth,
    /// An e-mail address.
    Email,
    /// A phone number.
    #[serde(rename = "phone_number")]
    Phone,
    /// Digits that may be a part of one of the above.
    Number,
}

impl Kind {
    /// What stands in the value's place.
    pub fn mask(self) -> &'static str {
        match self {
            Self::Card => "[card number]",
            Self::SocialSecurity => "[social security number]",
            Self::BankAccount => "[bank account]",
            Self::DateOfBirth => "[date of birth]",
            Self::Email => "[e-mail]",
            Self::Phone => "[phone number]",
            Self::Number => "[number]",
        }
    }
}

/// A masked value, or the piece of one in this utterance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// What it is.
    pub kind: Kind,
    /// When its words were said, in milliseconds of media time; none where words have no times or do not follow the
    /// text.
    pub time_ms: Option<(u64, u64)>,
}

/// An utterance as it may be shown and kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Redacted {
    /// Where the utterance begins, in milliseconds of media time: as it was handed in.
    pub start_ms: u64,
    /// The text with its masks.
    pub text: String,
    /// The words, those of a mask replaced by one that holds the mask. Empty where something is masked and the words
    /// do not follow the text: better none than one that tells.
    pub words: Vec<Word>,
    /// One a mask, in the text's order.
    pub spans: Vec<Span>,
    /// Whether what follows may change it: then it is given again, when it changes or when that is over.
    pub provisional: bool,
}

impl Redacted {
    /// An utterance of which nothing is masked, or looked at.
    pub fn unchanged(start_ms: u64, text: String, words: Vec<Word>) -> Self {
        Self { start_ms, text, words, spans: Vec::new(), provisional: false }
    }
}

/// What is kept of one channel between utterances. It holds originals: never store or log it in the open.
///
/// Bounded: the last 24 utterances at most. Of a value said in more pieces, the earlier ones stay as they are then,
/// masked or (fewer than four digits) shown, and the later ones are judged without them.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Utterances that may still change, oldest first.
    held: Vec<Held>,
    /// What was spoken of, the latest last, and for how many more utterances that counts.
    carried: Vec<(Topic, u8)>,
    /// Whether something was said that is not known.
    after_unknown: bool,
}

/// See [`Pending`].
const MOST_HELD: usize = 24;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Held {
    start_ms: u64,
    text: String,
    words: Vec<Word>,
    language: String,
    /// What was spoken of before it.
    carried: Vec<Topic>,
    after_unknown: bool,
    /// Masked for good.
    decided: Vec<Mask>,
    /// As given back last: the masks, and whether it was provisional.
    shown: Option<(Vec<Mask>, bool)>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pending")
            .field("held", &self.held.len())
            .field("carried", &self.carried)
            .finish_non_exhaustive()
    }
}

impl Pending {
    /// Takes the next utterance of the channel, with its start in milliseconds of media time and its language's tag.
    /// Gives it back as it may be shown, then earlier ones that change by it.
    pub fn take(&mut self, start_ms: u64, text: &str, words: &[Word], language: &str) -> Vec<Redacted> {
        if self.held.is_empty() && !self.after_unknown && !Language::of(language).may_matter(text) {
            self.pass(text, language);
            return vec![mask::apply(start_ms, text, words, &[], false)];
        }
        let mut changed = Vec::new();
        if self.held.len() == MOST_HELD {
            let oldest = self.held.remove(0);
            changed.extend(oldest.kept());
        }
        self.held.push(Held {
            start_ms,
            text: text.to_owned(),
            words: words.to_vec(),
            language: language.to_owned(),
            carried: self.carried.iter().map(|(topic, _)| *topic).collect(),
            after_unknown: std::mem::take(&mut self.after_unknown),
            decided: Vec::new(),
            shown: None,
        });
        let found = find::find(&self.held.iter().map(Held::heard).collect::<Vec<_>>());
        self.pass(text, language);
        self.carry(&found.topics);
        let last = self.held.len() - 1;
        let newest = self.held[last].judge(last, &found);
        let earlier = self.held[..last].iter_mut().enumerate().filter_map(|(at, held)| held.judge(at, &found));
        let earlier: Vec<Redacted> = earlier.collect();
        self.held.drain(..found.open_from.unwrap_or(last + 1));
        newest.into_iter().chain(changed).chain(earlier).collect()
    }

    /// The other side said this: what it asks for is what the next utterance here is about. So "what's your date of
    /// birth?" counts for the answer, though it is another channel's.
    pub fn asked(&mut self, text: &str, language: &str) {
        if Language::of(language).may_matter(text) {
            let heard = Heard { text, language, carried: &[], after_unknown: false };
            let topics = find::find(&[heard]).topics;
            self.carry(&topics);
        }
    }

    /// The channel is over: digits that came to nothing are unmasked. Gives back what changes.
    pub fn finish(&mut self) -> Vec<Redacted> {
        let held = std::mem::take(self).held;
        held.into_iter().filter_map(|mut held| held.show(held.decided.clone(), false)).collect()
    }

    /// An utterance is not known: what is pending stays masked for good, and so do four or more digits that begin the
    /// next one. Gives back what changes: all that was provisional, which it is no longer.
    pub fn interrupt(&mut self) -> Vec<Redacted> {
        let held = std::mem::take(&mut self.held);
        self.after_unknown = true;
        held.into_iter().filter_map(Held::kept).collect()
    }

    /// What was spoken of, for an utterance that is judged alone.
    pub fn topics(&self) -> Vec<Topic> {
        self.carried.iter().map(|(topic, _)| *topic).collect()
    }

    /// Whether there is nothing to keep: a new one does as well.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.carried.is_empty() && !self.after_unknown
    }

    /// One more utterance was heard: what was spoken of before it grows old, unless it says nothing.
    fn pass(&mut self, text: &str, language: &str) {
        if self.carried.is_empty() || find::says_nothing(text, language) {
            return;
        }
        self.carried.retain_mut(|(_, left)| {
            *left -= 1;
            *left > 0
        });
    }

    fn carry(&mut self, topics: &[Topic]) {
        for topic in topics {
            // An answer about a date or an order comes at once; people look for their card a while.
            let utterances = if matches!(topic, Topic::Birth | Topic::Birthday | Topic::Harmless) { 1 } else { 2 };
            self.carried.retain(|(known, _)| known != topic);
            self.carried.push((*topic, utterances));
        }
    }
}

impl Held {
    fn heard(&self) -> Heard<'_> {
        let Self { text, language, carried, after_unknown, .. } = self;
        Heard { text, language, carried, after_unknown: *after_unknown }
    }

    /// Takes what was found in all utterances, of which this is the `at`th. Gives it back if it changes.
    fn judge(&mut self, at: usize, found: &Found) -> Option<Redacted> {
        let here = |places: &[find::Place]| -> Vec<Mask> {
            places.iter().filter(|(utterance, _)| *utterance == at).map(|(_, mask)| *mask).collect()
        };
        self.decided = mask::joined(&self.decided, &here(&found.decided));
        let pending = mask::outside(&here(&found.pending), &self.decided, &self.text);
        let masks = mask::joined(&self.decided, &pending);
        self.show(masks, found.open_from.is_some_and(|from| at >= from))
    }

    fn show(&mut self, masks: Vec<Mask>, provisional: bool) -> Option<Redacted> {
        let shown = Some((masks, provisional));
        if self.shown == shown {
            return None;
        }
        self.shown = shown;
        let masks = self.shown.as_ref().map_or(&[][..], |(masks, _)| masks);
        Some(mask::apply(self.start_ms, &self.text, &self.words, masks, provisional))
    }

    /// As it is shown, for good.
    fn kept(mut self) -> Option<Redacted> {
        let masks = self.shown.as_ref().map(|(masks, _)| masks.clone()).unwrap_or_default();
        self.show(masks, false)
    }
}

/// Takes the next utterance of one of several channels: what it asks for is what the others' next ones are about. Gives
/// back what [`Pending::take`] does; nothing for a channel that there is not.
pub fn take(
    channels: &mut [Pending],
    channel: usize,
    start_ms: u64,
    text: &str,
    words: &[Word],
    language: &str,
) -> Vec<Redacted> {
    for (_, other) in channels.iter_mut().enumerate().filter(|(at, _)| *at != channel) {
        other.asked(text, language);
    }
    channels.get_mut(channel).map(|pending| pending.take(start_ms, text, words, language)).unwrap_or_default()
}

/// One utterance of which nothing around is known but what was spoken of: four or more digits at its begin or end stay
/// masked.
pub fn redact_alone(text: &str, words: &[Word], language: &str, topics: &[Topic]) -> Redacted {
    if !Language::of(language).may_matter(text) {
        return mask::apply(0, text, words, &[], false);
    }
    let found = find::find(&[Heard { text, language, carried: topics, after_unknown: true }]);
    let masks = |places: Vec<find::Place>| places.into_iter().map(|(_, mask)| mask).collect::<Vec<_>>();
    let decided = mask::joined(&[], &masks(found.decided));
    let masks = mask::joined(&decided, &mask::outside(&masks(found.pending), &decided, text));
    mask::apply(0, text, words, &masks, false)
}
