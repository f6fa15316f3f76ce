//! What the words of a language do in spoken values, looked up by word. Owns the tables' shape; the words themselves
//! stand in one file a language.
//!
//! Another language needs a file such as `english.rs` and a line in [`Language::of`]. Without one, only what needs no
//! words is found: cards, social security and phone numbers in digits, written IBANs and e-mail addresses.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

use super::english;

/// What a word does in a spoken value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Written digits.
    Written,
    /// 0 to 9.
    Digit(u8),
    /// 10 to 19.
    Teen(u8),
    /// 20, 30, … 90, by its tens.
    Tens(u8),
    /// Several of this digit.
    Plural(u8),
    /// A zero, where digits are around; else an exclamation.
    Oh,
    Hundred,
    Thousand,
    Million,
    /// The next digit, so often.
    Repeat(u8),
    /// The first, second, … of a month.
    Ordinal(u8),
    Month,
    /// A word that sounds like this digit: one, where digits are around.
    SoundsLike(u8),
    And,
    Plus,
    At,
    Dot,
    /// A dot in an address; in a number the decimal point.
    Point,
    /// A dash or the like, said aloud.
    Joiner,
    /// "The last four": the number after it counts digits.
    Last,
    /// "Sixteen digits": so does the number before it.
    CountedAs,
    /// A number that counts digits and is none.
    Counting,
    /// "No, wait": what was said is said anew.
    Correction,
    /// Stands between digits without ending their run.
    Filler,
    /// After a number: it is a quantity.
    Measure,
}

impl Role {
    /// Whether it is a part of a number in words.
    pub(super) fn is_number(self) -> bool {
        self.is_small() || matches!(self, Self::Hundred | Self::Thousand | Self::Million)
    }

    /// The same below a hundred.
    pub(super) fn is_small(self) -> bool {
        matches!(self, Self::Digit(_) | Self::Teen(_) | Self::Tens(_) | Self::Plural(_) | Self::Oh | Self::Repeat(_))
    }

    /// Whether a run of digits goes on behind it.
    pub(super) fn keeps_run(self) -> bool {
        matches!(
            self,
            Self::Filler
                | Self::And
                | Self::Joiner
                | Self::Correction
                | Self::Dot
                | Self::Last
                | Self::CountedAs
                | Self::Counting
        )
    }

    /// Whether a text that has no more than such words needs no second look.
    fn is_idle(self) -> bool {
        matches!(
            self,
            Self::Filler
                | Self::And
                | Self::Correction
                | Self::SoundsLike(_)
                | Self::Measure
                | Self::At
                | Self::Last
                | Self::Plus
                | Self::Ordinal(_)
                | Self::Point
                | Self::CountedAs
        )
    }
}

/// What a phrase says about the value beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A payment card.
    Card,
    /// A social security number.
    Social,
    /// The last four of a social security number.
    SocialEnd,
    /// A phone number.
    Phone,
    /// A bank account.
    Bank,
    /// A date of birth.
    Birth,
    /// A day that many other things are named after.
    Birthday,
    /// An e-mail address.
    Mail,
    /// An order, a policy: a number that may be shown.
    Harmless,
    /// The phrase only looks like one of the above.
    Nothing,
}

/// The tables of one language.
pub(super) struct Language {
    roles: HashMap<&'static str, Role>,
    /// By first word: the words of the phrase, longest first.
    topics: HashMap<&'static str, Vec<(Vec<&'static str>, Topic)>>,
    /// By first word: the words of what is said while looking for more, longest first.
    pauses: HashMap<&'static str, Vec<Vec<&'static str>>>,
    /// Word lists for single decisions.
    pub(super) lists: Lists,
}

/// Words for one decision.
pub(super) type Words = HashSet<&'static str>;

/// See `english.rs` for what each is for.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) counting: Words,
    pub(super) ends: Words,
    pub(super) in_dates: Words,
    pub(super) addressing: Words,
    pub(super) saying: Words,
    pub(super) signs: Words,
    pub(super) before_pronoun: Words,
    pub(super) after_pronoun: Words,
    pub(super) light: Words,
    pub(super) other_dates: Words,
    pub(super) not_in_address: Words,
    pub(super) sites: Words,
    pub(super) providers: Words,
    pub(super) domain_ends: Words,
}

static ENGLISH: LazyLock<Language> = LazyLock::new(english);
static NONE: LazyLock<Language> = LazyLock::new(|| Language {
    roles: HashMap::new(),
    topics: HashMap::new(),
    pauses: HashMap::new(),
    lists: Lists::default(),
});

impl Language {
    /// The tables of the language of this tag (`en`, `en-US`); empty ones where none are shipped.
    pub(super) fn of(tag: &str) -> &'static Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("en") { &ENGLISH } else { &NONE }
    }

    /// What this word, in lower case, does.
    pub(super) fn role(&self, word: &str) -> Option<Role> {
        self.roles.get(word).copied()
    }

    /// The longest phrase that begins these words, by the number of its words.
    pub(super) fn topic<'w>(&self, words: impl Iterator<Item = &'w str> + Clone) -> Option<(usize, Topic)> {
        let phrases = self.topics.get(words.clone().next()?)?;
        phrases.iter().find(|(phrase, _)| begins(words.clone(), phrase)).map(|(phrase, topic)| (phrase.len(), *topic))
    }

    /// How many of these words only fill a pause.
    pub(super) fn pause<'w>(&self, words: impl Iterator<Item = &'w str> + Clone) -> Option<usize> {
        let phrases = self.pauses.get(words.clone().next()?)?;
        phrases.iter().find(|phrase| begins(words.clone(), phrase)).map(Vec::len)
    }

    /// Whether this text may hold a value, or say that one comes: a first look that costs little.
    pub(super) fn may_matter(&self, text: &str) -> bool {
        // "anna.maria at gmail.com" has no other sign.
        let dotted = text.as_bytes().windows(2).any(|pair| pair[0] == b'.' && pair[1].is_ascii_alphanumeric());
        if dotted || text.bytes().any(|byte| byte.is_ascii_digit() || byte == b'@') {
            return true;
        }
        let lower = text.to_ascii_lowercase();
        let says_topic = |word: &str| {
            let phrases = self.topics.get(word).into_iter().flatten();
            phrases.into_iter().any(|(phrase, _)| phrase.iter().all(|part| lower.contains(part)))
        };
        let matters = |word: &str| {
            self.role(word).is_some_and(|role| !role.is_idle())
                || self.lists.providers.contains(word)
                || says_topic(word)
        };
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).any(matters)
    }
}

fn begins<'w>(mut words: impl Iterator<Item = &'w str>, phrase: &[&str]) -> bool {
    phrase.iter().all(|word| words.next() == Some(*word))
}

fn english() -> Language {
    let mut roles: HashMap<&'static str, Role> = HashMap::new();
    type Counted = (&'static str, u8, fn(u8) -> Role);
    let counted: [Counted; 5] = [
        (english::DIGITS, 0, Role::Digit),
        (english::TEENS, 10, Role::Teen),
        (english::TENS, 2, Role::Tens),
        (english::PLURALS, 0, Role::Plural),
        (english::ORDINALS, 1, Role::Ordinal),
    ];
    for (words, first, role) in counted {
        for (number, spellings) in (first..).zip(words.split_whitespace()) {
            roles.extend(spellings.split('/').map(|word| (word, role(number))));
        }
    }
    for (role, words) in english::OTHERS {
        roles.extend(words.split_whitespace().map(|word| (word, *role)));
    }
    let mut topics: HashMap<_, Vec<_>> = HashMap::new();
    for (topic, phrases) in english::TOPICS {
        for phrase in phrases.split(", ") {
            let words: Vec<&str> = phrase.split(' ').collect();
            topics.entry(words[0]).or_default().push((words, *topic));
        }
    }
    topics.values_mut().for_each(|phrases| phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len())));
    let mut pauses: HashMap<_, Vec<Vec<&str>>> = HashMap::new();
    for phrase in english::PAUSES.split(", ") {
        let words: Vec<&str> = phrase.split(' ').collect();
        pauses.entry(words[0]).or_default().push(words);
    }
    pauses.values_mut().for_each(|phrases| phrases.sort_by_key(|words| std::cmp::Reverse(words.len())));
    let words = |list: &'static str| list.split_whitespace().collect();
    let lists = Lists {
        counting: words(english::COUNTING),
        ends: words(english::ENDS),
        in_dates: words(english::IN_DATES),
        addressing: words(english::ADDRESSING),
        saying: words(english::SAYING),
        signs: words(english::SIGNS),
        before_pronoun: words(english::BEFORE_PRONOUN),
        after_pronoun: words(english::AFTER_PRONOUN),
        light: words(english::LIGHT),
        other_dates: words(english::OTHER_DATES),
        not_in_address: words(english::NOT_IN_ADDRESS),
        sites: words(english::SITES),
        providers: words(english::PROVIDERS),
        domain_ends: words(english::DOMAIN_ENDS),
    };
    Language { roles, topics, pauses, lists }
}
