//! International bank account numbers: a country, two check digits, and as many letters and digits as the country has,
//! written in any groups or spelled aloud.

use super::{language::Role, numbers::number_at, tokens::Token, values};

/// IBANs among tokens.
#[derive(Debug, Default)]
pub(super) struct Ibans {
    /// Their first and last tokens.
    pub(super) found: Vec<(usize, usize)>,
    /// The first token of one that may go on in the next utterance.
    pub(super) open: Option<usize>,
}

/// `spoken_of` says that an IBAN is spoken of: then one with wrong check digits counts, too.
pub(super) fn find(tokens: &[Token<'_>], taken: &[bool], spoken_of: bool) -> Ibans {
    let mut ibans = Ibans::default();
    let mut at = 0;
    while at < tokens.len() {
        match read(tokens, taken, at) {
            Some(Reading { iban, last, length })
                if iban.len() == length && (spoken_of || values::iban_checks(&iban)) =>
            {
                ibans.found.push((at, last));
                at = last;
            }
            Some(Reading { iban, last, length }) if iban.len() < length && last + 1 == tokens.len() => {
                let opening = tokens[at].text;
                let sure = spoken_of
                    || opening.starts_with(char::is_uppercase)
                    || opening.ends_with(|c: char| c.is_ascii_digit());
                if iban.len() >= 4 && sure && ibans.open.is_none() {
                    ibans.open = Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    ibans
}

struct Reading {
    iban: String,
    last: usize,
    length: usize,
}

/// What is spelled from this token on, as far as it can be one IBAN.
fn read(tokens: &[Token<'_>], taken: &[bool], at: usize) -> Option<Reading> {
    if !tokens[at].lower.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) {
        return None;
    }
    let mut iban = String::new();
    let mut length = usize::MAX;
    let mut last = at;
    let mut here = at;
    while here < tokens.len() && iban.len() < length && !taken[here] {
        let token = &tokens[here];
        let (next, atoms) = number_at(tokens, here);
        let said: String = atoms.iter().map(|atom| atom.digits.as_str()).collect();
        let (next, piece) = if !said.is_empty() {
            (atoms.last().map_or(next, |atom| atom.last + 1), said)
        } else if iban.len() >= 2 && token.role.is_some_and(Role::keeps_run) {
            (here + 1, String::new())
        } else if token.text.is_ascii() && token.text.len() <= 34 && may_be_piece(token, &iban) {
            (here + 1, token.text.to_ascii_uppercase())
        } else {
            break;
        };
        if !piece.is_empty() {
            last = next - 1;
        }
        iban.push_str(&piece);
        here = next;
        if iban.len() >= 2 && length == usize::MAX {
            length = values::iban_length(&iban[..2])?;
        }
        if iban.len() >= 4 && !iban.as_bytes()[2..4].iter().all(u8::is_ascii_digit) {
            return None;
        }
    }
    (iban.len() > 2).then_some(Reading { iban, last, length })
}

/// Letters come by the country's two, by a bank's four at most, or mixed with digits.
fn may_be_piece(token: &Token<'_>, iban: &str) -> bool {
    let letters_only = token.text.bytes().all(|byte| byte.is_ascii_alphabetic());
    match iban.len() {
        0 => !letters_only || token.text.len() <= 2,
        1 => token.is_letter(),
        _ => token.text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && (!letters_only || token.text.len() <= 4),
    }
}
