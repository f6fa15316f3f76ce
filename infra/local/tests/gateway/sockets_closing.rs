//! Every way a socket ends: by its limits, by either side, by the management API, with the stack.

use std::time::Duration;

use callboard_local::gateway::{Limits, connections::PostError};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};

use crate::harness::{Client, Harness, TEMPLATE, closing, receive, send, start, start_with};

/// A message of this many bytes, in fragments.
async fn send_in_fragments(client: &mut Client, total: usize, fragment: usize) {
    let text = json!({"action": "do", "do": "echo", "fill": ""}).to_string();
    let fill = "x".repeat(total - text.len());
    let text = text.replace(r#""fill":"""#, &format!(r#""fill":"{fill}""#));
    assert_eq!(text.len(), total);
    let count = text.len().div_ceil(fragment);
    for (index, part) in text.as_bytes().chunks(fragment).enumerate() {
        let opcode = if index == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(part.to_vec(), OpCode::Data(opcode), index + 1 == count);
        // The server may close before it has read all.
        if client.send(Message::Frame(frame)).await.is_err() {
            return;
        }
    }
}

async fn disconnect_of(harness: &Harness) -> (Value, Value) {
    let context = harness.event_of("DISCONNECT").await["requestContext"].clone();
    assert_eq!(context["routeKey"], "$disconnect");
    assert_eq!(context["authorizer"]["org"], "acme");
    (context["disconnectStatusCode"].clone(), context["disconnectReason"].clone())
}

#[tokio::test]
async fn what_is_too_large_closes_with_1009() {
    let harness = start().await;
    let kib = 1024;
    for (total, fragment) in
        [(33 * kib, 33 * kib), (32 * kib + 1, 32 * kib + 1), (129 * kib, 8 * kib), (4096 * kib, 4096 * kib)]
    {
        let mut client = harness.connect("/ws").await;
        send_in_fragments(&mut client, total, fragment).await;
        let frame = closing(&mut client).await;
        assert_eq!(frame.code, CloseCode::Size, "{total} in {fragment}");
        assert_eq!(disconnect_of(&harness).await.0, 1009);
    }
    for (total, fragment) in [(32 * kib, 32 * kib), (128 * kib, 32 * kib), (128 * kib, 8 * kib)] {
        let mut client = harness.connect("/ws").await;
        send_in_fragments(&mut client, total, fragment).await;
        assert_eq!(receive(&mut client).await["do"], "echo", "{total} in {fragment}");
    }
}

#[tokio::test]
async fn binary_and_broken_text_are_refused() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    client.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(closing(&mut client).await.code, CloseCode::Unsupported);
    assert_eq!(disconnect_of(&harness).await.0, 1003);

    let mut client = harness.connect("/ws").await;
    let frame = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    client.send(Message::Frame(frame)).await.unwrap();
    assert_eq!(closing(&mut client).await.code, CloseCode::Invalid);
}

#[tokio::test]
async fn one_client_s_mistake_leaves_the_others_alone() {
    let harness = start().await;
    let mut good = harness.connect("/ws").await;
    let mut bad = harness.connect("/ws").await;
    bad.send(Message::binary(vec![0])).await.unwrap();
    closing(&mut bad).await;
    send(&mut good, json!({"action": "do", "do": "echo", "n": 1})).await;
    assert_eq!(receive(&mut good).await["n"], 1);
}

#[tokio::test]
async fn an_idle_socket_is_closed_with_1001() {
    let limits = Limits { idle: Duration::from_millis(50), ..Limits::default() };
    let harness = start_with(TEMPLATE, limits).await;
    let mut client = harness.connect("/ws").await;
    let frame = closing(&mut client).await;
    assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, "Going away"));
    assert_eq!(disconnect_of(&harness).await, (json!(1001), json!("Going away")));
}

#[tokio::test]
async fn a_busy_socket_is_closed_at_the_end_of_its_life() {
    let limits = Limits { idle: Duration::from_secs(60), lifetime: Duration::from_millis(100), ..Limits::default() };
    let harness = start_with(TEMPLATE, limits).await;
    let mut client = harness.connect("/ws").await;
    send(&mut client, json!({"action": "do"})).await;
    assert_eq!(closing(&mut client).await.code, CloseCode::Away);
    assert_eq!(disconnect_of(&harness).await.0, 1001);
}

#[tokio::test]
async fn a_client_s_close_is_reported_with_its_code() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    let frame = CloseFrame { code: CloseCode::Library(4001), reason: "done".into() };
    client.close(Some(frame)).await.unwrap();
    assert_eq!(closing(&mut client).await.code, CloseCode::Library(4001));
    assert_eq!(disconnect_of(&harness).await, (json!(4001), json!("done")));

    let mut client = harness.connect("/ws").await;
    client.close(None).await.unwrap();
    assert_eq!(disconnect_of(&harness).await.0, 1005);

    drop(harness.connect("/ws").await);
    assert_eq!(disconnect_of(&harness).await.0, 1006);
    assert!(harness.connections.is_empty());
}

#[tokio::test]
async fn a_deleted_connection_is_closed_and_gone() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    let event = harness.event_of("CONNECT").await;
    let id = event["requestContext"]["connectionId"].as_str().unwrap();
    assert!(harness.connections.delete(id));
    assert_eq!(closing(&mut client).await.code, CloseCode::Normal);
    assert_eq!(disconnect_of(&harness).await.0, 1000);
    assert_eq!(harness.connections.post(id, "x"), Err(PostError::Gone));
}

#[tokio::test]
async fn stopping_closes_sockets_and_waits_for_their_disconnect() {
    let harness = start().await;
    let mut client = harness.connect("/ws").await;
    harness.event_of("CONNECT").await;
    let reading = tokio::spawn(async move { closing(&mut client).await.code });
    let address = harness.gateway.address();
    let connections = harness.connections.clone();
    let disconnected = harness.stop().await;
    assert_eq!(disconnected["requestContext"]["disconnectStatusCode"], 1001);
    assert_eq!(reading.await.unwrap(), CloseCode::Away);
    assert!(connections.is_empty());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
