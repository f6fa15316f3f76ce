//! What is answered when a request cannot be done: `application/problem+json`, in words a person can act on.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use callboard_adapters::ServiceError;
use callboard_wire::rest::{Problem, TextProblem};

/// Why a request is not done.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Something about the request.
    Because(Box<Problem>),
    /// A table failed: the request may be repeated.
    Failed(ServiceError),
}

/// The answer to a request that cannot be done.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    refused(status, detail).into_response()
}

/// The same, to return from the middle of something.
pub(crate) fn refused(status: StatusCode, detail: impl Into<String>) -> Refused {
    with_problems(status, detail, Vec::new())
}

/// The same with all that is wrong with a text.
pub(crate) fn with_problems(status: StatusCode, detail: impl Into<String>, problems: Vec<TextProblem>) -> Refused {
    let title = status.canonical_reason().unwrap_or("error").to_owned();
    Refused::Because(Box::new(Problem { title, status: status.as_u16(), detail: detail.into(), problems }))
}

#[cfg(test)]
impl Refused {
    /// What people are told.
    pub(crate) fn detail(self) -> String {
        match self {
            Self::Because(problem) => problem.detail,
            Self::Failed(error) => error.to_string(),
        }
    }
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Because(body) => {
                let status = StatusCode::from_u16(body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, [("content-type", "application/problem+json")], Json(body)).into_response()
            }
            Self::Failed(error) => {
                tracing::error!(error = %error, "request failed");
                let detail = "the data cannot be reached just now: try again in a moment";
                problem(StatusCode::SERVICE_UNAVAILABLE, detail)
            }
        }
    }
}
