//! Entity tags: what a client has already is not sent again, and what it did not see is not written over.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The strong tag of a representation: its bytes decide, and what they are.
pub(crate) fn tag(content_type: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(content_type);
    hash.update([0]);
    hash.update(body);
    format!("\"{}\"", hex::encode(&hash.finalize()[..16]))
}

/// A representation with its tag, or 304 where the client has it.
pub(crate) fn represent(request: &HeaderMap, content_type: &'static str, body: Vec<u8>) -> Response {
    let tag = tag(content_type, &body);
    let known = tags(request, header::IF_NONE_MATCH);
    let known = known.iter().any(|known| *known == "*" || known.trim_start_matches("W/") == tag);
    let mut response = Response::new(if known { Body::empty() } else { Body::from(body) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let headers = response.headers_mut();
    put(headers, header::ETAG, &tag);
    put(headers, header::CACHE_CONTROL, "private, no-cache");
    put(headers, header::VARY, "accept, authorization");
    response
}

/// The same of a body as JSON.
pub(crate) fn represent_json(request: &HeaderMap, body: &impl Serialize) -> Response {
    represent(request, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// Whether `If-Match` lets a write to what has these tags through.
pub(crate) fn may_write(request: &HeaderMap, current: &[String]) -> bool {
    let wanted = tags(request, header::IF_MATCH);
    // A weak tag promises nothing about the bytes, so it matches nothing here.
    wanted.is_empty() || wanted.iter().any(|wanted| *wanted == "*" || current.iter().any(|tag| tag == wanted))
}

/// Adds a header of this program's making.
pub(crate) fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn tags(request: &HeaderMap, name: header::HeaderName) -> Vec<&str> {
    let values = request.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|tag| !tag.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        put(&mut headers, name, value);
        headers
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let tag = tag("text/plain", b"words");
        for (sent, status) in [
            (tag.clone(), 304),
            (format!("\"other\", {tag}"), 304),
            (format!("W/{tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
        ] {
            let response = represent(&headers(header::IF_NONE_MATCH, &sent), "text/plain", b"words".to_vec());
            assert_eq!((response.status().as_u16(), response.headers()["etag"].to_str().unwrap()), (status, &*tag));
        }
        let other = represent(&HeaderMap::new(), "text/html", b"words".to_vec());
        assert_ne!(other.headers()["etag"].to_str().unwrap(), tag, "other bytes, or other in kind");
    }

    #[test]
    fn what_was_not_seen_is_not_written_over() {
        let current = [tag("a/json", b"{}"), tag("a/yaml", b"x")];
        assert!(may_write(&HeaderMap::new(), &current));
        for (sent, expected) in [
            ("*".to_owned(), true),
            (current[1].clone(), true),
            (format!("\"other\", {}", current[0]), true),
            (format!("W/{}", current[0]), false),
            ("\"other\"".to_owned(), false),
        ] {
            assert_eq!(may_write(&headers(header::IF_MATCH, &sent), &current), expected, "{sent}");
        }
    }
}
