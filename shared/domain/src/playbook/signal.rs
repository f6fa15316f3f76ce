//! The notation of signals: a phrase as people write it, with four marks for those who want more.
//!
//! | written | means |
//! | --- | --- |
//! | `too expensive` | these words, in this order |
//! | `talk to my (wife\|better half)` | one of these |
//! | `[way] too much` | with or without; `[a\|b]` works too |
//! | `send me ... email` | up to five words between, at no cost |
//! | `{partner}` | one of the playbook's list of that name; `{number}`, `{day}` and `{month}` are built in |
//!
//! Owns the syntax. How words are compared (stems, near matches, small words) is the matcher's business.

use std::collections::BTreeMap;

/// How many phrases one signal may stand for.
pub(crate) const MOST_VARIANTS: usize = 400;

/// A piece of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// A word, as written.
    Word(String),
    /// One of these phrases, or nothing where it is optional.
    Choice {
        /// The phrases, each at least one word.
        options: Vec<String>,
        /// Whether it may be missing.
        optional: bool,
    },
    /// A number, in digits or words.
    Number,
    /// Up to five words.
    Gap,
}

/// Reads a signal. The error says what is wrong and what to do.
pub(crate) fn parse(text: &str, lists: &BTreeMap<String, Vec<String>>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '(' => choice(rest, ')', false, &mut parts)?,
            '[' => choice(rest, ']', true, &mut parts)?,
            '{' => list(rest, lists, &mut parts)?,
            ')' | ']' | '}' | '|' => {
                return Err(format!("\"{first}\" stands alone; alternatives are written (one|other), optional words [word]"));
            }
            _ => word(rest, &mut parts),
        }
        .trim_start();
    }
    if !parts.iter().any(|part| matches!(part, Part::Word(_) | Part::Choice { optional: false, .. })) {
        return Err("the signal has no words; write what is said, such as \"too expensive\"".to_owned());
    }
    let variants = variants(&parts);
    if variants > MOST_VARIANTS {
        return Err(format!(
            "the signal stands for {variants} phrases and the most is {MOST_VARIANTS}; split it into several signals"
        ));
    }
    Ok(parts)
}

fn word<'t>(text: &'t str, parts: &mut Vec<Part>) -> &'t str {
    let end = text.find(|c: char| c.is_whitespace() || "()[]{}|".contains(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    if word == "..." || word == "…" {
        parts.push(Part::Gap);
    } else if word.chars().any(char::is_alphanumeric) {
        parts.push(Part::Word(word.to_owned()));
    }
    rest
}

fn choice<'t>(text: &'t str, close: char, optional: bool, parts: &mut Vec<Part>) -> Result<&'t str, String> {
    let inner = &text[1..];
    let Some(end) = inner.find(close) else {
        return Err(format!("\"{}\" is never closed; add the \"{close}\"", &text[..1]));
    };
    let options: Vec<String> = inner[..end].split('|').map(|option| option.trim().to_owned()).collect();
    for option in &options {
        if !option.chars().any(char::is_alphanumeric) {
            return Err(format!("an alternative in \"{}\" is empty; optional words are written [word]", &text[..end + 2]));
        }
        if option.contains(['(', '[', '{', ')', ']', '}']) {
            return Err(format!("\"{}\" nests brackets; write the alternatives side by side", &text[..end + 2]));
        }
    }
    parts.push(Part::Choice { options, optional });
    Ok(&inner[end + 1..])
}

fn list<'t>(text: &'t str, lists: &BTreeMap<String, Vec<String>>, parts: &mut Vec<Part>) -> Result<&'t str, String> {
    let inner = &text[1..];
    let Some(end) = inner.find('}') else {
        return Err("\"{\" is never closed; add the \"}\"".to_owned());
    };
    let name = inner[..end].trim();
    let part = match (name, lists.get(name)) {
        ("number", _) => Part::Number,
        ("day", _) => built_in(DAYS),
        ("month", _) => built_in(MONTHS),
        (_, Some(words)) => Part::Choice { options: words.clone(), optional: false },
        (_, None) => {
            let known: Vec<&str> =
                ["number", "day", "month"].into_iter().chain(lists.keys().map(String::as_str)).collect();
            return Err(format!("there is no list \"{name}\"; lists are {}", known.join(", ")));
        }
    };
    parts.push(part);
    Ok(&inner[end + 1..])
}

/// The phrases that a signal stands for. Single words side by side cost nothing: only phrases multiply.
fn variants(parts: &[Part]) -> usize {
    let options = |part: &Part| match part {
        Part::Choice { options, .. } => {
            let phrases = options.iter().filter(|option| option.contains([' ', '\'', '’', '-'])).count();
            phrases + usize::from(phrases < options.len())
        }
        _ => 1,
    };
    parts.iter().map(options).fold(1, usize::saturating_mul)
}

fn built_in(words: &[&str]) -> Part {
    Part::Choice { options: words.iter().map(|word| (*word).to_owned()).collect(), optional: false }
}

const DAYS: &[&str] = &[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "today", "tomorrow", "tonight",
];
const MONTHS: &[&str] = &[
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
];
