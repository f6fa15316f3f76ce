//! What an answer without success means: whether and when to ask again, and what may be told of it.
//!
//! A service may echo the prompt or the key in its messages, so no free text of an answer ever gets into an error: only
//! the status and the machine-readable codes beside it do.

use std::time::Duration;

use bytes::Bytes;
use callboard_domain::speech::SpeechError;
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use serde_json::Value;

use super::Secret;

const LONGEST_CODE: usize = 80;

/// A final answer other than success, to be judged by the provider's rules.
#[derive(Debug)]
pub(super) struct Rejection {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its body, as far as it was read.
    pub(super) body: Bytes,
}

impl Rejection {
    /// The error for the caller. Statuses that nobody documents (a wrong path, a redirect, an unpaid bill) count as
    /// configuration, so that the utterance is kept until somebody has looked.
    pub(super) fn into_error(self, key: Option<&Secret>) -> SpeechError {
        let told = self.describe(key);
        match self.status.as_u16() {
            400 if self.names_model() => SpeechError::Unauthorized(told),
            400 | 413 | 415 | 422 => SpeechError::Refused(told),
            408 | 409 => SpeechError::Unavailable(told),
            _ => SpeechError::Unauthorized(told),
        }
    }

    /// The status and the codes that stand beside it, such as `HTTP 400 (invalid_request_error, file)`.
    fn describe(&self, key: Option<&Secret>) -> String {
        let status = self.status.as_u16();
        let error = error_object(&self.body);
        let codes: Vec<&str> = ["error_code", "code", "type", "param"]
            .into_iter()
            .filter_map(|field| error.get(field)?.as_str())
            .filter(|code| is_code(code) && !key.is_some_and(|key| code.contains(key.expose())))
            .collect();
        if codes.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status} ({})", codes.join(", ")) }
    }

    fn names_model(&self) -> bool {
        let error = error_object(&self.body);
        let is = |field: &str, value: &str| error.get(field).and_then(Value::as_str) == Some(value);
        is("param", "model") || is("code", "model_not_found")
    }
}

/// The object that holds the codes: OpenAI's lies under `error`, AssemblyAI's (RFC 9457 or older) at the top.
fn error_object(body: &[u8]) -> Value {
    let mut answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match answer.get_mut("error") {
        Some(error @ Value::Object(_)) => error.take(),
        _ => answer,
    }
}

fn is_code(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.:/#[]".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_CODE && text.bytes().all(fits)
}

/// The error for an answer that may be better next time.
pub(super) fn passing(status: StatusCode, retry_after: Option<Duration>) -> SpeechError {
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if busy || retry_after.is_some() {
        let retry_after_ms = retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        return SpeechError::Busy { retry_after_ms };
    }
    SpeechError::Unavailable(format!("HTTP {}", status.as_u16()))
}

/// When the service wants to be asked again: `retry-after-ms`, else `retry-after` in seconds or as a date. A date is
/// measured against the answer's own, since the two clocks may differ.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
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

    fn check_error(status: u16, body: &'static str, expected: SpeechError) {
        let status = StatusCode::from_u16(status).expect("a status");
        let rejection = Rejection { status, body: Bytes::from_static(body.as_bytes()) };
        assert_eq!(rejection.into_error(Some(&Secret::new("0123abcd"))), expected, "{body}");
    }

    #[test]
    fn an_answer_is_told_by_its_codes_alone() {
        use SpeechError::{Refused, Unauthorized, Unavailable};
        let openai = r#"{"error":{"message":"you said hello","type":"invalid_request_error","param":"file"}}"#;
        check_error(400, openai, Refused("HTTP 400 (invalid_request_error, file)".into()));
        let model = r#"{"error":{"message":"no such model","code":null,"param":"model"}}"#;
        check_error(400, model, Unauthorized("HTTP 400 (model)".into()));
        let problem =
            r#"{"type":"https://assemblyai.com/errors/audio-too-short","title":"Too short","detail":"hello"}"#;
        check_error(422, problem, Refused("HTTP 422 (https://assemblyai.com/errors/audio-too-short)".into()));
        let older = r#"{"error_code":"audio_too_short","message":"you said hello"}"#;
        check_error(400, older, Refused("HTTP 400 (audio_too_short)".into()));
        check_error(401, r#"{"error":{"code":"key 0123abcd"}}"#, Unauthorized("HTTP 401".into()));
        check_error(401, r#"{"error":{"code":"key:0123abcd"}}"#, Unauthorized("HTTP 401".into()));
        check_error(404, r#"{"error":"no such page"}"#, Unauthorized("HTTP 404".into()));
        check_error(409, "[1]", Unavailable("HTTP 409".into()));
        check_error(413, "<html>", Refused("HTTP 413".into()));
    }
}
