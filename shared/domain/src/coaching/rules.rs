//! The rules of one playbook, compiled: what an utterance shows.
//!
//! An index leads from the stems of an utterance to the patterns that may match, so the cost follows the utterance
//! and not the size of the playbook, nor the length of the call.

use super::{
    Evidence, Finding, FindingKind, Said, Source,
    answers::Answers,
    matcher::{self, Scratch, Span},
    pattern::{self, Element, Origin, Pattern},
    scope::{self, Sentence},
    told,
    words::{Class, Lexicon, Token, UNKNOWN},
};
use crate::{
    call::Channel,
    playbook::{Landmark, Objection, Playbook, signal},
};

/// A quote is widened to its sentence where that has at most this many words, else by [`QUOTE_MARGIN`] either side.
const QUOTE_WORDS: usize = 30;
const QUOTE_MARGIN: usize = 8;

/// A playbook made ready for matching. Compile once, read many.
#[derive(Debug)]
pub struct Rules {
    playbook: Playbook,
    lexicon: Lexicon,
    items: Vec<Item>,
    patterns: Vec<Pattern>,
    elements: Vec<Element>,
    /// For each stem, the patterns to try where it occurs.
    index: Vec<Vec<u32>>,
    /// What agents say in answer to objections, by its words.
    answers: Answers,
}

/// What a group of signals shows of a landmark or an objection.
#[derive(Debug)]
struct Item {
    kind: FindingKind,
    id: String,
    /// Who must say it, either side where none is named.
    channel: Option<Channel>,
}

impl Rules {
    /// Makes a playbook ready for matching. Signals that cannot be read match nothing; `playbook::check` names them.
    pub fn compile(playbook: Playbook) -> Self {
        let mut rules = Self {
            lexicon: Lexicon::new(&playbook.language),
            items: Vec::new(),
            patterns: Vec::new(),
            elements: Vec::new(),
            index: Vec::new(),
            answers: Answers::default(),
            playbook,
        };
        let playbook = rules.playbook.clone();
        for landmark in &playbook.landmarks {
            let Landmark { id, channel, signals, unless, starts, reopens, .. } = landmark;
            rules.add(FindingKind::Landmark, id, *channel, signals, unless);
            rules.add(FindingKind::LandmarkStarted, id, None, starts, &[]);
            rules.add(FindingKind::LandmarkReopened, id, None, reopens, &[]);
        }
        for objection in &playbook.objections {
            let Objection { id, signals, unless, answers, resolves, .. } = objection;
            rules.add(FindingKind::Objection, id, Some(Channel::Customer), signals, unless);
            rules.add(FindingKind::ObjectionResolved, id, Some(Channel::Customer), resolves, &[]);
            let item = rules.add(FindingKind::ObjectionAnswered, id, Some(Channel::Agent), answers, &[]);
            let Self { answers, lexicon, .. } = &mut rules;
            answers.learn(item, objection, |text| lexicon.learn_topics(text));
        }
        rules.add(FindingKind::Accepted, "", Some(Channel::Customer), &playbook.acceptance, &[]);
        rules.lexicon.seal();
        rules.build_index();
        rules
    }

    /// Adds an item, and says which it is.
    fn add(
        &mut self,
        kind: FindingKind,
        id: &str,
        channel: Option<Channel>,
        signals: &[String],
        unless: &[String],
    ) -> usize {
        let item = self.items.len();
        self.items.push(Item { kind, id: id.to_owned(), channel });
        let signals = signals.iter().map(|signal| (signal, false)).chain(unless.iter().map(|signal| (signal, true)));
        for (text, withdraws) in signals {
            let Ok(parts) = signal::parse(text, &self.playbook.lists) else { continue };
            let opening = self.lexicon.learn(text.split([' ', '|']).next().unwrap_or_default());
            let opens_with = |class: Class| opening.iter().any(|(_, it)| it.has(class));
            let stands_alone = opens_with(Class::NEGATION) || opens_with(Class::PRONOUN);
            let lacks_subject = opens_with(Class::NEGATION) || opens_with(Class::WISH);
            let closes = parts.last() == Some(&signal::Part::End);
            let origin = Origin { item, withdraws, stands_alone, lacks_subject, closes };
            for mut row in pattern::spell_out(&parts, &mut self.lexicon) {
                // What was asked, tried or thought about then is no objection of now; all else may be told of the past.
                let any_tense = kind != FindingKind::Objection || withdraws;
                row.iter_mut().for_each(|element| element.past |= any_tense);
                let from = self.elements.len();
                let pattern = Pattern::new(&row, from..from + row.len(), origin);
                self.elements.extend(row);
                self.patterns.push(pattern);
            }
        }
        item
    }

    fn build_index(&mut self) {
        let mut uses = vec![0_u32; self.lexicon.len()];
        for stem in self.elements.iter().flat_map(|element| &element.stems) {
            uses[*stem as usize] += 1;
        }
        self.index = vec![Vec::new(); self.lexicon.len()];
        for (number, pattern) in self.patterns.iter().enumerate() {
            let row = &self.elements[pattern.elements.clone()];
            for stem in pattern.anchors(row, &uses).into_iter().flat_map(|at| &row[at].stems) {
                let postings = &mut self.index[*stem as usize];
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                if postings.last() != Some(&number) {
                    postings.push(number);
                }
            }
        }
    }

    /// The playbook.
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// What this utterance shows, at most one finding of each kind per landmark and objection, in the playbook's order.
    pub fn read(&self, said: &Said<'_>) -> Vec<Finding> {
        let tokens = self.lexicon.read(said.text);
        let sentence = Sentence { text: said.text, tokens: &tokens, classed: self.lexicon.is_classed() };
        let mut shown: Vec<Shown> = vec![Shown::Nothing; self.items.len()];
        let mut scratch = Scratch::default();
        for (at, token) in tokens.iter().enumerate() {
            let readings = std::iter::once(&token.stem).chain(&token.near).filter(|stem| **stem != UNKNOWN);
            for number in readings.flat_map(|stem| &self.index[*stem as usize]) {
                let pattern = &self.patterns[*number as usize];
                let settled = match shown[pattern.item] {
                    Shown::Nothing => false,
                    Shown::At(_) => !pattern.withdraws,
                    Shown::Withdrawn => true,
                };
                if settled || self.items[pattern.item].channel.is_some_and(|channel| channel != said.channel) {
                    continue;
                }
                let elements = &self.elements[pattern.elements.clone()];
                let Some(span) = matcher::lay(pattern, elements, &tokens, at, &mut scratch) else { continue };
                if pattern.withdraws {
                    shown[pattern.item] = Shown::Withdrawn;
                } else if self.stands(&sentence, pattern, span) {
                    shown[pattern.item] = Shown::At(span);
                }
            }
        }
        if said.channel == Channel::Agent {
            self.answer(&tokens, &mut shown);
        }
        self.findings(said, &tokens, &shown)
    }

    /// Adds the objections that the agent answers in words of the playbook's answer.
    fn answer(&self, tokens: &[Token], shown: &mut [Shown]) {
        let topics = tokens.iter().map(|token| token.topic).filter(|topic| *topic != UNKNOWN).collect();
        for item in self.answers.given(topics) {
            shown[item] = Shown::At(Span { first: 0, last: tokens.len().saturating_sub(1) });
        }
    }

    fn stands(&self, sentence: &Sentence<'_>, pattern: &Pattern, span: Span) -> bool {
        match self.items[pattern.item].kind {
            FindingKind::Objection => {
                let turned = scope::is_negated(sentence, span, pattern.stands_alone)
                    || scope::is_hypothetical(sentence, span)
                    || (pattern.lacks_subject && scope::is_of_others(sentence, span))
                    || told::is_told(sentence, span);
                !turned
            }
            _ => !scope::is_not_given(sentence, span, pattern.stands_alone),
        }
    }

    fn findings(&self, said: &Said<'_>, tokens: &[Token], shown: &[Shown]) -> Vec<Finding> {
        let found = self.items.iter().zip(shown).filter_map(|(item, shown)| match shown {
            Shown::At(span) => Some((item, span)),
            Shown::Nothing | Shown::Withdrawn => None,
        });
        found
            .map(|(item, span)| Finding {
                kind: item.kind,
                id: item.id.clone(),
                evidence: Evidence {
                    quote: quote(said.text, tokens, *span).to_owned(),
                    channel: said.channel,
                    start_ms: said.start_ms,
                    end_ms: said.end_ms,
                    source: Source::Rule,
                },
            })
            .collect()
    }
}

/// What is known of an item while an utterance is read.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Nothing,
    At(Span),
    Withdrawn,
}

/// The matched words as they stand in the text, widened to their sentence or to some words around.
fn quote<'t>(text: &'t str, tokens: &[Token], span: Span) -> &'t str {
    let opening = (0..=span.first).rev().find(|at| tokens[*at].opens_sentence).unwrap_or(0);
    let closing = (span.last + 1..tokens.len()).find(|at| tokens[*at].opens_sentence).unwrap_or(tokens.len());
    let (first, last, whole) = if closing - opening <= QUOTE_WORDS {
        (opening, closing - 1, true)
    } else {
        (span.first.saturating_sub(QUOTE_MARGIN).max(opening), (span.last + QUOTE_MARGIN).min(closing - 1), false)
    };
    let end = match tokens.get(last + 1) {
        // The sentence with its closing mark.
        Some(next) if whole => next.start,
        None if whole => text.len(),
        _ => tokens[last].end,
    };
    text.get(tokens[first].start..end).unwrap_or(text).trim()
}

/// Checks signals; one for all signals of a playbook, since it knows the words of a language.
pub(crate) struct SignalCheck(Lexicon);

impl Default for SignalCheck {
    fn default() -> Self {
        Self(Lexicon::new("en"))
    }
}

impl SignalCheck {
    /// Whether a signal has a word that tells it apart; the error says what to do.
    pub(crate) fn check(&mut self, parts: &[signal::Part]) -> Result<(), String> {
        if pattern::spell_out(parts, &mut self.0).is_empty() {
            return Err(
                "the signal has small words only and would match everywhere; add a word that tells it apart".to_owned()
            );
        }
        Ok(())
    }
}
