//! How the JSON services answer: bodies, errors and the headers that SDKs look at.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use s3s::Body;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What a service answers.
pub(crate) type Response = http::Response<Body>;

/// An error in a service's own words: a modelled exception and its HTTP status.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl ApiError {
    /// A client's mistake: HTTP 400 with the given exception.
    pub(crate) fn bad(code: &str, message: impl Into<String>) -> ApiError {
        ApiError::with_status(400, code, message)
    }

    /// An exception with a status of its own.
    pub(crate) fn with_status(status: u16, code: &str, message: impl Into<String>) -> ApiError {
        ApiError { status, code: code.to_owned(), message: message.into() }
    }

    /// An operation that is not served here.
    pub(crate) fn unknown(service: &str, operation: &str) -> ApiError {
        ApiError::bad("UnknownOperationException", format!("the local stack's {service} has no operation {operation}"))
    }

    /// The response that carries it.
    pub(crate) fn response(&self) -> Response {
        let body = json!({"__type": self.code, "message": self.message});
        let mut response = respond(self.status, body.to_string());
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            response.headers_mut().insert("x-amzn-errortype", code);
        }
        response
    }
}

impl From<super::AwsError> for ApiError {
    fn from(error: super::AwsError) -> ApiError {
        ApiError::with_status(500, "InternalFailure", error.to_string())
    }
}

/// Reads a request body; an empty one is an empty object.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ApiError::bad("SerializationException", error.to_string()))
}

/// The answer of an operation.
pub(crate) fn answer(result: Result<Value, ApiError>) -> Response {
    match result {
        Ok(value) => respond(200, value.to_string()),
        Err(error) => {
            tracing::debug!(error.code = error.code, error.message = error.message, "refused");
            error.response()
        }
    }
}

/// A JSON response with a request id.
pub(crate) fn respond(status: u16, body: String) -> Response {
    let mut response = http::Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Ok(id) = HeaderValue::from_str(&uuid()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// A random identifier in the usual shape. From `fastrand`, so a simulation that seeds it gets the same ones again.
pub(crate) fn uuid() -> String {
    uuid_from(fastrand::u128(..))
}

/// The usual shape of 128 bits.
pub(crate) fn uuid_from(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}
