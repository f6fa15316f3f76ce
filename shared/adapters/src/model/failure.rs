//! What an answer without success means: the caller's choices, as the port has them.

use callboard_domain::model::ModelError;

use crate::http::failure::Rejection;

/// The error for an answer of this status. Statuses that nobody documents (a wrong path, a redirect, an unpaid bill)
/// count as configuration: somebody has to look.
pub(super) fn by_status(status: u16, retry_after_ms: Option<u64>, told: String) -> ModelError {
    match status {
        429 | 503 | 529 => ModelError::Busy { retry_after_ms },
        500.. if retry_after_ms.is_some() => ModelError::Busy { retry_after_ms },
        408 | 504 => ModelError::TimedOut,
        409 | 424 | 500.. => ModelError::Unavailable(told),
        400 | 413 | 422 => ModelError::Refused,
        _ => ModelError::Unauthorized(told),
    }
}

/// The error for an answer of OpenAI's or Anthropic's shape, of which `told` may be told.
pub(super) fn rejected(rejection: &Rejection, retry_after_ms: Option<u64>, told: String) -> ModelError {
    let code = |value| rejection.says("code", value);
    if code("json_validate_failed") {
        // Groq's name for an answer that turned out not to fit the schema.
        return ModelError::Malformed(told);
    }
    if code("content_filter") || code("content_policy_violation") {
        return ModelError::Refused;
    }
    // An account without money is told to come back, though no waiting helps.
    let unpaid = code("insufficient_quota");
    let names_form = ["response_format", "output_config"].into_iter().any(|field| rejection.mentions(field));
    let is_about_request = matches!(rejection.status.as_u16(), 400 | 422);
    if unpaid || (is_about_request && (rejection.names_model() || names_form)) {
        return ModelError::Unauthorized(told);
    }
    by_status(rejection.status.as_u16(), retry_after_ms, told)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::StatusCode;

    use super::*;

    fn check(status: u16, retry_after_ms: Option<u64>, body: &'static str, expected: ModelError) {
        let status = StatusCode::from_u16(status).expect("a status");
        let rejection = Rejection { status, body: Bytes::from_static(body.as_bytes()) };
        let told = rejection.describe(None);
        assert_eq!(rejected(&rejection, retry_after_ms, told), expected, "{status} {body}");
    }

    #[test]
    fn a_status_decides_unless_a_code_says_more() {
        use ModelError::{Busy, Malformed, Refused, TimedOut, Unauthorized, Unavailable};
        check(429, Some(3000), "", Busy { retry_after_ms: Some(3000) });
        check(503, None, "", Busy { retry_after_ms: None });
        check(529, None, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, Busy { retry_after_ms: None });
        check(500, Some(20), "", Busy { retry_after_ms: Some(20) });
        check(500, None, r#"{"error":{"type":"api_error"}}"#, Unavailable("HTTP 500 (api_error)".into()));
        check(409, None, "", Unavailable("HTTP 409".into()));
        check(504, None, "", TimedOut);
        check(400, None, r#"{"error":{"code":"context_length_exceeded"}}"#, Refused);
        check(413, None, "", Refused);
        check(400, None, r#"{"error":{"code":"content_filter"}}"#, Refused);
        check(
            400,
            None,
            r#"{"error":{"code":"json_validate_failed"}}"#,
            Malformed("HTTP 400 (json_validate_failed)".into()),
        );
        check(
            429,
            None,
            r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#,
            Unauthorized("HTTP 429 (insufficient_quota, insufficient_quota)".into()),
        );
        check(
            400,
            None,
            r#"{"error":{"message":"no such model","param":"model"}}"#,
            Unauthorized("HTTP 400 (model)".into()),
        );
        check(
            400,
            None,
            r#"{"error":{"type":"invalid_request_error","message":"output_config.format: not for this model"}}"#,
            Unauthorized("HTTP 400 (invalid_request_error)".into()),
        );
        for status in [301, 401, 402, 403, 404, 418] {
            check(status, None, "", Unauthorized(format!("HTTP {status}")));
        }
    }
}
