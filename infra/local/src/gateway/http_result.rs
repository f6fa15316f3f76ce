//! A function's result as an HTTP response: payload format 2.0, or a bare value.

use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

/// The status that a result states; none if it is no integration response.
pub(super) fn status(result: &Value) -> Option<StatusCode> {
    let status = match &result["statusCode"] {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    StatusCode::from_u16(u16::try_from(status).ok()?).ok()
}

/// The response that a result stands for; the error is for the log.
pub(super) fn response(result: &Value) -> Result<Response, String> {
    if result.get("statusCode").is_none() {
        let body = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Ok(response);
    }
    let status = status(result).ok_or("statusCode is no HTTP status")?;
    let body = match &result["body"] {
        Value::Null => Vec::new(),
        Value::String(text) if result["isBase64Encoded"] == true => {
            STANDARD.decode(text).map_err(|_| "body is no base64")?
        }
        Value::String(text) => text.clone().into_bytes(),
        _ => return Err("body is no string".to_owned()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    copy_headers(result, response.headers_mut());
    for cookie in result["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    if !response.headers().contains_key(header::CONTENT_TYPE) && result["body"].is_string() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=utf-8"));
    }
    Ok(response)
}

/// Copies the headers of a result; what is no header is left out, and lengths are the server's business.
pub(super) fn copy_headers(result: &Value, headers: &mut HeaderMap) {
    let single = result["headers"].as_object().into_iter().flatten();
    let multi = result["multiValueHeaders"].as_object().into_iter().flatten();
    let multi =
        multi.flat_map(|(name, values)| values.as_array().into_iter().flatten().map(move |value| (name, value)));
    for (name, value) in single.chain(multi) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&text)) else {
            tracing::warn!(http.header = name, "a function's response header was left out: it is not valid");
            continue;
        };
        let is_ours = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(&name);
        let is_present = headers.get_all(&name).iter().any(|present| *present == value);
        if !is_ours && !is_present {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    async fn check(result: Value, status: u16, content_type: &str, body: &[u8]) {
        let response = response(&result).unwrap();
        assert_eq!(response.status().as_u16(), status, "{result}");
        let found = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap());
        assert_eq!(found, content_type, "{result}");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body, "{result}");
    }

    #[tokio::test]
    async fn results_become_responses() {
        check(json!({"a": 1}), 200, "application/json", br#"{"a":1}"#).await;
        check(json!("text"), 200, "application/json", b"text").await;
        check(json!({"statusCode": 204}), 204, "", b"").await;
        check(json!({"statusCode": 200, "body": "x"}), 200, "text/plain;charset=utf-8", b"x").await;
        let headers = json!({"Content-Type": "image/png"});
        check(
            json!({"statusCode": 201, "headers": headers, "body": "AP8=", "isBase64Encoded": true}),
            201,
            "image/png",
            &[0, 255],
        )
        .await;
    }

    #[test]
    fn headers_and_cookies_are_kept_apart() {
        let response = response(&json!({
            "statusCode": 200,
            "headers": {"X-A": "1", "Content-Length": "99", "bad name": "x"},
            "multiValueHeaders": {"x-a": ["1", "2"]},
            "cookies": ["a=1; Secure", "b=2"],
        }))
        .unwrap();
        let all = |name: &str| {
            response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(all("x-a"), ["1", "2"]);
        assert_eq!(all("set-cookie"), ["a=1; Secure", "b=2"]);
        assert_eq!(all("content-length"), [""; 0]);
    }

    #[test]
    fn what_is_no_response_is_an_error() {
        for wrong in [
            json!({"statusCode": "abc"}),
            json!({"statusCode": 99999}),
            json!({"statusCode": 200, "body": {"a": 1}}),
            json!({"statusCode": 200, "body": "%%%", "isBase64Encoded": true}),
        ] {
            assert!(response(&wrong).is_err(), "{wrong}");
        }
    }
}
