//! From text to tokens: words with their stem, their class and their place in the text.
//!
//! Owns the lexicon of one playbook: each stem that its signals use has a number, and each word of the language that
//! steers matching has a class. Signals and utterances go through the same door, so they meet on equal terms.

use std::{borrow::Cow, collections::HashMap};

use rust_stemmers::{Algorithm, Stemmer};

use super::{contractions, english, near::Near};

/// The number of a stem within a lexicon.
pub(super) type Stem = u32;

/// The number of a content word within the answers of a playbook.
pub(super) type Topic = u32;

/// A stem that no signal uses, a word that no answer uses.
pub(super) const UNKNOWN: Stem = Stem::MAX;

/// What a word does in a sentence, as a set of bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Class(u32);

impl Class {
    pub(super) const LIGHT: Self = Self(1);
    pub(super) const FILLER: Self = Self(1 << 1);
    pub(super) const NEGATION: Self = Self(1 << 2);
    pub(super) const HYPOTHESIS: Self = Self(1 << 3);
    pub(super) const TRANSPARENT: Self = Self(1 << 4);
    pub(super) const REPORT: Self = Self(1 << 5);
    pub(super) const OTHERS: Self = Self(1 << 6);
    pub(super) const NUMBER: Self = Self(1 << 7);
    pub(super) const COMMON: Self = Self(1 << 8);
    pub(super) const PRONOUN: Self = Self(1 << 9);
    pub(super) const SECOND_PERSON: Self = Self(1 << 10);
    pub(super) const TROUBLE: Self = Self(1 << 11);
    pub(super) const BE: Self = Self(1 << 12);
    pub(super) const PARTICLE: Self = Self(1 << 13);
    pub(super) const QUANTITY: Self = Self(1 << 14);
    pub(super) const GIVING: Self = Self(1 << 15);
    pub(super) const WISH: Self = Self(1 << 16);
    pub(super) const AUXILIARY: Self = Self(1 << 17);
    pub(super) const BYSTANDER: Self = Self(1 << 18);
    pub(super) const SPEAKER: Self = Self(1 << 19);
    pub(super) const THIRD_PERSON: Self = Self(1 << 20);
    pub(super) const PAST: Self = Self(1 << 21);
    pub(super) const CONDITION: Self = Self(1 << 22);
    /// A verb's form of the past: "asked". The ending tells, no list.
    pub(super) const PAST_FORM: Self = Self(1 << 23);

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A word of an utterance.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// What signals know it as.
    pub(super) stem: Stem,
    /// Which content word of the answers it is, [`UNKNOWN`] where none.
    pub(super) topic: Topic,
    /// What it may have been misheard for, [`UNKNOWN`] where nothing.
    pub(super) near: [Stem; 3],
    /// What it does.
    pub(super) class: Class,
    /// Its bytes in the text. The parts of a contraction share theirs.
    pub(super) start: usize,
    /// Where they end.
    pub(super) end: usize,
    /// Whether a sentence ends before it.
    pub(super) opens_sentence: bool,
    /// Whether a comma or the like stands before it.
    pub(super) after_pause: bool,
    /// Whether skipping it costs nothing.
    pub(super) filler: bool,
}

/// The stems of one playbook and the classes of one language.
pub(super) struct Lexicon {
    stemmer: Stemmer,
    english: bool,
    classes: HashMap<&'static str, Class>,
    stems: HashMap<String, Stem>,
    /// The stems of content words in answers. Apart from those of signals, so that answers change nothing of what
    /// signals match.
    topics: HashMap<String, Topic>,
    /// Spellings already seen in signals and answers: saves stemming the common ones.
    spellings: HashMap<String, (Stem, Topic)>,
    near: Near,
    sound_alike: HashMap<&'static str, Stem>,
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Lexicon").field("stems", &self.stems.len()).finish_non_exhaustive()
    }
}

impl Lexicon {
    /// An empty lexicon of the language of this tag; without a stemmer for it, English stems are used.
    pub(super) fn new(language: &str) -> Self {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        let english = primary == "en";
        let mut classes: HashMap<&'static str, Class> = HashMap::new();
        if english {
            for (class, words) in english::CLASSES {
                for word in *words {
                    let known = classes.entry(word).or_default();
                    *known = known.with(*class);
                }
            }
        }
        Self {
            stemmer: stemmer_of(language),
            english,
            classes,
            stems: HashMap::new(),
            topics: HashMap::new(),
            spellings: HashMap::new(),
            near: Near::default(),
            sound_alike: HashMap::new(),
        }
    }

    /// Whether the language's words have classes.
    pub(super) fn is_classed(&self) -> bool {
        self.english
    }

    /// How many stems it knows.
    pub(super) fn len(&self) -> usize {
        self.stems.len()
    }

    /// The words of a signal's piece, each with its stem (made known) and class.
    pub(super) fn learn(&mut self, text: &str) -> Vec<(Stem, Class)> {
        let mut words = Vec::new();
        self.split(text, |word, _| words.push(word.to_owned()));
        words.into_iter().map(|word| (self.intern(&word), self.class(&word))).collect()
    }

    fn intern(&mut self, word: &str) -> Stem {
        let stem = self.reduce(word).into_owned();
        let next = Stem::try_from(self.stems.len()).unwrap_or(UNKNOWN);
        let number = *self.stems.entry(stem).or_insert(next);
        self.spellings.insert(word.to_owned(), (number, UNKNOWN));
        number
    }

    /// The content words of an answer, made known. Numbers and words that everybody says tell nothing.
    pub(super) fn learn_topics(&mut self, text: &str) -> Vec<Topic> {
        let mut words = Vec::new();
        self.split(text, |word, _| words.push(word.to_owned()));
        words.retain(|word| self.is_content(self.class(word)));
        let mut topics = Vec::new();
        for word in words {
            let next = Topic::try_from(self.topics.len()).unwrap_or(UNKNOWN);
            topics.push(*self.topics.entry(self.reduce(&word).into_owned()).or_insert(next));
            self.spellings.entry(word).or_insert((UNKNOWN, UNKNOWN));
        }
        topics
    }

    fn is_content(&self, class: Class) -> bool {
        ![Class::LIGHT, Class::FILLER, Class::NEGATION, Class::NUMBER, Class::COMMON].iter().any(|it| class.has(*it))
    }

    /// Makes near matches findable, once all signals and answers are learnt.
    pub(super) fn seal(&mut self) {
        let spellings = self.spellings.keys().map(|word| (word.clone(), self.look_up(word)));
        self.spellings = spellings.collect();
        let light = |stem: &str| self.classes.get(stem).is_some_and(|class| class.has(Class::LIGHT));
        self.near = Near::new(self.stems.iter().filter(|(stem, _)| !light(stem)).map(|(stem, n)| (stem.as_str(), *n)));
        if self.english {
            let number = |word: &str| self.known_as(word).0;
            let pairs = english::SOUND_ALIKE.iter().map(|(heard, meant)| (*heard, number(meant)));
            self.sound_alike = pairs.filter(|(_, meant)| *meant != UNKNOWN).collect();
        }
    }

    fn reduce<'w>(&self, word: &'w str) -> Cow<'w, str> {
        if self.english && english::UNSTEMMED.contains(&word) { Cow::Borrowed(word) } else { self.stemmer.stem(word) }
    }

    /// What signals and answers know a word as.
    fn known_as(&self, word: &str) -> (Stem, Topic) {
        self.spellings.get(word).copied().unwrap_or_else(|| self.look_up(word))
    }

    fn look_up(&self, word: &str) -> (Stem, Topic) {
        let stem = self.reduce(word);
        let number = |known: &HashMap<String, u32>| known.get(stem.as_ref()).copied().unwrap_or(UNKNOWN);
        (number(&self.stems), number(&self.topics))
    }

    fn class(&self, word: &str) -> Class {
        let class = self.classes.get(word).copied().unwrap_or_default();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            class.with(Class::NUMBER)
        } else if self.english && english::is_past_form(word) && !class.has(Class::NUMBER) {
            class.with(Class::PAST_FORM)
        } else {
            class
        }
    }

    /// The words of an utterance.
    pub(super) fn read(&self, text: &str) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4);
        let mut seen_to = 0;
        let mut previous = String::new();
        let mut before = String::new();
        self.split(text, |word, (start, end)| {
            let between = text.get(seen_to..start).unwrap_or_default();
            let (stem, topic) = self.known_as(word);
            let class = self.class(word);
            let pair = |(a, b): &(&str, &str)| *a == previous && *b == word;
            if self.english
                && english::FILLER_PAIRS.iter().any(pair)
                && !english::BEFORE_MEANT_PAIRS.contains(&before.as_str())
                && let Some(last) = tokens.last_mut()
            {
                last.filler = true;
            }
            let pair_ended = tokens.last().is_some_and(|last| last.filler) && english::FILLER_PAIRS.iter().any(pair);
            let number_runs_on =
                class.has(Class::NUMBER) && tokens.last().is_some_and(|last| last.class.has(Class::NUMBER));
            tokens.push(Token {
                stem,
                topic,
                near: self.near_stems(word, stem, class),
                class,
                start,
                end,
                opens_sentence: tokens.is_empty() || between.contains(['.', '?', '!', ';', '\n']),
                after_pause: between.contains([',', ':', '-', '–', '—']),
                filler: class.has(Class::FILLER) || pair_ended || number_runs_on,
            });
            seen_to = end;
            std::mem::swap(&mut before, &mut previous);
            previous.clear();
            previous.push_str(word);
        });
        tokens
    }

    fn near_stems(&self, word: &str, stem: Stem, class: Class) -> [Stem; 3] {
        let mut near = [UNKNOWN; 3];
        if let Some(meant) = self.sound_alike.get(word) {
            near[0] = *meant;
        } else if stem == UNKNOWN && !class.has(Class::LIGHT) {
            self.near.find(&self.reduce(word), &mut near);
        }
        near
    }

    /// Calls back with each word in lower case and the bytes it comes from.
    fn split(&self, text: &str, mut word: impl FnMut(&str, (usize, usize))) {
        let mut spelling = String::new();
        let mut chars = text.char_indices().peekable();
        while let Some((start, first)) = chars.next() {
            if !first.is_alphanumeric() {
                continue;
            }
            spelling.clear();
            spelling.extend(first.to_lowercase());
            let mut end = start + first.len_utf8();
            while let Some((at, c)) = chars.peek().copied() {
                let next = text[at + c.len_utf8()..].chars().next();
                let goes_on = c.is_alphanumeric()
                    || (is_apostrophe(c) && next.is_some_and(char::is_alphabetic))
                    || (matches!(c, ',' | '.') && is_digit(spelling.chars().last()) && is_digit(next));
                if !goes_on {
                    break;
                }
                chars.next();
                end = at + c.len_utf8();
                if is_apostrophe(c) {
                    spelling.push('\'');
                } else {
                    spelling.extend(c.to_lowercase());
                }
            }
            if self.english {
                contractions::spell_out(&spelling, |it| word(it, (start, end)));
            } else {
                word(&spelling, (start, end));
            }
        }
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘')
}

fn is_digit(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_ascii_digit())
}

/// The stemmer of a language's tag; without one for it, English stems are used.
pub(crate) fn stemmer_of(language: &str) -> Stemmer {
    Stemmer::create(algorithm(language.split(['-', '_']).next().unwrap_or_default()))
}

fn algorithm(language: &str) -> Algorithm {
    match language {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "nl" => Algorithm::Dutch,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "no" | "nb" => Algorithm::Norwegian,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "es" => Algorithm::Spanish,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => Algorithm::English,
    }
}
