//! What an answer without success says: its status, its codes, and when to ask again. What it means is the caller's
//! knowledge.
//!
//! A service may echo the prompt or the key in its messages, so no free text of an answer ever gets into an error: only
//! the status and the machine-readable codes beside it do.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use serde_json::Value;

use super::Secret;

const LONGEST_CODE: usize = 80;

/// An answer other than success, to be judged by the provider's rules.
#[derive(Debug)]
pub(crate) struct Rejection {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its body, as far as it was read.
    pub(crate) body: Bytes,
}

impl Rejection {
    /// The status and the codes that stand beside it, such as `HTTP 400 (invalid_request_error, file)`.
    pub(crate) fn describe(&self, key: Option<&Secret>) -> String {
        let status = self.status.as_u16();
        let error = error_object(&self.body);
        let codes: Vec<&str> = ["error_code", "err_code", "category", "code", "type", "param"]
            .into_iter()
            .filter_map(|field| error.get(field)?.as_str())
            .filter(|code| is_code(code) && !key.is_some_and(|key| code.contains(key.expose())))
            .collect();
        if codes.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status} ({})", codes.join(", ")) }
    }

    /// Whether one of the fields that hold codes (`code`, `type`, `param`) holds exactly this.
    pub(crate) fn says(&self, field: &str, value: &str) -> bool {
        error_object(&self.body).get(field).and_then(Value::as_str) == Some(value)
    }

    /// Whether it complains of the model. Deepgram has no code for it, and the language may be at fault as well.
    pub(crate) fn names_model(&self) -> bool {
        self.says("param", "model") || self.says("code", "model_not_found") || self.mentions("No such model/language")
    }

    /// Whether a request's field is mentioned anywhere in it, as a service does that does not take the field.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.body.windows(name.len()).any(|part| part == name.as_bytes())
    }
}

/// The object that holds the codes: OpenAI's lies under `error`, AssemblyAI's (RFC 9457 or older) and Deepgram's at the
/// top.
fn error_object(body: &[u8]) -> Value {
    let mut answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match answer.get_mut("error") {
        Some(error @ Value::Object(_)) => error.take(),
        _ => answer,
    }
}

fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/#[]".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_CODE && text.bytes().all(fits)
}

/// When the service wants to be asked again: `retry-after-ms`, else `retry-after` in seconds or as a date. A date is
/// measured against the answer's own, since the two clocks may differ.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    if let Some(wait) = number("retry-after-ms").and_then(|wait_ms| seconds(wait_ms / 1000.0)) {
        return Some(wait);
    }
    if let Some(wait) = number(RETRY_AFTER.as_str()) {
        return seconds(wait);
    }
    let then = httpdate::parse_http_date(text(RETRY_AFTER.as_str())?).ok()?;
    let now = httpdate::parse_http_date(text(DATE.as_str())?).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

/// A wait in milliseconds.
pub(crate) fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_retry_after(given: &[(&'static str, &'static str)], expected_ms: Option<u64>) {
        let pairs = given
            .iter()
            .map(|(name, value)| (name.parse().expect("a header's name"), value.parse().expect("a header's value")));
        let headers: HeaderMap = pairs.collect();
        assert_eq!(retry_after(&headers), expected_ms.map(Duration::from_millis), "{given:?}");
    }

    #[test]
    fn the_wait_is_read_in_all_its_forms() {
        const DAY: (&str, &str) = ("date", "Wed, 11 Nov 2026 10:00:00 GMT");
        check_retry_after(&[], None);
        check_retry_after(&[("retry-after", "3")], Some(3000));
        check_retry_after(&[("retry-after", "0.25")], Some(250));
        check_retry_after(&[("retry-after", "3"), ("retry-after-ms", "40")], Some(40));
        check_retry_after(&[("retry-after", "3"), ("retry-after-ms", "soon")], Some(3000));
        check_retry_after(&[DAY, ("retry-after", "Wed, 11 Nov 2026 10:01:30 GMT")], Some(90_000));
        check_retry_after(&[DAY, ("retry-after", "Wed, 11 Nov 2026 09:00:00 GMT")], Some(0));
        check_retry_after(&[("retry-after", "Wed, 11 Nov 2026 10:01:30 GMT")], None);
        for nonsense in ["-1", "inf", "NaN", "1e300", "", "tomorrow"] {
            check_retry_after(&[DAY, ("retry-after", nonsense)], None);
        }
    }

    fn check_described(status: u16, body: &'static str, expected: &str) {
        let status = StatusCode::from_u16(status).expect("a status");
        let rejection = Rejection { status, body: Bytes::from_static(body.as_bytes()) };
        assert_eq!(rejection.describe(Some(&Secret::new("0123abcd"))), expected, "{body}");
    }

    #[test]
    fn an_answer_is_told_by_its_codes_alone() {
        let openai = r#"{"error":{"message":"you said hello","type":"invalid_request_error","param":"file"}}"#;
        check_described(400, openai, "HTTP 400 (invalid_request_error, file)");
        let anthropic = r#"{"type":"error","error":{"type":"overloaded_error","message":"hello"},"request_id":"r"}"#;
        check_described(529, anthropic, "HTTP 529 (overloaded_error)");
        let problem =
            r#"{"type":"https://assemblyai.com/errors/audio-too-short","title":"Too short","detail":"hello"}"#;
        check_described(422, problem, "HTTP 422 (https://assemblyai.com/errors/audio-too-short)");
        check_described(400, r#"{"error_code":"audio_too_short","message":"you said"}"#, "HTTP 400 (audio_too_short)");
        let deepgram = r#"{"err_code":"TOO_MANY_REQUESTS","err_msg":"you said hello","request_id":"r"}"#;
        check_described(429, deepgram, "HTTP 429 (TOO_MANY_REQUESTS)");
        check_described(400, r#"{"category":"INVALID_JSON","message":"hello"}"#, "HTTP 400 (INVALID_JSON)");
        check_described(400, r#"{"err_code":"Bad Request","err_msg":"hello"}"#, "HTTP 400");
        check_described(401, r#"{"error":{"code":"key 0123abcd"}}"#, "HTTP 401");
        check_described(401, r#"{"error":{"code":"key:0123abcd"}}"#, "HTTP 401");
        check_described(404, r#"{"error":"no such page"}"#, "HTTP 404");
        check_described(409, "[1]", "HTTP 409");
        check_described(413, "<html>", "HTTP 413");
    }
}
