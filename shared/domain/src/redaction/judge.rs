//! What a run of digits is, by its value and by what is said around it: cards, social security, phone and bank numbers.

use super::{
    Kind,
    language::{Role, Topic},
    numbers::Run,
    tokens::Token,
    values,
};

/// What is said around a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context {
    /// The nearest phrase before it, else after it.
    pub(super) nearest: Option<Topic>,
    /// Whether a card is spoken of before it.
    pub(super) card: bool,
    /// Whether a social security number is.
    pub(super) social: bool,
    /// Whether its last four digits are.
    pub(super) social_end: bool,
}

/// A phrase about something harmless counts only with fewer words before the number, small ones aside.
const HARMLESS_WITHIN: usize = 3;
/// A phrase after a number counts only so close.
const AFTER_WITHIN: usize = 6;

impl Context {
    /// Of the run from the token `first` to `last`. `carried` is what earlier utterances were about, the latest last.
    pub(super) fn of(
        tokens: &[Token<'_>],
        topics: &[(usize, Topic)],
        carried: &[Topic],
        (first, last): (usize, usize),
    ) -> Self {
        let here = tokens[first].utterance;
        let before = || topics.iter().filter(|(at, _)| *at < first && tokens[*at].utterance == here);
        let small = |token: &&Token<'_>| token.role.is_some_and(Role::keeps_run);
        let between = |at: usize| first - at - 1 - tokens[at + 1..first].iter().filter(small).count();
        let counts = |at: usize, topic: Topic| topic != Topic::Harmless || between(at) < HARMLESS_WITHIN;
        let after = || {
            let near =
                |at: usize| at > last && at <= last + AFTER_WITHIN && tokens[at].utterance == tokens[last].utterance;
            topics.iter().find(|(at, _)| near(*at)).map(|(_, topic)| *topic)
        };
        let nearest = before().rev().find(|(at, topic)| counts(*at, *topic)).map(|(_, topic)| *topic);
        let nearest = nearest.or_else(|| carried.last().copied()).or_else(after);
        let spoken_of = |wanted: Topic| {
            nearest == Some(wanted) || carried.contains(&wanted) || before().any(|(_, it)| *it == wanted)
        };
        let social = spoken_of(Topic::Social) || spoken_of(Topic::SocialEnd);
        Self {
            nearest,
            card: spoken_of(Topic::Card) && nearest != Some(Topic::Harmless),
            social,
            social_end: spoken_of(Topic::SocialEnd) || (social && says_last_four(tokens, here, first)),
        }
    }
}

/// Whether this utterance speaks of the last four digits, or of what a number ends in, before this token.
pub(super) fn says_last_four(tokens: &[Token<'_>], utterance: usize, before: usize) -> bool {
    tokens[..before].windows(2).any(|pair| {
        let four = pair[1].lower == "4" || pair[1].language.role(&pair[1].lower) == Some(Role::Digit(4));
        let last_four = pair[0].role == Some(Role::Last) && four;
        pair[1].utterance == utterance && (last_four || pair[0].is_in(&pair[0].language.lists.ends))
    })
}

/// A value within a run: its kind, its first and its last atom.
pub(super) type Verdict = (Kind, usize, usize);

/// The values in a run, from left to right.
pub(super) fn judge(run: &Run, tokens: &[Token<'_>], context: Context) -> Vec<Verdict> {
    let last = run.atoms.len() - 1;
    let twice = said_twice(run, context).filter(|_| !values::is_card(&digits(run, 0, last)));
    if let Some(kind) = twice {
        return vec![(kind, 0, last)];
    }
    let mut verdicts = Vec::new();
    let mut from = 0;
    while from < run.atoms.len() {
        match value_at(run, tokens, from, context) {
            Some((kind, to)) => {
                let free_from = verdicts.last().map_or(0, |(_, _, last)| last + 1);
                let first = with_first_try(run, free_from, (from, to));
                let to = with_second_try(run, to);
                verdicts.push((kind, first, to));
                from = to + 1;
            }
            None => from += 1,
        }
    }
    if verdicts.is_empty() {
        verdicts.extend(said_anew(run, context).map(|kind| (kind, 0, last)));
    }
    verdicts
}

fn digits(run: &Run, from: usize, to: usize) -> String {
    run.atoms[from..=to].iter().map(|atom| atom.digits.as_str()).collect()
}

/// No value is longer: what is behind is not looked at.
const LONGEST: usize = 19;

fn value_at(run: &Run, tokens: &[Token<'_>], from: usize, context: Context) -> Option<(Kind, usize)> {
    let starts = from == 0 || run.gaps[from].wide;
    let last = run.atoms.len() - 1;
    let ends = |to: usize| to == last || run.gaps[to + 1].wide;
    let mut windows: Vec<(usize, String)> =
        (from..=last).map(|to| (to, digits(run, from, to))).take_while(|(_, digits)| digits.len() <= LONGEST).collect();
    windows.reverse();
    // Where a card is spoken of, no part is left over because the rest happens to check.
    let rest: usize = run.atoms[from..].iter().map(|atom| atom.digits.len()).sum();
    if starts && context.card && matches!(rest, 12..=LONGEST) {
        return Some((Kind::Card, last));
    }
    let whole_only = context.nearest == Some(Topic::Harmless);
    let card = windows.iter().find(|(to, digits)| {
        let placed =
            if whole_only { from == 0 && *to == last } else { starts && (ends(*to) || rest_fits(run, digits, *to)) };
        values::is_card(digits) && (placed || (!whole_only && is_written_like_card(run, from, *to)))
    });
    if let Some((to, _)) = card {
        return Some((Kind::Card, *to));
    }
    if !starts {
        return None;
    }
    let found = windows
        .iter()
        .filter(|(to, _)| ends(*to))
        .find_map(|(to, digits)| kind_of(run, tokens, (from, *to), digits, context).map(|kind| (kind, *to)));
    let too_long = from == 0 && context.card && digits(run, 0, last).len() > LONGEST;
    found.or_else(|| too_long.then_some((Kind::Card, last)))
}

/// After a card's number its expiry and security code may follow in one breath.
fn rest_fits(run: &Run, digits: &str, to: usize) -> bool {
    const SHORTEST_IN_USE: usize = 14;
    let rest = (to + 1..run.atoms.len()).take_while(|at| *at == to + 1 || !run.gaps[*at].wide);
    let length: usize = rest.map(|at| run.atoms[at].digits.len()).sum();
    digits.len() >= SHORTEST_IN_USE && matches!(length, 3 | 4 | 6 | 7 | 8)
}

/// In groups as on the card, whatever stands around it.
fn is_written_like_card(run: &Run, from: usize, to: usize) -> bool {
    let sizes: Vec<usize> = run.atoms[from..=to].iter().map(|atom| atom.digits.len()).collect();
    matches!(sizes.as_slice(), [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [16] | [15])
}

fn kind_of(run: &Run, tokens: &[Token<'_>], window: (usize, usize), digits: &str, context: Context) -> Option<Kind> {
    let phone = context.nearest == Some(Topic::Phone);
    let harmless = context.nearest == Some(Topic::Harmless);
    let plain = || !harmless && !is_list(run, window) && is_grouped_as_one(run, tokens, window);
    match digits.len() {
        8..=15 if run.plus && window.0 == 0 && (!harmless || has_plus_sign(run, tokens)) => Some(Kind::Phone),
        12..=19 if context.card => Some(Kind::Card),
        9 if context.social => Some(Kind::SocialSecurity),
        4 if context.social_end => Some(Kind::SocialSecurity),
        7..=15 if phone => Some(Kind::Phone),
        8..=17 if context.nearest == Some(Topic::Bank) => Some(Kind::BankAccount),
        // Dialled abroad.
        12..=15 if digits.starts_with("011") || (digits.starts_with("00") && !digits.starts_with("000")) => {
            plain().then_some(Kind::Phone)
        }
        9 if values::is_social(digits) && plain() && !is_postal(run, tokens, window) => Some(Kind::SocialSecurity),
        10 if values::is_north_american(digits) && plain() => Some(Kind::Phone),
        11 if digits.starts_with('1') && values::is_north_american(&digits[1..]) && plain() => Some(Kind::Phone),
        _ => None,
    }
}

fn has_plus_sign(run: &Run, tokens: &[Token<'_>]) -> bool {
    run.atoms.first().is_some_and(|first| tokens[first.first].before.contains('+'))
}

/// Counting, and numbers that are listed: no one value.
fn is_list(run: &Run, (from, to): (usize, usize)) -> bool {
    let atoms = &run.atoms[from..=to];
    let size = |at: usize| atoms[at].digits.len();
    let listed = atoms.len() > 3 && run.gaps[from + 1..=to].iter().all(|gap| gap.pause);
    // 192 dot 168 dot 1 dot 1.
    let dots = run.gaps[from + 1..=to].iter().filter(|gap| gap.dotted).count();
    values::counts(atoms.iter().map(|atom| atom.digits.as_str()))
        || dots > 2
        || (listed && (0..atoms.len()).all(|at| size(at) <= 2) && (1..atoms.len()).any(|at| size(at) != size(0)))
}

/// Whether written groups can be of one phone or social security number. Spoken ones come in any.
fn is_grouped_as_one(run: &Run, tokens: &[Token<'_>], (from, to): (usize, usize)) -> bool {
    let atoms = &run.atoms[from..=to];
    let utterance = |at: usize| tokens[atoms[at].first].utterance;
    let written = atoms.iter().all(|atom| tokens[atom.first].is_written());
    if !written || utterance(0) != utterance(atoms.len() - 1) {
        return true;
    }
    let first = &atoms[0].digits;
    let is_year = first.starts_with("19") || first.starts_with("20");
    matches!(first.len(), 3 | 5 | 6 | 9..=11)
        || (first.len() == 4 && !is_year)
        || first == "1"
        || atoms.iter().all(|atom| atom.digits.len() == 1)
}

/// A postal code with its four more digits: 90210-1234.
fn is_postal(run: &Run, tokens: &[Token<'_>], (from, to): (usize, usize)) -> bool {
    matches!(&run.atoms[from..=to], [zip, more]
        if zip.digits.len() == 5 && more.digits.len() == 4 && tokens[more.first].is_tight() && !run.gaps[to].wide)
}

// ---------------------------------------------------------------- corrections

/// What a run is when each group that was said twice counts once. All of it is masked.
fn said_twice(run: &Run, context: Context) -> Option<Kind> {
    let mut groups: Vec<String> = Vec::new();
    for (atom, gap) in run.atoms.iter().zip(&run.gaps) {
        match groups.last_mut() {
            Some(group) if !gap.wide => group.push_str(&atom.digits),
            _ => groups.push(atom.digits.clone()),
        }
    }
    let said = groups.len();
    groups.dedup();
    if groups.len() == said || context.nearest == Some(Topic::Harmless) {
        return None;
    }
    kind_alone(&groups.concat(), context)
}

/// What a run is when a group in it was said wrong and then right. Best effort: all of it is masked.
fn said_anew(run: &Run, context: Context) -> Option<Kind> {
    if context.nearest == Some(Topic::Harmless) {
        return None;
    }
    let corrected = run.gaps.iter().position(|gap| gap.corrected)?;
    let before = digits(run, 0, corrected - 1);
    let after = digits(run, corrected, run.atoms.len() - 1);
    let most = before.len().min(after.len());
    let total = before.len() + after.len();
    let replaced = (1..=most).find_map(|wrong| {
        let mended = format!("{}{after}", &before[..before.len() - wrong]);
        kind_alone(&mended, context)
    });
    replaced.or(match total {
        8..=16 if context.nearest == Some(Topic::Phone) => Some(Kind::Phone),
        9..=14 if context.social => Some(Kind::SocialSecurity),
        15..=22 if context.card || values::issuer_fits(&before) => Some(Kind::Card),
        _ => None,
    })
}

/// Where a value begins if what was said of it first, wrong or twice, is counted in.
fn with_first_try(run: &Run, free_from: usize, (from, to): (usize, usize)) -> usize {
    if from == free_from {
        return from;
    }
    let (before, value) = (digits(run, free_from, from - 1), digits(run, from, to));
    let corrected = run.gaps[from].corrected && before.len() <= value.len();
    let repeated = before.len() > 1 && value.starts_with(&before);
    if corrected || repeated { free_from } else { from }
}

/// Where a value ends if a few digits that set it right are counted in: "no wait, six, not five".
fn with_second_try(run: &Run, to: usize) -> usize {
    const MOST_DIGITS: usize = 4;
    let last = run.atoms.len() - 1;
    let corrected = run.gaps.get(to + 1).is_some_and(|gap| gap.corrected);
    if corrected && digits(run, to + 1, last).len() <= MOST_DIGITS { last } else { to }
}

fn kind_alone(digits: &str, context: Context) -> Option<Kind> {
    match digits.len() {
        9 if context.social => Some(Kind::SocialSecurity),
        10 if values::is_north_american(digits) => Some(Kind::Phone),
        11 if digits.starts_with('1') && values::is_north_american(&digits[1..]) => Some(Kind::Phone),
        _ if values::is_card(digits) => Some(Kind::Card),
        _ => None,
    }
}
