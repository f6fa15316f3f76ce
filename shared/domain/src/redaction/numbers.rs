//! From tokens to the digits that they say: "double four", "forty one eleven", "4111", "eight hundred".
//!
//! An atom is the smallest piece of a number that is not divided. Prices, decimals, times, written dates, percentages
//! and quantities give none.

use super::{
    language::Role,
    tokens::{Token, is_dash},
};

/// Digits said or written as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Atom {
    /// Its first token…
    pub(super) first: usize,
    /// …and its last.
    pub(super) last: usize,
    /// What it says.
    pub(super) digits: String,
    /// "Four thousand one hundred": an amount, unless other digits are around it.
    pub(super) amount: bool,
}

/// The atoms of all tokens that are not taken by something else.
pub(super) fn atoms(tokens: &[Token<'_>], taken: &[bool]) -> Vec<Atom> {
    let mut atoms = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if taken[at] {
            at += 1;
            continue;
        }
        let (next, found) = number_at(tokens, at);
        let free = found.iter().all(|atom| !taken[atom.first..=atom.last].contains(&true));
        if free {
            atoms.extend(without_quantity(tokens, next, found));
        }
        at = next;
    }
    atoms
}

/// What is said from this token on, and where to go on.
pub(super) fn number_at(tokens: &[Token<'_>], at: usize) -> (usize, Vec<Atom>) {
    match tokens[at].role {
        Some(Role::Written) => written(tokens, at),
        Some(role) if role.is_number() => spoken(tokens, at),
        _ => (at + 1, Vec::new()),
    }
}

/// "Two units" are no digits.
fn without_quantity(tokens: &[Token<'_>], next: usize, mut found: Vec<Atom>) -> Vec<Atom> {
    const LONGEST_QUANTITY: usize = 4;
    const LONGEST_WRITTEN_QUANTITY: usize = 9;
    let measured = tokens
        .get(next)
        .is_some_and(|token| token.is_tight() && token.role == Some(Role::Measure) || token.before.starts_with('%'));
    let single = found.len() == 1 && tokens[found[0].first].is_written();
    let most = if single { LONGEST_WRITTEN_QUANTITY } else { LONGEST_QUANTITY };
    if measured && found.last().is_some_and(|last| last.amount || last.digits.len() <= most) {
        found.pop();
    }
    found
}

// ---------------------------------------------------------------- written

fn written(tokens: &[Token<'_>], at: usize) -> (usize, Vec<Atom>) {
    let joined = |token: &Token<'_>| !token.opens && matches!(token.before, "," | "." | ":" | "/");
    let length = tokens[at + 1..].iter().take_while(|token| token.is_written() && joined(token)).count();
    let literal = &tokens[at..=at + length];
    let next = at + length + 1;
    if let Some(end) = magnitude_ends(tokens, next) {
        return (end, Vec::new());
    }
    if !says_digits(literal) {
        return (next, Vec::new());
    }
    let atom = |(offset, token): (usize, &Token<'_>)| Atom {
        first: at + offset,
        last: at + offset,
        digits: token.text.to_owned(),
        amount: false,
    };
    (next, literal.iter().enumerate().map(atom).collect())
}

/// "4 thousand two hundred" is an amount, to its end.
fn magnitude_ends(tokens: &[Token<'_>], next: usize) -> Option<usize> {
    let follows = tokens.get(next)?;
    if !follows.is_tight() || !matches!(follows.role, Some(Role::Hundred | Role::Thousand | Role::Million)) {
        return None;
    }
    let goes_on = |token: &&Token<'_>| token.is_tight() && token.role.is_some_and(Role::is_number);
    Some(next + 1 + tokens[next + 1..].iter().take_while(goes_on).count())
}

/// Whether groups of digits that are joined by single marks are digits at all, and no amount, time, date or version.
fn says_digits(literal: &[Token<'_>]) -> bool {
    if literal[0].before.ends_with(['$', '£', '€']) {
        return false;
    }
    let marks: Vec<&str> = literal[1..].iter().map(|token| token.before).collect();
    let sizes: Vec<usize> = literal.iter().map(|token| token.text.len()).collect();
    match marks.as_slice() {
        [] => true,
        [mark, ..] if marks.iter().any(|other| other != mark) => false,
        // More than an address of a computer or a version has.
        [".", ..] if sizes.len() > 4 => true,
        [",", ..] => sizes[0] > 3 || sizes[1..].iter().any(|size| *size != 3),
        [".", ..] => matches!(
            sizes.as_slice(),
            [3, 3, 4] | [1, 3, 3, 4] | [3, 4] | [3, 2, 4] | [4, 4] | [4, 4, 4, 4] | [4, 6, 5]
        ),
        _ => false,
    }
}

// ---------------------------------------------------------------- spoken

fn spoken(tokens: &[Token<'_>], at: usize) -> (usize, Vec<Atom>) {
    let mut end = at + 1;
    while let Some(token) = tokens.get(end) {
        let is_number = token.is_tight() && token.role.is_some_and(Role::is_number);
        let links = token.role == Some(Role::And)
            && token.is_tight()
            && matches!(tokens[end - 1].role, Some(Role::Hundred | Role::Thousand))
            && tokens.get(end + 1).is_some_and(|next| next.is_tight() && next.role.is_some_and(Role::is_number));
        let repeated = is_single(token) && token.is_tight() && matches!(tokens[end - 1].role, Some(Role::Repeat(_)));
        if !is_number && !links && !repeated {
            break;
        }
        end += 1;
    }
    let roles: Vec<Role> = tokens[at..end].iter().filter_map(digit_or_role).collect();
    if is_exclamation(tokens, at, end, &roles) || is_pronoun(tokens, at, end, &roles) {
        return (end, Vec::new());
    }
    if let Some(value) = cardinal(&roles) {
        return (end, vec![Atom { first: at, last: end - 1, digits: value.to_string(), amount: true }]);
    }
    (end, digit_by_digit(&roles, at))
}

fn is_single(token: &Token<'_>) -> bool {
    token.is_written() && token.text.len() == 1
}

/// "Triple 5" says what "triple five" does.
fn digit_or_role(token: &Token<'_>) -> Option<Role> {
    if is_single(token) { token.text.parse().ok().map(Role::Digit) } else { token.role }
}

/// "Oh" alone, with no digits before or behind.
fn is_exclamation(tokens: &[Token<'_>], at: usize, end: usize, roles: &[Role]) -> bool {
    if roles.len() > 2 || roles.iter().any(|role| *role != Role::Oh) {
        return false;
    }
    let digit = |token: &Token<'_>| token.is_written() || token.role.is_some_and(Role::is_number);
    let small = |token: &&Token<'_>| token.role.is_some_and(Role::keeps_run);
    let before = tokens[..at].iter().rev().find(|token| !small(token));
    let follows = before.is_some_and(digit);
    !follows && !tokens.get(end).is_some_and(|next| next.is_tight() && digit(next))
}

/// "That one".
fn is_pronoun(tokens: &[Token<'_>], at: usize, end: usize, roles: &[Role]) -> bool {
    if roles != [Role::Digit(1)] {
        return false;
    }
    let lists = &tokens[at].language.lists;
    let before = at > 0 && tokens[at].is_tight() && tokens[at - 1].is_in(&lists.before_pronoun);
    before || tokens.get(end).is_some_and(|next| next.is_tight() && next.is_in(&lists.after_pronoun))
}

/// The value of a number with a hundred or a thousand in it, where the words make one and no more.
pub(super) fn cardinal(roles: &[Role]) -> Option<u64> {
    if !roles.iter().any(|role| matches!(role, Role::Hundred | Role::Thousand | Role::Million)) {
        return None;
    }
    let (mut total, mut group, mut smallest) = (0_u64, 0_u64, u64::MAX);
    let mut at = 0;
    // Of the group that is being said: whether it has its hundreds, and whether it has what is below a hundred.
    let (mut hundreds, mut rest) = (false, false);
    while let Some(role) = roles.get(at) {
        at += 1;
        match *role {
            Role::And => {}
            Role::Hundred if !hundreds && (1..100).contains(&group.max(1)) => {
                (group, hundreds, rest) = (group.max(1) * 100, true, false);
            }
            Role::Thousand | Role::Million => {
                let unit = if *role == Role::Thousand { 1_000 } else { 1_000_000 };
                if unit >= smallest {
                    return None;
                }
                (total, group, smallest) = (total + group.max(1) * unit, 0, unit);
                (hundreds, rest) = (false, false);
            }
            Role::Digit(digit) if !rest && digit > 0 => (group, rest) = (group + u64::from(digit), true),
            Role::Teen(teen) if !rest => (group, rest) = (group + u64::from(teen), true),
            Role::Tens(tens) if !rest => {
                (group, rest) = (group + u64::from(tens) * 10, true);
                if let Some(Role::Digit(digit @ 1..)) = roles.get(at) {
                    group += u64::from(*digit);
                    at += 1;
                }
            }
            _ => return None,
        }
    }
    Some(total + group)
}

/// The digits of words that make no single number.
fn digit_by_digit(roles: &[Role], offset: usize) -> Vec<Atom> {
    let mut atoms = Vec::new();
    let mut at = 0;
    while at < roles.len() {
        let first = at;
        let digits = match (roles[at], roles.get(at + 1)) {
            (Role::Digit(times @ 2..), Some(Role::Plural(digit))) => {
                at += 1;
                digit.to_string().repeat(usize::from(times))
            }
            (Role::Repeat(times), Some(Role::Digit(digit))) => {
                at += 1;
                digit.to_string().repeat(usize::from(times))
            }
            (Role::Repeat(times), Some(Role::Oh)) => {
                at += 1;
                "0".repeat(usize::from(times))
            }
            (Role::Tens(tens), Some(Role::Digit(digit @ 1..))) => {
                at += 1;
                (u16::from(tens) * 10 + u16::from(*digit)).to_string()
            }
            (Role::Tens(tens), _) => (u16::from(tens) * 10).to_string(),
            (Role::Teen(number) | Role::Digit(number), _) => number.to_string(),
            (Role::Oh, _) => "0".to_owned(),
            _ => String::new(),
        };
        at += 1;
        let zeros = match roles.get(at) {
            Some(Role::Hundred) => "00",
            Some(Role::Thousand) => "000",
            _ => "",
        };
        at += usize::from(!zeros.is_empty());
        if !digits.is_empty() {
            atoms.push(Atom { first: offset + first, last: offset + at - 1, digits: digits + zeros, amount: false });
        }
    }
    atoms
}

// ---------------------------------------------------------------- runs

/// Atoms that belong together, whatever small words are between them.
pub(super) struct Run {
    pub(super) atoms: Vec<Atom>,
    /// Before each atom.
    pub(super) gaps: Vec<Gap>,
    /// Whether it is said to begin with a plus.
    pub(super) plus: bool,
}

/// What is between two atoms of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Gap {
    /// Another utterance, a comma, a small word: one value may end here and another begin.
    pub(super) wide: bool,
    /// "No, wait".
    pub(super) corrected: bool,
    /// A comma or a full stop.
    pub(super) pause: bool,
    /// "Dot", said.
    pub(super) dotted: bool,
}

/// Small words that a run goes on over, at most.
const MOST_BETWEEN: usize = 10;

/// The runs of these atoms. Those that are amounts only are none.
pub(super) fn runs(tokens: &[Token<'_>], taken: &[bool], atoms: Vec<Atom>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for atom in atoms {
        let joins = runs.last().and_then(|run| gap(tokens, taken, run.atoms.last()?.last, atom.first));
        match (joins, runs.last_mut()) {
            (Some(gap), Some(run)) => {
                run.gaps.push(gap);
                run.atoms.push(atom);
            }
            _ => runs.push(Run { plus: plus(tokens, atom.first), gaps: vec![Gap::default()], atoms: vec![atom] }),
        }
    }
    runs.retain(|run| run.atoms.iter().any(|atom| !atom.amount));
    runs
}

fn gap(tokens: &[Token<'_>], taken: &[bool], from: usize, to: usize) -> Option<Gap> {
    let between = from + 1..to;
    if between.len() > MOST_BETWEEN || taken[between.clone()].contains(&true) {
        return None;
    }
    let goes_on = |token: &Token<'_>| token.keeps_run() || token.opens;
    let words = &tokens[between];
    if !words.iter().all(|word| goes_on(word) && word.role.is_some_and(Role::keeps_run)) || !goes_on(&tokens[to]) {
        return None;
    }
    let pause = tokens[from + 1..=to].iter().any(|token| token.before.contains([',', ';']) || token.after_pause());
    let corrects = |word: &Token<'_>| word.role == Some(Role::Correction);
    let dotted = words.iter().any(|word| word.role == Some(Role::Dot));
    let wide = pause || !words.is_empty() || tokens[from].unsure;
    Some(Gap { wide, corrected: words.iter().any(corrects), pause, dotted })
}

fn plus(tokens: &[Token<'_>], first: usize) -> bool {
    let before = tokens[first].before.trim_end_matches(|c: char| c == '(' || c.is_whitespace() || is_dash(c));
    before.ends_with('+') || (first > 0 && !tokens[first].opens && tokens[first - 1].role == Some(Role::Plus))
}

/// Whether nothing but small words comes after this token.
pub(super) fn reaches_end(tokens: &[Token<'_>], last: usize) -> bool {
    let rest = &tokens[last + 1..];
    rest.len() <= MOST_BETWEEN && rest.iter().all(|token| token.role.is_some_and(Role::keeps_run))
}

/// Whether nothing but small words of its utterance comes before this token.
pub(super) fn reaches_begin(tokens: &[Token<'_>], first: usize) -> bool {
    let opens = (0..=first).rev().find(|at| tokens[*at].opens).unwrap_or(0);
    let words = &tokens[opens..first];
    words.len() <= MOST_BETWEEN && words.iter().all(|token| token.role.is_some_and(Role::keeps_run))
}
