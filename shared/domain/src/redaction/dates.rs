//! Dates of birth: a date counts where "born", "date of birth" or the like is said before it (or right after it).

use super::{
    language::{Role, Topic},
    numbers::{cardinal, number_at, reaches_end},
    tokens::{Token, is_dash},
};

/// Dates of birth among tokens.
#[derive(Debug, Default)]
pub(super) struct Dates {
    /// Their first and last tokens.
    pub(super) found: Vec<(usize, usize)>,
    /// The first token of one that may go on in the next utterance.
    pub(super) open: Option<usize>,
}

/// Words that are not known to be light between the phrase and the date: "born in Chicago on".
const MOST_UNKNOWN: usize = 3;
/// Words of any kind between them.
const MOST_BETWEEN: usize = 10;

/// `asked` says that an earlier utterance ended with such a phrase: then a date counts if it begins the first one here.
pub(super) fn find(tokens: &[Token<'_>], topics: &[(usize, Topic)], taken: &[bool], asked: bool) -> Dates {
    let mut dates = Dates::default();
    let births = || topics.iter().filter(|(_, topic)| matches!(topic, Topic::Birth | Topic::Birthday));
    if asked {
        after(tokens, taken, 0, 0, &mut dates);
    }
    for (at, topic) in births().copied() {
        let known = dates.found.len();
        let unknown = if topic == Topic::Birth { MOST_UNKNOWN } else { 0 };
        after(tokens, taken, at + 1, unknown, &mut dates);
        if dates.found.len() == known {
            before(tokens, at, &mut dates);
        }
    }
    dates
}

fn after(tokens: &[Token<'_>], taken: &[bool], from: usize, mut unknown: usize, dates: &mut Dates) {
    let end = tokens.len().min(from + MOST_BETWEEN);
    let mut at = from;
    // "In 1999, on December 23rd": a year alone is none, before a day it is a part.
    let mut with_year_from = None;
    while at < end {
        let token = &tokens[at];
        if taken[at] {
            return;
        }
        if token.opens_sentence() && at > from {
            unknown = 0;
        }
        if let Some(last) = date(tokens, at) {
            let before = at.checked_sub(1).map(|before| &tokens[before]).filter(|_| at > from && token.is_tight());
            let article =
                before.is_some_and(|it| it.role == Some(Role::Filler) && it.is_in(&it.language.lists.in_dates));
            let first = with_year_from.unwrap_or(at - usize::from(article));
            dates.found.push((first, last));
            dates.open = dates.open.or_else(|| reaches_end(tokens, last).then_some(first));
            return;
        }
        if matches!(token.role, Some(Role::Month | Role::Ordinal(_))) && reaches_end(tokens, at) {
            dates.open = dates.open.or(Some(at));
            return;
        }
        if let Some(last) = year(tokens, at).filter(|_| with_year_from.is_none()) {
            with_year_from = Some(at);
            at = last + 1;
            continue;
        }
        at += 1;
        let lists = &token.language.lists;
        if token.is_in(&lists.light) || token.role.is_some_and(Role::keeps_run) {
            continue;
        }
        let other = token.is_in(&lists.other_dates) || token.is_written() || token.role.is_some_and(Role::is_number);
        if unknown == 0 || other || with_year_from.is_some() {
            return;
        }
        unknown -= 1;
    }
}

/// "January fifth 1980 is my birthday".
fn before(tokens: &[Token<'_>], birth: usize, dates: &mut Dates) {
    const LONGEST: usize = 8;
    let here = tokens[birth].utterance;
    let light = |token: &Token<'_>| token.is_in(&token.language.lists.light);
    let phrase = (0..birth).rev().take_while(|at| tokens[*at].utterance == here && !tokens[*at + 1].opens_sentence());
    let words: Vec<usize> = phrase.collect();
    // The words of the phrase itself ("date of") and light ones are passed over.
    let ends = words.iter().copied().take(MOST_BETWEEN).find(|at| !light(&tokens[*at]));
    let Some(end) = ends else { return };
    let first = words.iter().copied().filter(|at| *at <= end && *at + LONGEST > end).rev();
    // Digits alone could be any number here.
    let named =
        |at: usize| month_first(tokens, at).or_else(|| day_first(tokens, at)).or_else(|| with_marks(tokens, at));
    let found = first.into_iter().find(|at| named(*at) == Some(end));
    dates.found.extend(found.map(|first| (first, end)));
}

// ---------------------------------------------------------------- one date

/// The last token of the date that begins here. A lone year or month is none.
fn date(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    month_first(tokens, at)
        .or_else(|| day_first(tokens, at))
        .or_else(|| with_marks(tokens, at))
        .or_else(|| three_numbers(tokens, at))
        .or_else(|| digits_only(tokens, at))
}

/// The next token that is no small word.
fn next(tokens: &[Token<'_>], after: usize) -> Option<usize> {
    const MOST_SMALL: usize = 3;
    let small = |token: &Token<'_>| {
        matches!(token.role, Some(Role::Filler | Role::And)) || token.is_in(&token.language.lists.in_dates)
    };
    let found = (after + 1..tokens.len().min(after + 2 + MOST_SMALL)).find(|at| !small(&tokens[*at]))?;
    tokens[after + 1..=found].iter().all(Token::keeps_run).then_some(found)
}

fn with_year(tokens: &[Token<'_>], last: usize) -> usize {
    next(tokens, last).and_then(|at| year(tokens, at)).unwrap_or(last)
}

fn month_first(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    if tokens[at].role != Some(Role::Month) {
        return None;
    }
    let then = next(tokens, at)?;
    match day(tokens, then) {
        Some((_, last)) => Some(with_year(tokens, last)),
        None => year(tokens, then),
    }
}

fn day_first(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let (_, last) = day(tokens, at)?;
    let month = next(tokens, last)?;
    match tokens[month].role? {
        Role::Month => Some(with_year(tokens, month)),
        // "The eleventh of the third".
        Role::Ordinal(1..=12) if is_ordinal(&tokens[last]) => Some(with_year(tokens, month)),
        _ => None,
    }
}

fn is_ordinal(token: &Token<'_>) -> bool {
    matches!(token.role, Some(Role::Ordinal(_)))
}

/// 1/5/80, 12-25-1975, 1980.01.05; 1/5.
fn with_marks(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mark = |at: usize| {
        let token = tokens.get(at).filter(|token| token.is_written() && !token.opens)?;
        let mut chars = token.before.chars();
        let mark = chars.next().filter(|c| *c == '/' || *c == '.' || is_dash(*c))?;
        chars.next().is_none().then_some((mark, token.text.len()))
    };
    if !tokens[at].is_written() {
        return None;
    }
    let (first_mark, second) = mark(at + 1)?;
    match (tokens[at].text.len(), second, mark(at + 2)) {
        (1 | 2, 1 | 2, Some((same, 2 | 4))) | (4, 1 | 2, Some((same, 1 | 2))) if same == first_mark => Some(at + 2),
        (1 | 2, 1 | 2, None) if first_mark == '/' => Some(at + 1),
        _ => None,
    }
}

/// "One five nineteen eighty", "five twelve eighty eight".
fn three_numbers(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let (first, last) = day(tokens, at)?;
    let then = next(tokens, last)?;
    let (second, last) = day(tokens, then)?;
    let month = first.min(second);
    let then = next(tokens, last).filter(|_| month <= 12)?;
    year(tokens, then)
}

/// "Oh one oh five eighty", 010580, 0105.
fn digits_only(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut digits = String::new();
    let mut last = None;
    let mut here = Some(at);
    while let Some(at) = here {
        let (_, atoms) = number_at(tokens, at);
        let Some(end) = atoms.last() else { break };
        digits.extend(atoms.iter().map(|atom| atom.digits.as_str()));
        last = Some(end.last);
        here = next(tokens, end.last);
    }
    let is_year = digits.starts_with("19") || digits.starts_with("20");
    let is_date = matches!(digits.len(), 5..=8) || (digits.len() == 4 && !is_year);
    last.filter(|_| is_date)
}

/// The day of a month (or its number) and the last token that says it.
fn day(tokens: &[Token<'_>], at: usize) -> Option<(u8, usize)> {
    let tight = |at: usize| tokens.get(at).filter(|token| token.is_tight()).and_then(|token| token.role);
    let (value, last) = match (tokens[at].role?, tight(at + 1)) {
        (Role::Tens(tens @ 2..=3), Some(Role::Ordinal(day @ 1..=9) | Role::Digit(day @ 1..=9))) => {
            (tens * 10 + day, at + 1)
        }
        (Role::Oh | Role::Digit(0), Some(Role::Digit(day))) => (day, at + 1),
        (Role::Ordinal(day) | Role::Teen(day), _) => (day, at),
        (Role::Digit(day), _) => (day, at),
        (Role::Tens(tens), _) => (tens * 10, at),
        (Role::Written, _) if tokens[at].text.len() <= 2 => (tokens[at].text.parse().ok()?, at),
        _ => return None,
    };
    (1..=31).contains(&value).then_some((value, last))
}

/// The last token of the year that begins here: "nineteen eighty five", "two thousand and one", "eighty", 1980, '80.
fn year(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    const LONGEST: usize = 6;
    if tokens[at].is_written() {
        let text = tokens[at].text;
        let fits = text.len() == 2 || (text.len() == 4 && (text.starts_with("19") || text.starts_with("20")));
        return fits.then_some(at);
    }
    let goes_on = |token: &&Token<'_>| token.is_tight() && token.role.is_some_and(|r| r.is_number() || r == Role::And);
    let most = 1 + tokens[at + 1..].iter().take(LONGEST - 1).take_while(goes_on).count();
    (1..=most).rev().map(|length| at + length - 1).find(|last| is_year(&tokens[at..=*last]))
}

fn is_year(tokens: &[Token<'_>]) -> bool {
    let roles: Vec<Role> = tokens.iter().filter_map(|token| token.role).collect();
    if !roles.last().is_some_and(|role| role.is_number()) {
        return false;
    }
    if let Some(value) = cardinal(&roles) {
        return (1900..2036).contains(&value);
    }
    if roles.contains(&Role::And) {
        return false;
    }
    let (end, atoms) = number_at(tokens, 0);
    let digits: String = atoms.iter().map(|atom| atom.digits.as_str()).collect();
    let in_two_parts = digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
    end == tokens.len() && (in_two_parts || (digits.len() == 2 && !atoms.is_empty()))
}
