//! From utterances to tokens: their words in order, each with what stands before it and what it does.

use super::language::{Language, Role, Topic, Words};

/// A word of one of several utterances that are read as one.
pub(super) struct Token<'t> {
    /// The number of its utterance.
    pub(super) utterance: usize,
    /// What stands between it and the word before, or the utterance's begin.
    pub(super) before: &'t str,
    /// As it stands.
    pub(super) text: &'t str,
    /// Its first byte in the utterance.
    pub(super) start: usize,
    /// In lower case, without a genitive's ending.
    pub(super) lower: String,
    /// What it does.
    pub(super) role: Option<Role>,
    /// Whether it is its utterance's first.
    pub(super) opens: bool,
    /// Whether it may as well be no digit: "for one one one…".
    pub(super) unsure: bool,
    pub(super) language: &'static Language,
}

impl Token<'_> {
    /// The byte behind it.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether nothing but room and dashes is between it and the word before.
    pub(super) fn is_tight(&self) -> bool {
        !self.opens && self.before.chars().all(|c| c.is_whitespace() || is_dash(c))
    }

    /// Whether what stands before it lets a run of digits go on.
    pub(super) fn keeps_run(&self) -> bool {
        !self.before.contains(['/', ':', '$', '£', '€', '#', '%', '=', '*', '@', '+'])
    }

    /// Whether a comma, a full stop or the like stands before it.
    pub(super) fn after_pause(&self) -> bool {
        self.opens || self.before.contains([',', '.', ';', '?', '!', '–', '—'])
    }

    /// Whether a sentence ends before it.
    pub(super) fn opens_sentence(&self) -> bool {
        self.opens || (self.before.len() > 1 && self.before.contains(['.', ';', '?', '!']))
    }

    pub(super) fn is_written(&self) -> bool {
        self.role == Some(Role::Written)
    }

    /// Whether it is in this list of its language.
    pub(super) fn is_in(&self, list: &Words) -> bool {
        list.contains(self.lower.as_str())
    }

    /// A single letter, as in spelling.
    pub(super) fn is_letter(&self) -> bool {
        self.lower.len() == 1 && self.lower.as_bytes()[0].is_ascii_alphabetic()
    }
}

/// A dash as recognizers write it.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑')
}

/// Appends the words of an utterance.
pub(super) fn read<'t>(tokens: &mut Vec<Token<'t>>, utterance: usize, text: &'t str, language: &'static Language) {
    let mut seen_to = 0;
    let mut opens = true;
    let mut chars = text.char_indices().peekable();
    while let Some((start, first)) = chars.next() {
        if !first.is_alphanumeric() {
            continue;
        }
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = chars.peek().copied() {
            let next = text[at + c.len_utf8()..].chars().next();
            if !(c.is_alphanumeric() || (is_apostrophe(c) && next.is_some_and(char::is_alphabetic))) {
                break;
            }
            chars.next();
            end = at + c.len_utf8();
        }
        let word = &text[start..end];
        let lower = without_genitive(&word.to_lowercase().replace(is_apostrophe, "'"), language);
        let role = role(&lower, language);
        tokens.push(Token {
            utterance,
            before: &text[seen_to..start],
            text: word,
            start,
            lower,
            role,
            opens,
            unsure: false,
            language,
        });
        seen_to = end;
        opens = false;
    }
    let first = tokens.iter().rposition(|token| token.opens).unwrap_or(0);
    pauses(&mut tokens[first..], language);
    counting(&mut tokens[first..]);
    sound_alikes(&mut tokens[first..]);
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘')
}

/// "My social's …" is about the social; "it's" and "that's" are words of their own.
fn without_genitive(lower: &str, language: &Language) -> String {
    match lower.strip_suffix("'s") {
        Some(noun) if language.role(lower).is_none() && !matches!(noun, "it" | "that") => noun.to_owned(),
        _ => lower.to_owned(),
    }
}

fn role(lower: &str, language: &Language) -> Option<Role> {
    let digits = lower.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return language.role(lower);
    }
    match &lower[digits..] {
        "" => Some(Role::Written),
        "st" | "nd" | "rd" | "th" => lower[..digits].parse().ok().map(Role::Ordinal),
        _ => None,
    }
}

/// "One second, let me check" keeps a run open.
fn pauses(tokens: &mut [Token<'_>], language: &Language) {
    let mut at = 0;
    while at < tokens.len() {
        let length = language.pause(tokens[at..].iter().map(|token| token.lower.as_str())).unwrap_or(0);
        tokens[at..at + length].iter_mut().for_each(|token| token.role = Some(Role::Filler));
        at += length.max(1);
    }
}

/// "The last four", "the next four are", "sixteen digits": numbers that count digits.
fn counting(tokens: &mut [Token<'_>]) {
    for at in 0..tokens.len() {
        let small = match tokens[at].role {
            Some(Role::Digit(2..) | Role::Teen(_)) => true,
            Some(Role::Written) => tokens[at].text.len() <= 2,
            _ => false,
        };
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let after = tokens.get(at + 1).filter(|after| after.is_tight());
        let counts = before.is_some_and(|before| {
            let named = before.is_in(&before.language.lists.counting);
            before.role == Some(Role::Last)
                || (named && after.is_some_and(|after| after.is_in(&after.language.lists.saying)))
        });
        let counted = after.is_some_and(|after| after.role == Some(Role::CountedAs));
        if small && (counted || (counts && tokens[at].is_tight())) {
            tokens[at].role = Some(Role::Counting);
        }
    }
}

/// Words that sound like a digit are one where digits stand on both sides, and enough of them.
fn sound_alikes(tokens: &mut [Token<'_>]) {
    const ENOUGH: usize = 4;
    const ENOUGH_AFTER: usize = 6;
    let is_digit = |token: &Token<'_>| matches!(token.role, Some(Role::Digit(_) | Role::Oh | Role::SoundsLike(_)));
    for at in 0..tokens.len().saturating_sub(1) {
        let Some(Role::SoundsLike(digit)) = tokens[at].role else { continue };
        let before = tokens[..at].iter().rev().take_while(|token| is_digit(token)).count();
        let after = tokens[at + 1..].iter().take_while(|token| is_digit(token) && token.is_tight()).count();
        let sure = |token: &Token<'_>| matches!(token.role, Some(Role::Digit(_) | Role::Oh));
        let within = before > 0 && after > 0 && before + after >= ENOUGH && sure(&tokens[at - 1]);
        let leads = before == 0 && after >= ENOUGH_AFTER;
        if within || leads {
            tokens[at].role = Some(Role::Digit(digit));
            tokens[at].unsure = leads;
        }
    }
}

/// What the phrases say: where each ends (its last token) and what it is about.
pub(super) fn topics(tokens: &[Token<'_>]) -> Vec<(usize, Topic)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let here = tokens[at].utterance;
        let words = tokens[at..].iter().take_while(|token| token.utterance == here).map(|token| token.lower.as_str());
        let Some((length, topic)) = tokens[at].language.topic(words) else {
            at += 1;
            continue;
        };
        if topic != Topic::Nothing {
            found.push((at + length - 1, topic));
        }
        at += length;
    }
    found
}
