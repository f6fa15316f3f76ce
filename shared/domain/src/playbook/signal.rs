//! The notation of signals: a phrase as people write it, with a few marks for those who want more.
//!
//! | written | means |
//! | --- | --- |
//! | `too expensive` | these words, in this order |
//! | `talk to my (wife\|better half)` | one of these |
//! | `[way] too much` | with or without; `[a\|b]` works too |
//! | `send me ... email` | up to five words between, at no cost |
//! | `{partner}` | one of the playbook's list of that name, also among alternatives: `(we\|{partner})` |
//! | `no thank you .` | a full stop apart: nothing may follow before the next comma or full stop |
//!
//! The lists `{number}` (digits or words), `{day}` and `{month}` are built in.
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
        /// Whether a number, in digits or words, will do as well.
        number: bool,
        /// Whether it may be missing.
        optional: bool,
    },
    /// Up to five words.
    Gap,
    /// The end of the sentence, or a comma.
    End,
}

/// Reads a signal. The error says what is wrong and what to do.
pub(crate) fn parse(text: &str, lists: &BTreeMap<String, Vec<String>>) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '(' => choice(rest, ')', lists, &mut parts)?,
            '[' => choice(rest, ']', lists, &mut parts)?,
            '{' => list(rest, lists, &mut parts)?,
            ')' | ']' | '}' | '|' => {
                return Err(format!(
                    "\"{first}\" stands alone; alternatives are written (one|other), optional words [word]"
                ));
            }
            _ => word(rest, &mut parts),
        }
        .trim_start();
    }
    if parts.iter().rev().skip(1).any(|part| *part == Part::End) {
        return Err("words follow the full stop; it ends the signal, or leave it out".to_owned());
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
    } else if word == "." {
        parts.push(Part::End);
    } else if word.chars().any(char::is_alphanumeric) {
        parts.push(Part::Word(word.to_owned()));
    }
    rest
}

type Lists = BTreeMap<String, Vec<String>>;

/// `(one|other)` or `[one|other]`: reads to the closing bracket.
fn choice<'t>(text: &'t str, close: char, lists: &Lists, parts: &mut Vec<Part>) -> Result<&'t str, String> {
    let inner = &text[1..];
    let Some(end) = inner.find(close) else {
        return Err(format!("\"{}\" is never closed; add the \"{close}\"", &text[..1]));
    };
    let whole = &text[..end + 2];
    let (mut options, mut number) = (Vec::new(), false);
    for option in inner[..end].split('|').map(str::trim) {
        if let Some(name) = option.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            number |= add_list(name, lists, &mut options)?;
        } else if option.contains(['(', '[', '{', ')', ']', '}']) {
            return Err(format!("\"{whole}\" nests brackets; an alternative is plain words, or one {{list}} alone"));
        } else if option.chars().any(char::is_alphanumeric) {
            options.push(option.to_owned());
        } else {
            return Err(format!("an alternative in \"{whole}\" is empty; optional words are written [word]"));
        }
    }
    parts.push(Part::Choice { options, number, optional: close == ']' });
    Ok(&inner[end + 1..])
}

/// `{name}`: reads to the closing brace.
fn list<'t>(text: &'t str, lists: &Lists, parts: &mut Vec<Part>) -> Result<&'t str, String> {
    let inner = &text[1..];
    let Some(end) = inner.find('}') else {
        return Err("\"{\" is never closed; add the \"}\"".to_owned());
    };
    let mut options = Vec::new();
    let number = add_list(&inner[..end], lists, &mut options)?;
    parts.push(Part::Choice { options, number, optional: false });
    Ok(&inner[end + 1..])
}

/// Adds the words of a list. Says whether it is the list of numbers, which has no end.
fn add_list(name: &str, lists: &Lists, options: &mut Vec<String>) -> Result<bool, String> {
    let name = name.trim();
    let built_in = match name {
        "number" => return Ok(true),
        "day" => DAYS,
        "month" => MONTHS,
        _ => &[],
    };
    options.extend(built_in.iter().map(|word| (*word).to_owned()));
    match lists.get(name) {
        _ if !built_in.is_empty() => Ok(false),
        Some(words) => {
            options.extend(words.iter().cloned());
            Ok(false)
        }
        None => {
            let known = ["number", "day", "month"].into_iter().chain(lists.keys().map(String::as_str));
            Err(format!("there is no list \"{name}\"; lists are {}", known.collect::<Vec<_>>().join(", ")))
        }
    }
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

const DAYS: &[&str] =
    &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "today", "tomorrow", "tonight"];
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
