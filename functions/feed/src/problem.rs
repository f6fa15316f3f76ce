//! What is answered where no stream is: `application/problem+json`, in words a person can act on.

use bytes::Bytes;
use callboard_adapters::ServiceError;
use callboard_wire::rest::Problem;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};

use crate::Body;

/// Why there is no stream.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Something about the request: the status, and what to do.
    Because(StatusCode, String),
    /// A table failed: the request may be repeated.
    Failed(ServiceError),
}

/// A refusal, to return from the middle of something.
pub(crate) fn refused(status: StatusCode, detail: impl Into<String>) -> Refused {
    Refused::Because(status, detail.into())
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        Self::Failed(error)
    }
}

/// The answer to a request that gets no stream.
pub(crate) fn answer(refused: Refused) -> Response<Body> {
    let (status, detail) = match refused {
        Refused::Because(status, detail) => (status, detail),
        Refused::Failed(error) => {
            tracing::error!(error = %error, "request failed");
            let detail = "the data cannot be reached just now: try again in a moment";
            (StatusCode::SERVICE_UNAVAILABLE, detail.to_owned())
        }
    };
    let title = status.canonical_reason().unwrap_or("error").to_owned();
    let problem = Problem { title, status: status.as_u16(), detail, problems: Vec::new() };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(stream::iter([Ok(Bytes::from(body))]).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    response
}
