//! Connecting, messages and posts.

use std::sync::atomic::Ordering;

use callboard_local::gateway::{Limits, connections::PostError};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message, error::ProtocolError};

use crate::harness::{Harness, TEMPLATE, build, receive, send, start, start_with};

#[tokio::test]
async fn the_authorizer_and_the_connect_route_see_the_request() {
    let harness = start().await;
    let headers = [("authorization", "Bearer secret"), ("user-agent", "toy")];
    let (_client, response) = harness.try_connect("/ws?a=1&a=2&b=x%20y", &headers).await.unwrap();
    assert_eq!(response.status(), 101);

    let door = harness.event().await;
    assert_eq!(door["type"], "REQUEST");
    assert_eq!(door["methodArn"], "arn:aws:execute-api:local:000000000000:SocketApi/ws/$connect");
    assert_eq!(door["headers"]["Authorization"], "Bearer secret");
    assert_eq!(door["headers"]["Sec-WebSocket-Version"], "13");
    assert_eq!(door["multiValueHeaders"]["User-Agent"], json!(["toy"]));
    assert_eq!(door["queryStringParameters"], json!({"a": "2", "b": "x y"}));
    assert_eq!(door["multiValueQueryStringParameters"]["a"], json!(["1", "2"]));
    assert_eq!(door["stageVariables"], Value::Null);
    let context = &door["requestContext"];
    assert_eq!((&context["routeKey"], &context["eventType"]), (&json!("$connect"), &json!("CONNECT")));
    assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!(context["stage"], "ws");
    assert!(context["connectedAt"].is_u64() && context["authorizer"].is_null());

    let connect = harness.event().await;
    assert!(connect["type"].is_null());
    assert_eq!(connect["isBase64Encoded"], false);
    assert_eq!(connect["requestContext"]["connectionId"], context["connectionId"]);
    assert_eq!(connect["requestContext"]["authorizer"], json!({"org": "acme", "level": "3", "principalId": "me"}));
}

#[tokio::test]
async fn refused_connects_get_an_http_status() {
    let harness = start().await;
    for (path, status, part) in [
        ("/ws?door=unauthorized", 401, r#""message":"Unauthorized""#),
        ("/ws?door=deny", 403, "User is not authorized to access this resource"),
        ("/ws?door=broken", 500, "Internal server error"),
        ("/ws?door=nested", 500, "Internal server error"),
        ("/ws?door=huge", 500, "Internal server error"),
        ("/ws?do=refuse", 403, "not you"),
        ("/ws?do=bad", 400, "as asked"),
        ("/ws?do=fail", 502, "Internal server error"),
        ("/ws?do=panic", 502, "Internal server error"),
        ("/ws?do=nothing", 502, "Internal server error"),
        ("/elsewhere", 404, "Not Found"),
    ] {
        let (found, body) = harness.refusal(path).await;
        assert_eq!(found, status, "{path}");
        assert!(body.contains(part), "{path}: {body}");
    }
    assert!(harness.connections.is_empty());
    assert_eq!(harness.get("/ws", &[]).await.0, 426);
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "8")];
    assert_eq!(harness.request(build("GET", "/ws", &upgrade, "")).await.status(), 400);
}

#[tokio::test]
async fn the_connect_route_chooses_the_subprotocol() {
    let harness = start().await;
    let offered = [("sec-websocket-protocol", "callboard.v1, bearer.secret")];
    let (_client, response) = harness.try_connect("/ws?do=protocol", &offered).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "callboard.v1");
    let none_chosen = harness.try_connect("/ws", &offered).await.map(|_| ());
    assert!(
        matches!(none_chosen, Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)))),
        "{none_chosen:?}"
    );
}

#[tokio::test]
async fn messages_reach_their_route() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    for (text, route) in [
        (r#"{"action":"do"}"#, "do"),
        (r#"{"action":"other"}"#, "$default"),
        (r#"{"no":"action"}"#, "$default"),
        ("not JSON", "$default"),
    ] {
        client.send(Message::text(text)).await.unwrap();
        let event = harness.event_of("MESSAGE").await;
        assert_eq!(event["requestContext"]["routeKey"], route);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(text), &json!(false)));
        assert_eq!(event["requestContext"]["messageDirection"], "IN");
        assert_eq!(event["requestContext"]["authorizer"]["org"], "acme");
        assert!(event["requestContext"]["messageId"].is_string());
    }
}

/// Sends one message and gives the answer that the toy did not send.
async fn complaint(harness: &Harness, client: &mut crate::harness::Client, message: Value) -> Value {
    send(client, message).await;
    let event = harness.event_of("MESSAGE").await;
    let answer = receive(client).await;
    assert_eq!(answer["connectionId"], event["requestContext"]["connectionId"]);
    assert_eq!(answer["requestId"], event["requestContext"]["requestId"]);
    answer["message"].clone()
}

#[tokio::test]
async fn a_failed_integration_is_told_and_the_connection_lives() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    for what in ["fail", "panic", "nothing"] {
        let message = json!({"action": "do", "do": what});
        assert_eq!(complaint(&harness, &mut client, message).await, "Internal server error", "{what}");
    }
    // A status is an answer, whichever it is; without a route response nobody hears of it.
    send(&mut client, json!({"action": "do", "do": "bad"})).await;
    send(&mut client, json!({"action": "do", "do": "echo", "n": 1})).await;
    assert_eq!(receive(&mut client).await["n"], 1);
}

#[tokio::test]
async fn an_integration_that_takes_too_long_is_told() {
    let limits = Limits { integration: std::time::Duration::from_millis(50), ..Limits::default() };
    let harness = start_with(TEMPLATE, limits).await;
    let mut client = harness.connect("/ws").await;
    let message = json!({"action": "do", "do": "wait"});
    assert_eq!(complaint(&harness, &mut client, message).await, "Internal server error");
}

#[tokio::test]
async fn without_a_default_route_unknown_messages_are_forbidden() {
    let template = TEMPLATE.replace("        $default: {FunctionArn: !GetAtt Toy.Arn}\n", "");
    let harness = start_with(&template, Limits::default()).await;
    let mut client = harness.connect("/ws").await;
    send(&mut client, json!({"action": "other"})).await;
    let answer = receive(&mut client).await;
    assert_eq!(answer["message"], "Forbidden");
    assert!(answer["connectionId"].is_string() && answer["requestId"].is_string());
}

#[tokio::test]
async fn a_slow_message_does_not_hold_up_the_next() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    send(&mut client, json!({"action": "do", "do": "wait"})).await;
    assert!(harness.event_of("MESSAGE").await["body"].as_str().unwrap().contains("wait"));
    send(&mut client, json!({"action": "do", "do": "echo", "n": 2})).await;
    assert_eq!(receive(&mut client).await["n"], 2);
    harness.toy.release.notify_one();
}

#[tokio::test]
async fn messages_in_flight_are_bounded() {
    let harness = start_with(TEMPLATE, Limits { in_flight: 2, ..Limits::default() }).await;
    let mut client = harness.connect("/ws").await;
    for _ in 0..6 {
        send(&mut client, json!({"action": "do", "do": "wait"})).await;
    }
    send(&mut client, json!({"action": "do", "do": "echo", "n": 3})).await;
    for _ in 0..6 {
        harness.event_of("MESSAGE").await;
        harness.toy.release.notify_one();
    }
    assert_eq!(receive(&mut client).await["n"], 3);
    assert_eq!(harness.toy.most_running.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn posts_arrive_in_order_and_count_as_activity() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    let event = harness.event_of("CONNECT").await;
    let id = event["requestContext"]["connectionId"].as_str().unwrap();
    for n in 0..100 {
        harness.connections.post(id, json!({"n": n}).to_string()).unwrap();
    }
    for n in 0..100 {
        assert_eq!(receive(&mut client).await["n"], n);
    }
    let info = harness.connections.get(id).unwrap();
    assert_eq!(info.source_ip, "127.0.0.1");
    assert!(info.last_active_ms >= info.connected_at_ms);
    let large = vec![b'x'; 128 * 1024 + 1];
    assert_eq!(harness.connections.post(id, large), Err(PostError::PayloadTooLarge));
}
