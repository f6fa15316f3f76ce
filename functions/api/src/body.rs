//! Bodies of requests: a JSON object, or the text of a playbook.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{StatusCode, header},
};
use serde_json::{Map, Value};

use crate::problem::{Refused, refused};

/// Most bytes of a playbook's text.
pub(crate) const PLAYBOOK_BYTES: usize = 200_000;
/// Most bytes of a JSON body.
const JSON_BYTES: usize = 1_000_000;

/// Up to there, every whole number is told from its neighbours as JSON's numbers are mostly read.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What a playbook's text may be sent as.
const PLAYBOOK_KINDS: [&str; 6] =
    ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain", "application/json"];

/// A JSON object.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

/// The text of a playbook: YAML, or JSON, which is YAML as well.
#[derive(Debug)]
pub(crate) struct PlaybookText(pub(crate) String);

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        if let Some(kind) = content_type(&request).filter(|kind| kind != "application/json") {
            let brief: String = kind.chars().take(64).collect();
            let detail = format!("the body is not {brief}: send it as application/json");
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = bytes(request, state, JSON_BYTES, "the body").await?;
        let refusal = |detail: String| refused(StatusCode::BAD_REQUEST, detail);
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(mut object)) => {
                object.values_mut().for_each(make_whole);
                Ok(Self(object))
            }
            Ok(_) => Err(refusal("the body is no JSON object: send {…}".to_owned())),
            Err(error) => Err(refusal(format!("the body is no JSON: {error}"))),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for PlaybookText {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        if let Some(kind) = content_type(&request).filter(|kind| !PLAYBOOK_KINDS.contains(&kind.as_str())) {
            let brief: String = kind.chars().take(64).collect();
            let detail =
                format!("a playbook is not {brief}: send it as application/yaml, text/plain or application/json");
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = bytes(request, state, PLAYBOOK_BYTES, "a playbook").await?;
        let text = String::from_utf8(bytes.to_vec());
        text.map(Self).map_err(|_| refused(StatusCode::BAD_REQUEST, "a playbook is text in UTF-8, and this is not"))
    }
}

/// JSON has one kind of numbers: who writes 30.0 means 30.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|it| number.is_f64() && it.fract() == 0.0 && it.abs() <= EXACT);
            if let Some(whole) = whole {
                *number = (whole as i64).into();
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(make_whole),
        Value::Object(members) => members.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// What a request says that its body is, without parameters; none if it does not say.
fn content_type(request: &Request) -> Option<String> {
    let value = request.headers().get(header::CONTENT_TYPE)?;
    // A header that is no text names no kind that there is.
    let text = value.to_str().unwrap_or("unreadable");
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// The refusal of something that is too long.
pub(crate) fn too_large(what: &str, most: usize, length: Option<usize>) -> Refused {
    let length = length.map_or_else(|| "more".to_owned(), |length| length.to_string());
    let detail = format!("{what} may have at most {most} bytes, and this has {length}: shorten it");
    refused(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

async fn bytes<S: Send + Sync>(request: Request, state: &S, most: usize, what: &str) -> Result<Bytes, Refused> {
    match Bytes::from_request(request, state).await {
        Ok(bytes) if bytes.len() > most => Err(too_large(what, most, Some(bytes.len()))),
        Ok(bytes) => Ok(bytes),
        Err(BytesRejection::FailedToBufferBody(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_large(what, most, None))
        }
        Err(_) => Err(refused(StatusCode::BAD_REQUEST, "the body broke off: send it again")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_whole_however_they_are_written() {
        for (mut sent, expected) in [
            (json!({"a": [30.0, -1.0, 7]}), json!({"a": [30, -1, 7]})),
            (json!(0.5), json!(0.5)),
            (json!(1e300), json!(1e300)),
            (json!("30.0"), json!("30.0")),
        ] {
            make_whole(&mut sent);
            assert_eq!(sent, expected);
        }
    }
}
