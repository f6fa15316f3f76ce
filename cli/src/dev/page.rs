//! What only this machine serves beside the template's routes: the page, and what it needs to begin.

use std::path::Path;

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::json;
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};

/// What the page may load: its own files, and audio that it recorded itself. Pictures may stand within style sheets.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Names that change with the content: what is at one never changes.
const HASHED: &str = "/assets/";

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

/// The page's policy. Besides its own address, the page may ask where another issuer's tokens are to be had: an origin such
/// as `https://login.example.com`.
///
/// # Errors
/// That cannot stand in a header.
pub(super) fn policy(token_origin: Option<&str>) -> anyhow::Result<HeaderValue> {
    let policy = match token_origin {
        Some(origin) => format!("connect-src 'self' {origin}; {POLICY}"),
        None => POLICY.to_owned(),
    };
    HeaderValue::try_from(policy)
        .context("OIDC_TOKEN_ORIGIN is malformed: name an origin, as in https://login.example.com")
}

/// The page at `/` and at every address that is one within it, `/_local/token` and `/_local/status`. `dist` is the page
/// as it was built.
pub(super) fn routes(dist: &Path, token: String, status: Status, policy: HeaderValue) -> Router {
    let files = ServeDir::new(dist).precompressed_gzip();
    let page = ServeFile::new(dist.join("index.html")).precompressed_gzip();
    Router::new()
        .route("/_local/token", get(move |headers: HeaderMap| async move { give_token(&headers, &token) }))
        .route("/_local/status", get(move || async move { Json(status) }))
        .fallback(move |request: Request| serve(files.clone(), page.clone(), request))
        .layer(middleware::from_fn(move |request: Request, next: Next| harden(policy.clone(), request, next)))
}

/// A file of the page, or the page itself where a browser asks for an address within it.
async fn serve(files: ServeDir, page: ServeFile, request: Request) -> Response {
    let within = is_within_page(request.method(), request.uri().path(), request.headers());
    let served = if within {
        page.oneshot(request).await.map(IntoResponse::into_response)
    } else {
        files.oneshot(request).await.map(IntoResponse::into_response)
    };
    served.unwrap_or_else(|never| match never {})
}

/// Whether this asks for an address that the page itself shows: no file's name, and asked for as a document.
fn is_within_page(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let is_document = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let last = path.rsplit('/').next().unwrap_or_default();
    is_document
        && (method == Method::GET || method == Method::HEAD)
        && path != "/"
        && !last.contains('.')
        && !path.starts_with("/_local/")
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

async fn harden(policy: HeaderValue, request: Request, next: Next) -> Response {
    let is_hashed = request.uri().path().starts_with(HASHED);
    let mut response = next.run(request).await;
    let kept =
        if is_hashed && response.status().is_success() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(kept));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
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

    #[test]
    fn the_page_may_ask_an_issuer_that_is_named_and_nobody_else() {
        assert_eq!(policy(None).unwrap(), POLICY);
        let named = policy(Some("https://login.example.com")).unwrap();
        assert!(
            named.to_str().unwrap().starts_with("connect-src 'self' https://login.example.com; default-src 'self';")
        );
        assert!(policy(Some("https://login.example.com\n")).is_err());
    }

    #[test]
    fn addresses_within_the_page_are_the_page() {
        for (path, accept, expected) in [
            ("/calls/01ARZ3NDEKTSV4RRFFQ69G5FAV", "text/html,*/*", true),
            ("/join", "text/html", true),
            ("/", "text/html", false),
            ("/icon.svg", "text/html", false),
            ("/assets/gone.js", "*/*", false),
            ("/v2/calls", "application/json", false),
            ("/_local/other", "text/html", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(is_within_page(&Method::GET, path, &headers), expected, "{path}");
        }
        assert!(!is_within_page(&Method::POST, "/join", &HeaderMap::new()));
    }
}
