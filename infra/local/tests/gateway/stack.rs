//! The stack put together: what goes in at the door comes back through a stream and the management API.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use aws_sdk_kinesis::primitives::Blob;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use callboard_local::{
    functions::{Init, Registry, handler},
    stack::{Stack, StackError, StackOptions},
};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::harness::receive;

const TEMPLATE: &str = "
Resources:
  Frames: {Type: AWS::Kinesis::Stream}
  SocketApi:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: ws
      RouteSelectionExpression: $request.body.action
      Routes:
        $default: {FunctionArn: !GetAtt Relay.Arn}
  Relay:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/relay
      Environment:
        Variables:
          STREAM: !Ref Frames
          SOCKETS: !Sub 'https://${SocketApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/ws'
      Events:
        Frames: {Type: Kinesis, Properties: {Stream: !GetAtt Frames.Arn, StartingPosition: TRIM_HORIZON}}
";

struct Relay {
    stream: String,
    kinesis: aws_sdk_kinesis::Client,
    sockets: aws_sdk_apigatewaymanagement::Client,
}

async fn start_relay(init: Init) -> Result<Relay, String> {
    let variable = |name: &str| {
        let value = init.variables.get(name).cloned();
        value.ok_or_else(|| format!("{name} is not set"))
    };
    let sockets =
        aws_sdk_apigatewaymanagement::config::Builder::from(&init.sdk).endpoint_url(variable("SOCKETS")?).build();
    Ok(Relay {
        stream: variable("STREAM")?,
        kinesis: aws_sdk_kinesis::Client::new(&init.sdk),
        sockets: aws_sdk_apigatewaymanagement::Client::from_conf(sockets),
    })
}

/// A message goes into the stream, a record of the stream back to the socket.
async fn relay(event: Value, relay: Arc<Relay>) -> Result<Value, String> {
    if let Some(id) = event["requestContext"]["connectionId"].as_str() {
        let data = json!({"to": id, "body": event["body"]}).to_string();
        let put = relay.kinesis.put_record().stream_name(&relay.stream).partition_key(id);
        put.data(Blob::new(data)).send().await.map_err(|error| format!("{error:?}"))?;
        return Ok(json!({"statusCode": 200}));
    }
    for record in event["Records"].as_array().into_iter().flatten() {
        let data = record["kinesis"]["data"].as_str().unwrap_or_default();
        let data: Value = serde_json::from_slice(&STANDARD.decode(data).unwrap()).unwrap();
        let post = relay.sockets.post_to_connection();
        let post = post.connection_id(data["to"].as_str().unwrap_or_default());
        let body = data["body"].as_str().unwrap_or_default();
        let sent = post.data(Blob::new(body)).send().await;
        sent.map_err(|error| format!("{error:?}"))?;
    }
    Ok(Value::Null)
}

fn options(folder: &Path, template: &str) -> StackOptions {
    let path = folder.join("template.yaml");
    std::fs::write(&path, template).unwrap();
    let registry: Registry = BTreeMap::from([("relay", handler(start_relay, relay))]);
    StackOptions { registry, data_dir: Some(folder.join("data")), ..StackOptions::new(path) }
}

#[tokio::test]
async fn a_message_comes_back_through_stream_and_management_api() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(options(folder.path(), TEMPLATE)).await.unwrap();
    let (mut client, _) = connect_async(format!("ws://{}/ws", stack.address())).await.unwrap();
    client.send(Message::text(r#"{"n":1}"#)).await.unwrap();
    assert_eq!(receive(&mut client).await, json!({"n": 1}));
    let result = stack.invoke("Relay", json!({"Records": []})).await.unwrap();
    assert_eq!(result, Value::Null);
    assert_eq!(stack.template().streams[0].name, "Frames");
    stack.stop().await;
}

#[tokio::test]
async fn what_is_wrong_stops_the_start_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let unset = TEMPLATE.replace("          STREAM: !Ref Frames\n", "");
    let error = Stack::start(options(folder.path(), &unset)).await.unwrap_err();
    assert_eq!(error.to_string(), "Relay: STREAM is not set");

    let broken = TEMPLATE.replace("TRIM_HORIZON", "SOMEWHERE");
    let message = Stack::start(options(folder.path(), &broken)).await.unwrap_err().to_string();
    for part in ["template.yaml: line 20", "StartingPosition of Relay", "TRIM_HORIZON, LATEST"] {
        assert!(message.contains(part), "{message}");
    }

    let stack = Stack::start(options(folder.path(), TEMPLATE)).await.unwrap();
    let taken = StackOptions { address: stack.address(), ..options(folder.path(), TEMPLATE) };
    let error = Stack::start(taken).await.unwrap_err();
    assert!(matches!(error, StackError::Listen { .. }), "{error}");
    stack.stop().await;
}
