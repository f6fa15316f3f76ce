//! What an answer without success means for an utterance: whether to ask again, and what the caller is told.

use std::time::Duration;

use callboard_domain::speech::SpeechError;
use reqwest::StatusCode;

use super::Secret;
use crate::http::failure::{Rejection, milliseconds};

/// The error for a final answer. Statuses that nobody documents (a wrong path, a redirect, an unpaid bill) count as
/// configuration, so that the utterance is kept until somebody has looked.
pub(super) fn rejected(rejection: &Rejection, key: Option<&Secret>) -> SpeechError {
    let told = rejection.describe(key);
    match rejection.status.as_u16() {
        400 if rejection.names_model() => SpeechError::Unauthorized(told),
        400 | 413 | 415 | 422 => SpeechError::Refused(told),
        408 | 409 => SpeechError::Unavailable(told),
        _ => SpeechError::Unauthorized(told),
    }
}

/// The error for an answer that may be better next time.
pub(super) fn passing(status: StatusCode, retry_after: Option<Duration>) -> SpeechError {
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if busy || retry_after.is_some() {
        return SpeechError::Busy { retry_after_ms: retry_after.map(milliseconds) };
    }
    SpeechError::Unavailable(format!("HTTP {}", status.as_u16()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn check_error(status: u16, body: &'static str, expected: SpeechError) {
        let status = StatusCode::from_u16(status).expect("a status");
        let rejection = Rejection { status, body: Bytes::from_static(body.as_bytes()) };
        assert_eq!(rejected(&rejection, None), expected, "{body}");
    }

    #[test]
    fn an_answer_decides_what_becomes_of_the_utterance() {
        use SpeechError::{Refused, Unauthorized, Unavailable};
        let openai = r#"{"error":{"message":"you said hello","type":"invalid_request_error","param":"file"}}"#;
        check_error(400, openai, Refused("HTTP 400 (invalid_request_error, file)".into()));
        let model = r#"{"error":{"message":"no such model","code":null,"param":"model"}}"#;
        check_error(400, model, Unauthorized("HTTP 400 (model)".into()));
        let pair =
            r#"{"err_code":"Bad Request","err_msg":"Bad Request: No such model/language/tier combination found."}"#;
        check_error(400, pair, Unauthorized("HTTP 400".into()));
        check_error(
            402,
            r#"{"err_code":"ASR_PAYMENT_REQUIRED"}"#,
            Unauthorized("HTTP 402 (ASR_PAYMENT_REQUIRED)".into()),
        );
        check_error(401, "", Unauthorized("HTTP 401".into()));
        check_error(404, r#"{"error":"no such page"}"#, Unauthorized("HTTP 404".into()));
        check_error(409, "[1]", Unavailable("HTTP 409".into()));
        check_error(413, "<html>", Refused("HTTP 413".into()));
        check_error(422, r#"{"error_code":"audio_too_short"}"#, Refused("HTTP 422 (audio_too_short)".into()));
    }
}
