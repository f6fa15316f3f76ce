//! All that is sensitive in utterances that are read as one, what may become so, and what is spoken of at the end.

use super::{
    Kind, dates, ibans,
    judge::{self, Context},
    language::{Language, Role, Topic},
    mails,
    mask::Mask,
    numbers::{self, Run},
    tokens::{self, Token},
    values,
};

/// An utterance of one channel.
pub(super) struct Heard<'t> {
    pub(super) text: &'t str,
    /// A language tag.
    pub(super) language: &'t str,
    /// What earlier utterances were about, the latest last.
    pub(super) carried: &'t [Topic],
    /// What was said before is not known.
    pub(super) after_unknown: bool,
}

/// A mask and the number of its utterance.
pub(super) type Place = (usize, Mask);

/// See the module.
#[derive(Default)]
pub(super) struct Found {
    /// Sensitive values.
    pub(super) decided: Vec<Place>,
    /// Digits at the end that may become one.
    pub(super) pending: Vec<Place>,
    /// The first utterance of what may go on in the next; none if nothing does.
    pub(super) open_from: Option<usize>,
    /// What the last utterance is about at its end.
    pub(super) topics: Vec<Topic>,
}

/// Digits of fewer are shown until they join others: "two of them" would flicker.
const FEWEST_MASKED: usize = 4;

/// Reads utterances of one channel that follow each other.
pub(super) fn find(heard: &[Heard<'_>]) -> Found {
    let mut words = Vec::new();
    for (utterance, it) in heard.iter().enumerate() {
        tokens::read(&mut words, utterance, it.text, Language::of(it.language));
    }
    let topics = tokens::topics(&words);
    let mut reader =
        Reader { heard, taken: vec![false; words.len()], tokens: words, topics, begun: None, found: Found::default() };
    reader.mails();
    reader.ibans();
    reader.dates();
    reader.runs();
    reader.begun();
    reader.about();
    reader.found
}

struct Reader<'h, 't> {
    heard: &'h [Heard<'t>],
    tokens: Vec<Token<'t>>,
    topics: Vec<(usize, Topic)>,
    /// Tokens that belong to something already.
    taken: Vec<bool>,
    /// The first token of an IBAN that may go on.
    begun: Option<usize>,
    found: Found,
}

impl Reader<'_, '_> {
    fn asked(&self, topic: Topic) -> bool {
        self.heard.first().is_some_and(|first| first.carried.contains(&topic))
    }

    fn take(&mut self, kind: Kind, first: usize, last: usize) {
        self.taken[first..=last].fill(true);
        let places = self.places(kind, [(first, last)].into_iter());
        self.found.decided.extend(places);
    }

    fn open(&mut self, token: usize) {
        let utterance = self.tokens[token].utterance;
        self.found.open_from = Some(self.found.open_from.map_or(utterance, |from| from.min(utterance)));
    }

    /// One mask an utterance over these pieces, with the signs that belong to them.
    fn places(&self, kind: Kind, pieces: impl Iterator<Item = (usize, usize)>) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for token in pieces.flat_map(|(first, last)| first..=last).map(|at| &self.tokens[at]) {
            match places.last_mut() {
                Some((utterance, mask)) if *utterance == token.utterance => mask.end = token.end(),
                _ => {
                    let signs = token.before.trim_end_matches(['+', '(', '\'']).len();
                    let start = token.start - (token.before.len() - signs);
                    places.push((token.utterance, Mask { kind, start, end: token.end() }));
                }
            }
        }
        for (utterance, mask) in &mut places {
            let text = self.heard[*utterance].text;
            let inside = &text[mask.start..mask.end];
            let unclosed = inside.matches('(').count() > inside.matches(')').count();
            mask.end += usize::from(unclosed && text[mask.end..].starts_with(')'));
        }
        places
    }

    fn mails(&mut self) {
        for (utterance, heard) in self.heard.iter().enumerate() {
            for range in mails::written(heard.text) {
                for (token, taken) in self.tokens.iter().zip(&mut self.taken) {
                    *taken |= token.utterance == utterance && token.start < range.end && token.end() > range.start;
                }
                self.found.decided.push((utterance, Mask { kind: Kind::Email, start: range.start, end: range.end }));
            }
        }
        let asked = self.asked(Topic::Mail);
        for (first, last) in mails::spoken(&self.tokens, &self.topics, &self.taken, asked) {
            self.take(Kind::Email, first, last);
        }
        let last = self.heard.len() - 1;
        let done = self.found.decided.iter().any(|(utterance, mask)| *utterance == last && mask.kind == Kind::Email);
        if !done && mails::may_go_on(&self.tokens, &self.topics, last, asked) {
            self.open(self.tokens.len() - 1);
        }
    }

    fn ibans(&mut self) {
        let spoken_of = self.asked(Topic::Bank) || self.topics.iter().any(|(_, topic)| *topic == Topic::Bank);
        let ibans = ibans::find(&self.tokens, &self.taken, spoken_of);
        for (first, last) in ibans.found {
            self.take(Kind::BankAccount, first, last);
        }
        let Some(first) = ibans.open else { return };
        self.open(first);
        self.begun = Some(first);
    }

    /// What may become an IBAN is masked until then, but for what in it is a value already.
    fn begun(&mut self) {
        let Some(first) = self.begun else { return };
        let free: Vec<usize> = (first..self.tokens.len()).filter(|at| !self.taken[*at]).collect();
        for stretch in free.chunk_by(|at, next| at + 1 == *next) {
            let places = self.places(Kind::Number, stretch.iter().map(|at| (*at, *at)));
            self.found.pending.extend(places);
        }
    }

    fn dates(&mut self) {
        let dates = dates::find(
            &self.tokens,
            &self.topics,
            &self.taken,
            self.asked(Topic::Birth) || self.asked(Topic::Birthday),
        );
        for (first, last) in dates.found {
            self.take(Kind::DateOfBirth, first, last);
        }
        if let Some(first) = dates.open {
            self.open(first);
        }
    }

    fn runs(&mut self) {
        let atoms = numbers::atoms(&self.tokens, &self.taken);
        let runs = numbers::runs(&self.tokens, &self.taken, atoms);
        for run in &runs {
            self.run(run);
        }
    }

    fn run(&mut self, run: &Run) {
        let (Some(first), Some(last)) = (run.atoms.first(), run.atoms.last()) else { return };
        let carried = self.heard[self.tokens[first.first].utterance].carried;
        let context = Context::of(&self.tokens, &self.topics, carried, (first.first, last.last));
        let verdicts = judge::judge(run, &self.tokens, context);
        let mut rest_from = 0;
        for (kind, from, to) in verdicts.iter().copied() {
            let said_plus = from == 0
                && run.plus
                && first.first.checked_sub(1).is_some_and(|before| self.tokens[before].role == Some(Role::Plus));
            let plus = said_plus.then(|| (first.first - 1, first.first - 1));
            let pieces = plus.into_iter().chain(run.atoms[from..=to].iter().map(|atom| (atom.first, atom.last)));
            let places = self.places(kind, pieces);
            self.found.decided.extend(places);
            self.taken[run.atoms[from].first..=run.atoms[to].last].fill(true);
            rest_from = to + 1;
        }
        let complete = verdicts.last().is_some_and(|(kind, from, to)| {
            *kind == Kind::Card && *to + 1 == run.atoms.len() && is_complete(&digits(run, *from, *to))
        });
        let ends = numbers::reaches_end(&self.tokens, last.last);
        if ends && !complete {
            self.open(first.first);
        }
        let begins = self.heard[0].after_unknown
            && self.tokens[first.first].utterance == 0
            && numbers::reaches_begin(&self.tokens, first.first);
        let rest = &run.atoms[rest_from..];
        if rest.iter().map(|atom| atom.digits.len()).sum::<usize>() < FEWEST_MASKED {
            return;
        }
        let places = self.places(Kind::Number, rest.iter().map(|atom| (atom.first, atom.last)));
        if begins {
            self.found.decided.extend(places);
        } else if ends {
            self.found.pending.extend(places);
        }
    }

    /// What the last utterance speaks of at its end, so that the next may be about it.
    fn about(&mut self) {
        const NEAR_END: usize = 8;
        const NEAR_END_STRICT: usize = 3;
        let last = self.heard.len() - 1;
        let end = self.tokens.len();
        for (at, topic) in &self.topics {
            let near = if *topic == Topic::Harmless { NEAR_END_STRICT } else { NEAR_END };
            if self.tokens[*at].utterance != last || at + near < end {
                continue;
            }
            let ends_four = *topic == Topic::Social && judge::says_last_four(&self.tokens, last, end);
            self.found.topics.push(if ends_four { Topic::SocialEnd } else { *topic });
        }
        let dated = |(_, mask): &Place| mask.kind == Kind::DateOfBirth;
        if self.found.decided.iter().any(dated) {
            self.found.topics.retain(|topic| !matches!(topic, Topic::Birth | Topic::Birthday));
        }
    }
}

/// Whether a card's number has all its digits: one of thirteen may also be the begin of one of sixteen.
fn is_complete(digits: &str) -> bool {
    digits.len() > 13 && values::is_card(digits)
}

fn digits(run: &Run, from: usize, to: usize) -> String {
    run.atoms[from..=to].iter().map(|atom| atom.digits.as_str()).collect()
}

/// Whether a text has nothing but small words: what was asked before it is still asked.
pub(super) fn says_nothing(text: &str, language: &str) -> bool {
    let mut words = Vec::new();
    tokens::read(&mut words, 0, text, Language::of(language));
    words.iter().all(|token| token.role.is_some_and(Role::keeps_run))
}
