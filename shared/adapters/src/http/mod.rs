//! What every service behind plain HTTP needs: its address, its key, an answer of a sensible size, and what may be told
//! of an answer without success.
//!
//! Knows no service, and decides nothing about another try.

#![cfg_attr(
    not(any(feature = "model", feature = "speech")),
    allow(dead_code, unreachable_pub, reason = "who is asked for public keys needs a part of it")
)]

pub(crate) mod failure;

use std::{error::Error, fmt};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, Url, header::HeaderValue};

/// A key that no log shows: its `Debug` form is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("***")
    }
}

/// The address of a route below the configured one, of which a trailing `/v1` is no part. `None` for what cannot be
/// used: it may hold no secrets, since addresses get logged.
pub(crate) fn endpoint(base: &str, route: &str) -> Option<Url> {
    let mut url = Url::parse(base).ok()?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.has_host();
    if !bare || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/v1").unwrap_or(path);
    url.set_path(&format!("{path}{route}"));
    Some(url)
}

/// A header's value that no log shows. `None` for what no header can carry.
pub(crate) fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It broke off.
    Broken(reqwest::Error),
    /// It is larger than was allowed; the rest was left.
    TooLarge,
}

/// The body of an answer, of at most so many bytes.
pub(crate) async fn read(mut response: Response, most_bytes: usize) -> Result<Bytes, Unread> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        body.extend_from_slice(&chunk);
        if body.len() > most_bytes {
            return Err(Unread::TooLarge);
        }
    }
    Ok(body.freeze())
}

/// What may be told of a request or answer that broke on its way: not the address, but all of the network's reasons.
pub(crate) fn told(error: reqwest::Error) -> String {
    reasons(&error.without_url())
}

/// An error and what is below it.
pub(crate) fn reasons(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_found_below_any_way_to_write_the_address() {
        let route = |base| endpoint(base, "/v1/x").map(String::from);
        for base in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"] {
            assert_eq!(route(base).as_deref(), Some("http://h:1/v1/x"), "{base}");
        }
        assert_eq!(route("https://h/speech/v1").as_deref(), Some("https://h/speech/v1/x"));
        for base in ["", "h", "ftp://h", "http://", "http://u@h", "http://u:p@h", "http://h?key=1", "http://h#a"] {
            assert_eq!(route(base), None, "{base}");
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("sk-very-secret")), "***");
        let header = secret_header("sk-very-secret").expect("a header's value");
        assert!(!format!("{header:?}").contains("secret"));
        assert_eq!(secret_header("key\n"), None);
    }
}
