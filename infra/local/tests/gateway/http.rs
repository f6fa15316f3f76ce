//! The HTTP API: events, authorizer, limits, responses.

use callboard_local::gateway::Limits;
use serde_json::{Value, json};

use crate::harness::{Harness, TEMPLATE, build, start, start_with};

const ALLOW: (&str, &str) = ("authorization", "allow");

#[track_caller]
fn check(found: &(u16, String), status: u16, body: &str) {
    assert_eq!((found.0, found.1.as_str()), (status, body));
}

#[tokio::test]
async fn authorizer_and_integration_get_payload_2_0() {
    let harness = start().await;
    let headers = [ALLOW, ("cookie", "a=1; b=2"), ("x-a", "1"), ("x-a", "2"), ("user-agent", "toy")];
    let found = harness.get("/items/a%20b/parts/7?q=1&q=2&x=%26", &headers).await;
    assert_eq!(found.0, 200);

    let door = harness.event().await;
    assert_eq!((&door["version"], &door["type"]), (&json!("2.0"), &json!("REQUEST")));
    assert_eq!(door["routeArn"], "arn:aws:execute-api:local:000000000000:HttpApi/$default/GET/items/a%20b/parts/7");
    assert_eq!(door["identitySource"], Value::Null);
    assert_eq!(door["headers"]["authorization"], "allow");

    let event = harness.event().await;
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "GET /items/{id}/parts/{part}");
    assert_eq!(event["rawPath"], "/items/a%20b/parts/7");
    assert_eq!(event["rawQueryString"], "q=1&q=2&x=%26");
    assert_eq!(event["queryStringParameters"], json!({"q": "1,2", "x": "&"}));
    assert_eq!(event["pathParameters"], json!({"id": "a b", "part": "7"}));
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["headers"]["x-a"], "1,2");
    assert!(event["headers"]["cookie"].is_null() && event["body"].is_null());
    let context = &event["requestContext"];
    assert_eq!(context["authorizer"]["lambda"], json!({"org": "acme", "tags": [1]}));
    assert_eq!((&context["stage"], &context["apiId"]), (&json!("$default"), &json!("HttpApi")));
    assert_eq!(context["http"]["method"], "GET");
    assert_eq!(context["http"]["protocol"], "HTTP/1.1");
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["http"]["userAgent"], "toy");
    assert!(context["timeEpoch"].is_u64() && context["time"].is_string());
}

#[tokio::test]
async fn routes_are_chosen_by_specificity() {
    let harness = start().await;
    assert_eq!(harness.get("/items/x/y", &[ALLOW]).await.0, 200);
    harness.event().await;
    let event = harness.event().await;
    assert_eq!(event["routeKey"], "ANY /items/{proxy+}");
    assert_eq!(event["pathParameters"], json!({"proxy": "x/y"}));
    check(&harness.get("/open", &[]).await, 200, "");
    check(&harness.get("/page", &[]).await, 200, "a page");
    check(&harness.get("/nowhere", &[]).await, 404, r#"{"message":"Not Found"}"#);
    check(&harness.get("/items", &[ALLOW]).await, 404, r#"{"message":"Not Found"}"#);
    assert_eq!(harness.request(build("POST", "/slow", &[], "")).await.status(), 404);
}

#[tokio::test]
async fn the_authorizer_decides() {
    let harness = start().await;
    for (headers, status, message) in [
        (&[][..], 401, "Unauthorized"),
        (&[("authorization", "deny")], 403, "Forbidden"),
        (&[("authorization", "odd")], 500, "Internal Server Error"),
        (&[("authorization", "broken")], 500, "Internal Server Error"),
    ] {
        let found = harness.get("/items/x", headers).await;
        check(&found, status, &format!(r#"{{"message":"{message}"}}"#));
    }
}

#[tokio::test]
async fn failures_get_api_gateways_words() {
    let harness = start().await;
    let internal = r#"{"message":"Internal Server Error"}"#;
    for (path, status, body) in [
        ("/open?do=fail", 500, internal),
        ("/open?do=panic", 500, internal),
        ("/open?do=huge", 500, internal),
        ("/slow?do=wait", 503, r#"{"message":"Service Unavailable"}"#),
        ("/open?do=bad", 400, "as asked"),
        ("/open?do=bare", 200, r#"{"bare":true}"#),
    ] {
        check(&harness.get(path, &[]).await, status, body);
    }
}

/// The body and flag of the event that a request with this body makes.
async fn body_of(harness: &Harness, content_type: &str, body: &[u8]) -> (Value, Value) {
    let request = build("PUT", "/open", &[("content-type", content_type)], body.to_vec());
    assert_eq!(harness.request(request).await.status(), 200);
    let event = harness.event().await;
    (event["body"].clone(), event["isBase64Encoded"].clone())
}

#[tokio::test]
async fn bodies_are_text_or_base64() {
    let harness = start().await;
    for (content_type, body, expected, base64) in [
        ("application/json", &b"{}"[..], "{}", false),
        ("text/plain; charset=utf-8", b"a", "a", false),
        ("application/problem+json", b"{}", "{}", false),
        ("application/octet-stream", &[0, 255], "AP8=", true),
        ("audio/wav", b"RIFF", "UklGRg==", true),
        ("application/x-www-form-urlencoded", b"a=1", "YT0x", true),
        ("text/plain", &[0xff], "/w==", true),
    ] {
        assert_eq!(body_of(&harness, content_type, body).await, (json!(expected), json!(base64)), "{content_type}");
    }
    let response = harness.request(build("GET", "/open?do=bytes", &[], "")).await;
    assert_eq!(&response.body()[..], &[0, 255]);
}

#[tokio::test]
async fn large_requests_are_refused() {
    let harness = start().await;
    let too_large = r#"{"message":"Request Entity Too Large"}"#;
    let mib = 1024 * 1024;
    // Over the gateway's 10 MB, then over Lambda's 6 MB: as text, and as base64, which is a third longer.
    for (content_type, size) in [("text/plain", 10 * mib + 1), ("text/plain", 6 * mib), ("audio/wav", 5 * mib)] {
        let request = build("PUT", "/open", &[("content-type", content_type)], vec![b'x'; size]);
        let response = harness.request(request).await;
        assert_eq!(response.status(), 413, "{content_type} {size}");
        assert_eq!(response.body(), too_large);
    }
    let request = build("PUT", "/open", &[("content-type", "audio/wav")], vec![b'x'; 4 * mib]);
    assert_eq!(harness.request(request).await.status(), 200);

    let harness = start_with(TEMPLATE, Limits { request_bytes: 4, ..Limits::default() }).await;
    assert_eq!(harness.request(build("PUT", "/open", &[], "12345")).await.status(), 413);
    assert_eq!(harness.request(build("PUT", "/open", &[], "1234")).await.status(), 200);
}

#[tokio::test]
async fn cross_origin_requests_follow_the_template() {
    let harness = start().await;
    let preflight = [("origin", "http://page"), ("access-control-request-method", "PUT")];
    let response = harness.request(build("OPTIONS", "/items/x", &preflight, "")).await;
    assert_eq!(response.status(), 204);
    assert_eq!(response.headers()["access-control-allow-origin"], "http://page");
    assert_eq!(response.headers()["access-control-allow-methods"], "GET,PUT");
    assert_eq!(response.headers()["access-control-max-age"], "60");

    let response = harness.request(build("GET", "/items/x", &[("origin", "http://page")], "")).await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["access-control-allow-origin"], "http://page");
    let response = harness.request(build("GET", "/open", &[("origin", "http://other")], "")).await;
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}
