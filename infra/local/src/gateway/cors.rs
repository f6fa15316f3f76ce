//! Cross-origin requests, as `CorsConfiguration` allows them.

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::template::Cors;

/// The answer to a preflight request; none if it is none.
pub(super) fn preflight(cors: &Cors, request: &Request) -> Option<Response> {
    let origin = request.headers().get(header::ORIGIN)?;
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() != Method::OPTIONS || !asks {
        return None;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if allow(cors, origin, headers) {
        put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.allow_methods.join(","));
        put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.allow_headers.join(","));
        if let Some(seconds) = cors.max_age_s {
            put(headers, header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
    }
    Some(response)
}

/// Adds what every response to an allowed origin carries; false if the origin is not allowed.
pub(super) fn allow(cors: &Cors, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
    let any = cors.allow_origins.iter().any(|allowed| allowed == "*");
    let named = cors.allow_origins.iter().any(|allowed| origin == allowed.as_str());
    if !any && !named {
        return false;
    }
    let allowed = if any { HeaderValue::from_static("*") } else { origin.clone() };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if cors.allow_credentials {
        put(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    put(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &cors.expose_headers.join(","));
    true
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}
