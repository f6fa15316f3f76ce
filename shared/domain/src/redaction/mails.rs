//! E-mail addresses, written ("john@gmail.com") and said ("john dot smith at gmail dot com").

use std::ops::Range;

use super::{
    language::{Role, Topic},
    tokens::Token,
};

/// The addresses that stand in a text as they are written.
pub(super) fn written(text: &str) -> Vec<Range<usize>> {
    let is_local = |c: char| c.is_alphanumeric() || "._%+-'’".contains(c);
    let is_domain = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let local = text[..at].chars().rev().take_while(|c| is_local(*c)).map(char::len_utf8).sum::<usize>();
        let domain: String = text[at + 1..].chars().take_while(|c| is_domain(*c)).collect();
        let domain = domain.trim_end_matches(['.', '-']);
        let ends_well = domain.rsplit_once('.').is_some_and(|(name, end)| {
            !name.is_empty() && end.chars().count() >= 2 && end.chars().all(char::is_alphabetic)
        });
        if local > 0 && ends_well {
            found.push(at - local..at + 1 + domain.len());
        }
    }
    found
}

/// The first and last tokens of the addresses that are said. `asked` says that an earlier utterance spoke of e-mail.
pub(super) fn spoken(
    tokens: &[Token<'_>],
    topics: &[(usize, Topic)],
    taken: &[bool],
    asked: bool,
) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for at in 1..tokens.len() {
        let Some((local_end, domain)) = sign(tokens, at) else { continue };
        let whole = domain_end(tokens, domain);
        let Some(last) = whole.or_else(|| bare_provider(tokens, domain)) else { continue };
        let floor = found.last().map_or(0, |(_, last)| last + 1);
        let Some(local) = Local::before(tokens, taken, floor, local_end) else { continue };
        let provider = {
            let name: String =
                tokens[domain..=last].iter().take_while(|it| !is_dot(it)).map(|it| it.lower.as_str()).collect();
            tokens[at].language.lists.providers.iter().any(|known| name.starts_with(known))
        };
        let mail =
            |(hit, topic): &&(usize, Topic)| *topic == Topic::Mail && tokens[*hit].utterance == tokens[at].utterance;
        let spoken_of = asked || topics.iter().any(|it| mail(&it));
        // "It's peter at", "send it to info at".
        let addressed = local.first > 0 && tokens[local.first - 1].is_in(&tokens[at].language.lists.addressing);
        let dashed = tokens[domain..last].iter().any(|token| token.role == Some(Role::Joiner));
        if !local.is_sentence
            && (whole.is_some() || local.sure || spoken_of)
            && (local.sure || dashed || provider || spoken_of || addressed)
        {
            let hit = topics.iter().rev().filter(mail).map(|(hit, _)| hit + 1).find(|after| *after <= local.first);
            let first = hit.map_or(local.first, |hit| from_phrase(tokens, hit.max(floor), local.first));
            found.push((first, last));
        }
    }
    found
}

/// "My email is bob the builder at": all that comes right after the phrase belongs to the address.
fn from_phrase(tokens: &[Token<'_>], phrase: usize, local: usize) -> usize {
    const MOST_WORDS: usize = 4;
    if phrase + MOST_WORDS < local || tokens[phrase..=local].iter().skip(1).any(Token::after_pause) {
        return local;
    }
    let says = |token: &Token<'_>| token.is_in(&token.language.lists.saying);
    let Some(said) = tokens[phrase..local].iter().rposition(says) else { return local };
    let small = |at: &usize| tokens[*at].role.is_some_and(Role::keeps_run);
    (phrase + said + 1..local).find(|at| !small(at)).unwrap_or(local)
}

/// Whether an address seems to have begun at the end: its domain may come with the next utterance.
pub(super) fn may_go_on(tokens: &[Token<'_>], topics: &[(usize, Topic)], utterance: usize, asked: bool) -> bool {
    const MOST_WORDS: usize = 6;
    let words = tokens.iter().filter(|token| token.utterance == utterance).count();
    let first = tokens.len() - words;
    let after = topics.iter().rev().find(|(at, topic)| *topic == Topic::Mail && *at >= first).map(|(at, _)| at + 1);
    let Some(from) = after.or(asked.then_some(first)) else { return false };
    let light = |token: &&Token<'_>| !token.is_in(&token.language.lists.not_in_address);
    (1..=MOST_WORDS).contains(&tokens[from..].iter().filter(light).count())
}

fn is_dot(token: &Token<'_>) -> bool {
    matches!(token.role, Some(Role::Dot | Role::Point))
}

/// Where an "at" is said at this token, or "@" stands before it: the part before it ends, and the domain begins.
fn sign(tokens: &[Token<'_>], at: usize) -> Option<(usize, usize)> {
    if tokens[at].before.trim() == "@" && !tokens[at].opens {
        return Some((at - 1, at));
    }
    if tokens[at].role != Some(Role::At) {
        return None;
    }
    let names_itself = tokens.get(at + 1).is_some_and(|token| token.is_in(&token.language.lists.signs));
    Some((at - 1, at + 1 + usize::from(names_itself)))
}

/// The last token of the domain that begins here.
fn domain_end(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    const LONGEST_NAME: usize = 6;
    let is_end = |token: &Token<'_>| token.is_in(&token.language.lists.domain_ends);
    let mut at = from;
    let mut end = None;
    let mut words = 0;
    while let Some(token) = tokens.get(at) {
        // The name may come with the next utterance, but nothing after its first dot.
        if token.opens && at > from && end.is_some() {
            break;
        }
        let dotted = at > from && (token.before == "." && !token.opens);
        if is_dot(token) {
            let next = tokens.get(at + 1).filter(|next| !next.after_pause() || next.opens);
            match next {
                Some(next) if at > from && is_end(next) => end = Some(at + 1),
                Some(_) if at > from => {}
                _ => break,
            }
            at += 2;
            words = 0;
            continue;
        }
        if dotted {
            if is_end(token) {
                end = Some(at);
            }
            words = 0;
        } else if at > from && (end == Some(at - 1) || (token.after_pause() && !token.opens)) {
            break;
        }
        words += 1;
        if words > LONGEST_NAME {
            break;
        }
        at += 1;
    }
    end
}

/// "Jane dot doe at gmail", and no more.
fn bare_provider(tokens: &[Token<'_>], domain: usize) -> Option<usize> {
    let known = |token: &&Token<'_>| token.is_in(&token.language.lists.providers);
    tokens.get(domain).filter(known).map(|_| domain)
}

/// What comes before the "at".
struct Local {
    first: usize,
    /// It has a dot, digits or single letters: no word of a sentence.
    sure: bool,
    /// "Look at", "find us at".
    is_sentence: bool,
}

impl Local {
    fn before(tokens: &[Token<'_>], taken: &[bool], floor: usize, end: usize) -> Option<Self> {
        const MOST_WORDS: usize = 4;
        let lists = &tokens[end].language.lists;
        let connects = |token: &Token<'_>| is_dot(token) || token.role == Some(Role::Joiner);
        let spells =
            |token: &Token<'_>| token.is_letter() || token.is_written() || token.role.is_some_and(Role::is_number);
        let (mut first, mut words, mut sure) = (None, 0, false);
        for at in (floor..=end).rev() {
            let token = &tokens[at];
            let behind = first.map(|first: usize| &tokens[first]);
            let joined =
                behind.is_some_and(|behind| connects(behind) || matches!(behind.before, "." | "_" | "-" | "+"));
            if taken[at] || (behind.is_some_and(|behind| behind.after_pause() && !behind.opens && behind.before != "."))
            {
                break;
            }
            // A new utterance goes on with the address only where it begins with the dot.
            if behind.is_some_and(|behind| behind.opens) && !joined && at != end {
                break;
            }
            let spelled_on = spells(token) && behind.is_none_or(spells);
            if connects(token) || joined {
                sure = true;
            } else if spelled_on && !(token.is_letter() && behind.is_none() && token.is_in(&lists.sites)) {
                sure |= behind.is_some() || !token.is_letter();
            } else if token.is_in(&lists.not_in_address) || words == MOST_WORDS {
                break;
            } else {
                words += 1;
            }
            first = Some(at);
        }
        let first = first?;
        // A dot or dash needs something before it.
        let first = (first..=end).find(|at| !connects(&tokens[*at]))?;
        Some(Self { first, sure, is_sentence: !sure && tokens[end].is_in(&lists.sites) })
    }
}
