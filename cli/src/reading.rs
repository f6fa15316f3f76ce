//! Calls, asked of a stack's REST interface: one page after the other, or one call by what a person calls it; and in
//! plain words why there is none. What is shown of them is the commands' matter.

use std::{fmt::Display, str::FromStr};

use anyhow::{Context as _, anyhow, bail};
use callboard_domain::CallId;
use callboard_wire::{messages::CallMessage, rest::CallList};
use reqwest::{StatusCode, Url};

use crate::{
    failure::Unusable,
    socket::{Refusal, body_message},
    stack::Stack,
};

/// Most calls that the interface gives at once.
const PAGE: usize = 200;
/// How many of the newest calls are looked through for the beginning of an id.
const MOST_LOOKED_THROUGH: usize = 20_000;
/// How many are named where a beginning fits several.
const MOST_NAMED: usize = 3;
const TOKEN: &str =
    "name a valid one with --token or CALLBOARD_TOKEN; that of a local stack is found by itself if you started it";

/// What a person calls a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The newest.
    Last,
    /// This one.
    Id(CallId),
    /// The one whose id begins so.
    Beginning(String),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const RULE: &str = "name a call by its id (26 characters), by how it begins, or as last";
        let id = text.to_ascii_uppercase();
        if id == "LAST" {
            return Ok(Self::Last);
        }
        if let Ok(id) = CallId::parse(&id) {
            return Ok(Self::Id(id));
        }
        let of_an_id =
            |letter: char| letter.is_ascii_digit() || (letter.is_ascii_uppercase() && !"ILOU".contains(letter));
        match id.len() {
            0 => Err(RULE.into()),
            1..26 if id.chars().all(of_an_id) => Ok(Self::Beginning(id)),
            _ => Err(format!("no call has such an id: {RULE}")),
        }
    }
}

/// The calls of an organization, newest first, in pages.
pub(crate) struct Pages<'a> {
    stack: &'a Stack,
    filters: Vec<(&'static str, String)>,
    cursor: Option<String>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    /// From the newest on.
    pub(crate) fn new(stack: &'a Stack) -> Self {
        Self::of(stack, Vec::new())
    }

    /// Those that fit the interface's filters, from the newest on.
    pub(crate) fn of(stack: &'a Stack, filters: Vec<(&'static str, String)>) -> Self {
        Self { stack, filters, cursor: None, is_over: false }
    }

    /// At most so many calls more, and maybe none while there are others still; nothing at the end.
    ///
    /// # Errors
    /// Says why the stack gives none.
    pub(crate) async fn next(&mut self, most: usize) -> anyhow::Result<Option<Vec<CallMessage>>> {
        if self.is_over {
            return Ok(None);
        }
        let path = page_path(most.clamp(1, PAGE), &self.filters, self.cursor.as_deref());
        let body = ask(self.stack, &path).await?.context("this stack tells no calls: update it, or check --url")?;
        let page: CallList = serde_json::from_str(&body).map_err(not_understood)?;
        self.is_over = page.next.is_none();
        self.cursor = page.next;
        Ok(Some(page.calls))
    }
}

fn page_path(limit: usize, filters: &[(&str, String)], cursor: Option<&str>) -> String {
    let mut path = format!("/v1/calls?limit={limit}");
    let given = filters.iter().map(|(name, value)| (*name, value.as_str())).chain(cursor.map(|it| ("cursor", it)));
    // Only what is encoded is taken of this address.
    if let Ok(url) = Url::parse_with_params("http://localhost", given)
        && let Some(query) = url.query().filter(|query| !query.is_empty())
    {
        path += &format!("&{query}");
    }
    path
}

/// The snapshot of the call that is wanted, as the stack wrote it.
///
/// # Errors
/// `Unusable` where no call or more than one is meant; else says why the stack gives none.
pub(crate) async fn snapshot(stack: &Stack, wanted: &Wanted) -> anyhow::Result<String> {
    let id = match wanted {
        Wanted::Id(id) => id.to_string(),
        Wanted::Last => newest(stack).await?,
        Wanted::Beginning(beginning) => the_one_beginning(stack, beginning).await?,
    };
    let absent =
        || Unusable(format!("there is no call {id}, or not for this token: `callboard calls` shows which there are"));
    Ok(ask(stack, &format!("/v1/calls/{id}")).await?.ok_or_else(absent)?)
}

async fn newest(stack: &Stack) -> anyhow::Result<String> {
    let mut pages = Pages::new(stack);
    let mut most = 1;
    while let Some(calls) = pages.next(most).await? {
        if let Some(call) = calls.into_iter().next() {
            return Ok(call.call);
        }
        // The token may not read what is on this page.
        most = PAGE;
    }
    Err(Unusable("there are no calls yet: `callboard stream FILE` makes one".into()).into())
}

async fn the_one_beginning(stack: &Stack, beginning: &str) -> anyhow::Result<String> {
    let mut pages = Pages::new(stack);
    let (mut found, mut looked_through) = (Vec::new(), 0);
    while let Some(calls) = pages.next(PAGE).await? {
        looked_through += calls.len();
        found.extend(calls.into_iter().map(|call| call.call).filter(|id| id.starts_with(beginning)));
        if looked_through >= MOST_LOOKED_THROUGH && !pages.is_over {
            let problem = format!(
                "only the newest {looked_through} calls were looked through for one that begins with {beginning}: \
                 name it by its whole id"
            );
            return Err(Unusable(problem).into());
        }
    }
    Ok(only(found, beginning)?)
}

/// The one call that was found.
fn only(mut found: Vec<String>, beginning: &str) -> Result<String, Unusable> {
    if found.len() > 1 {
        let named = found[..found.len().min(MOST_NAMED)].join(", ");
        let more = if found.len() > MOST_NAMED { ", …" } else { "" };
        return Err(Unusable(format!(
            "{} calls begin with {beginning} ({named}{more}): write more of it",
            found.len()
        )));
    }
    let none = || format!("no call begins with {beginning}: `callboard calls` shows which there are");
    found.pop().ok_or_else(|| Unusable(none()))
}

/// The answer to a request; nothing where there is no such thing.
///
/// # Errors
/// Says what is wrong with whom, and what to do.
pub(crate) async fn ask(stack: &Stack, path: &str) -> anyhow::Result<Option<String>> {
    let answer = match stack.get(path).await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => bail!(Refusal::NobodyThere(stack.address().to_owned())),
        Err(error) if error.is_timeout() => bail!("{} does not answer in time: try again in a moment", stack.address()),
        Err(error) => return Err(error.without_url()).with_context(|| format!("asking {}", stack.address())),
    };
    let status = answer.status();
    let body = answer.bytes().await.map_err(reqwest::Error::without_url).context("reading the stack's answer")?;
    match status {
        status if status.is_success() => {
            Ok(Some(String::from_utf8(body.into()).map_err(|error| not_understood(error.utf8_error()))?))
        }
        StatusCode::NOT_FOUND => Ok(None),
        status => Err(refused(status, &body, stack)),
    }
}

fn refused(status: StatusCode, body: &[u8], stack: &Stack) -> anyhow::Error {
    let said = body_message(body).unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason told").to_owned());
    let status = status.as_u16();
    let address = stack.address();
    match status {
        401 | 403 if stack.token().is_none() => anyhow!("no token is known for {address} ({status} {said}): {TOKEN}"),
        401 | 403 => anyhow!("{address} does not accept this token for reading calls ({status} {said}): {TOKEN}"),
        429 | 500.. => anyhow!("{address} cannot answer just now ({status} {said}): try again in a moment"),
        _ => anyhow!("{address} refuses this ({status}): {said}"),
    }
}

/// An answer in another shape than expected.
pub(crate) fn not_understood(error: impl Display) -> anyhow::Error {
    anyhow!("the stack's answer is not understood ({error}): is it another version than this program?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_by_its_id_or_how_it_begins_or_as_the_last() {
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        for (text, expected) in [
            ("last", Wanted::Last),
            (id, Wanted::Id(CallId::parse(id).unwrap())),
            ("01arz3ndektsv4rrffq69g5fav", Wanted::Id(CallId::parse(id).unwrap())),
            ("01arz", Wanted::Beginning("01ARZ".into())),
            ("0", Wanted::Beginning("0".into())),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for wrong in
            ["", "lost", "01-2", "../x", "01 2", "é", &id.replace('F', "U"), &format!("{id}0"), &"9".repeat(26)]
        {
            let error = Wanted::from_str(wrong).unwrap_err();
            assert!(error.contains("26 characters"), "{wrong}: {error}");
        }
    }

    #[test]
    fn of_several_that_begin_alike_none_is_taken() {
        let found = |ids: &[&str]| only(ids.iter().map(|id| (*id).to_owned()).collect(), "01").map_err(|error| error.0);
        assert_eq!(found(&["01A"]), Ok("01A".to_owned()));
        for (ids, expected) in [
            (&[][..], "no call begins with 01: "),
            (&["01A", "01B"], "2 calls begin with 01 (01A, 01B): write more"),
            (&["01A", "01B", "01C", "01D"], "4 calls begin with 01 (01A, 01B, 01C, …): write more"),
        ] {
            let error = found(ids).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn what_is_asked_is_encoded() {
        assert_eq!(page_path(50, &[], None), "/v1/calls?limit=50");
        assert_eq!(page_path(1, &[], Some("a&b=c #é")), "/v1/calls?limit=1&cursor=a%26b%3Dc+%23%C3%A9");
        let from = [("from", "2026-03-08T15:00:00+01:00".to_owned())];
        assert_eq!(page_path(1, &from, Some("a")), "/v1/calls?limit=1&from=2026-03-08T15%3A00%3A00%2B01%3A00&cursor=a");
    }
}
