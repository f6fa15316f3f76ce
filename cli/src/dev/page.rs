//! What only this machine serves beside the template's routes: the page, and what it needs to begin.

use std::path::Path;

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::json;
use tower_http::services::ServeDir;

/// What `GET /_local/status` tells.
#[derive(Clone, Serialize)]
pub(super) struct Status {
    /// The transcription service.
    pub(super) speech: serde_json::Value,
    /// How event sources are polled.
    pub(super) clock: &'static str,
    /// Version of this program.
    pub(super) version: &'static str,
}

/// The page at `/`, `/_local/token` and `/_local/status`.
pub(super) fn routes(dashboard: &Path, token: String, status: Status) -> Router {
    Router::new()
        .route("/_local/token", get(move |headers: HeaderMap| async move { give_token(&headers, &token) }))
        .route("/_local/status", get(move || async move { Json(status) }))
        .fallback_service(ServeDir::new(dashboard))
        .layer(middleware::from_fn(harden))
}

/// The token, for this machine's own page and person. Another site's page is refused by where its request says that it
/// comes from, and one that made its name point here by the name it asked for.
fn give_token(headers: &HeaderMap, token: &str) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    let own_page = text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let own_origin = text("origin").is_none_or(|origin| origin == format!("http://{host}"));
    if local && own_page && own_origin {
        return ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "token": token }))).into_response();
    }
    (StatusCode::FORBIDDEN, Json(json!({ "message": "the token is for this machine's own page only" }))).into_response()
}

async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'self'; frame-ancestors 'none'"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_for_the_own_page_only() {
        for (pairs, expected) in [
            (vec![("host", "127.0.0.1:8787")], 200),
            (vec![("host", "localhost:8787"), ("sec-fetch-site", "same-origin")], 200),
            (vec![("host", "127.0.0.1:8787"), ("sec-fetch-site", "cross-site")], 403),
            (vec![("host", "127.0.0.1:8787"), ("origin", "http://evil.example")], 403),
            (vec![("host", "evil.example:8787"), ("sec-fetch-site", "same-origin")], 403),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in &pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(give_token(&headers, "t").status().as_u16(), expected, "{pairs:?}");
        }
    }
}
