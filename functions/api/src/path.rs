//! What stands in a path in the place of `{id}` and the like.

use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::problem::{Refused, refused};

/// The texts of a path's places, in their order; where there are several, as a tuple.
#[derive(Debug)]
pub(crate) struct Places<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Places<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let wrong = |_| refused(StatusCode::BAD_REQUEST, "the path is no text in UTF-8: encode what stands in it");
        Path::from_request_parts(parts, state).await.map(|Path(places)| Self(places)).map_err(wrong)
    }
}
