//! A gateway with toy functions that do what their event asks for, and clients for it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use callboard_local::{
    functions::{Functions, Init, Registry, handler},
    gateway::{Connections, Gateway, Limits},
    template::Template,
};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Notify, mpsc},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};

/// Longer than anything here takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const TEMPLATE: &str = "
Resources:
  SocketApi:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: ws
      RouteSelectionExpression: $request.body.action
      Auth: {AuthType: CUSTOM, AuthArn: !GetAtt Door.Arn}
      Routes:
        $connect: {FunctionArn: !GetAtt Toy.Arn}
        $disconnect: {FunctionArn: !GetAtt Toy.Arn}
        do: {FunctionArn: !GetAtt Toy.Arn}
        $default: {FunctionArn: !GetAtt Toy.Arn}
  HttpApi:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: {AllowOrigins: ['http://page'], AllowMethods: [GET, PUT], AllowHeaders: [authorization], MaxAge: 60}
      Auth:
        DefaultAuthorizer: Bearer
        Authorizers:
          Bearer: {FunctionArn: !GetAtt HttpDoor.Arn, AuthorizerPayloadFormatVersion: '2.0', EnableSimpleResponses: true}
  Door: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/door}}
  HttpDoor: {Type: AWS::Serverless::Function, Properties: {CodeUri: functions/http_door}}
  Toy:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/toy
      Timeout: 20
      Events:
        Open: {Type: HttpApi, Properties: {ApiId: !Ref HttpApi, Method: ANY, Path: /open, Auth: {Authorizer: NONE}}}
        Slow: {Type: HttpApi, Properties: {ApiId: !Ref HttpApi, Method: GET, Path: /slow, TimeoutInMillis: 50, Auth: {Authorizer: NONE}}}
        Item: {Type: HttpApi, Properties: {ApiId: !Ref HttpApi, Method: GET, Path: '/items/{id}/parts/{part}'}}
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref HttpApi, Method: ANY, Path: '/items/{proxy+}'}}
";

/// What the toy function shares with its test.
#[derive(Default)]
pub(crate) struct Toy {
    running: AtomicUsize,
    pub(crate) most_running: AtomicUsize,
    /// Lets one waiting invocation go on.
    pub(crate) release: Notify,
}

pub(crate) struct Harness {
    pub(crate) gateway: Gateway,
    pub(crate) connections: Connections,
    pub(crate) toy: Arc<Toy>,
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
}

pub(crate) async fn start() -> Harness {
    start_with(TEMPLATE, Limits::default()).await
}

pub(crate) async fn start_with(template: &str, limits: Limits) -> Harness {
    let template = Template::parse(template, &BTreeMap::new()).unwrap();
    let connections = Connections::default();
    let toy = Arc::<Toy>::default();
    let (sender, events) = mpsc::unbounded_channel();
    let registry = registry(&toy, &sender, &connections);
    let functions = Functions::new(registry, &template, aws_types::SdkConfig::builder().build());
    functions.start_all().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let extra = Router::new()
        .route("/page", axum::routing::get(|| async { "a page" }))
        .route("/open", axum::routing::get(|| async { "never seen" }));
    let gateway = Gateway::serve(listener, &template, functions, connections.clone(), limits, extra).unwrap();
    Harness { gateway, connections, toy, events: Mutex::new(events) }
}

fn registry(toy: &Arc<Toy>, events: &mpsc::UnboundedSender<Value>, connections: &Connections) -> Registry {
    let nothing = |_: Init| async { Ok(()) };
    let door_events = events.clone();
    let door = handler(nothing, move |event: Value, _: Arc<()>| {
        door_events.send(event.clone()).unwrap();
        async move { door(&event) }
    });
    let http_door_events = events.clone();
    let http_door = handler(nothing, move |event: Value, _: Arc<()>| {
        http_door_events.send(event.clone()).unwrap();
        async move { http_door(&event) }
    });
    let (toy, events, connections) = (toy.clone(), events.clone(), connections.clone());
    let toy = handler(nothing, move |event: Value, _: Arc<()>| {
        let (toy, connections) = (toy.clone(), connections.clone());
        events.send(event.clone()).unwrap();
        async move {
            let running = toy.running.fetch_add(1, Ordering::SeqCst) + 1;
            toy.most_running.fetch_max(running, Ordering::SeqCst);
            let result = play(&toy, &connections, event).await;
            toy.running.fetch_sub(1, Ordering::SeqCst);
            result
        }
    });
    BTreeMap::from([("door", door), ("http_door", http_door), ("toy", toy)])
}

/// The WebSocket authorizer: the query says what it shall answer.
fn door(event: &Value) -> Result<Value, String> {
    let policy = |effect: &str, context: Value| {
        let statement = json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]});
        Ok(json!({"principalId": "me", "policyDocument": {"Statement": [statement]}, "context": context}))
    };
    match event["queryStringParameters"]["door"].as_str() {
        None => policy("Allow", json!({"org": "acme", "level": 3})),
        Some("deny") => policy("Deny", Value::Null),
        Some("nested") => policy("Allow", json!({"a": {"b": 1}})),
        Some("huge") => policy("Allow", json!({"a": "x".repeat(8192)})),
        Some("unauthorized") => Err("Unauthorized".to_owned()),
        Some(other) => Err(other.to_owned()),
    }
}

/// The HTTP authorizer: the bearer says what it shall answer.
fn http_door(event: &Value) -> Result<Value, String> {
    match event["headers"]["authorization"].as_str() {
        Some("allow") => Ok(json!({"isAuthorized": true, "context": {"org": "acme", "tags": [1]}})),
        Some("deny") => Ok(json!({"isAuthorized": false})),
        Some("odd") => Ok(json!({"principalId": "me"})),
        None => Err("Unauthorized".to_owned()),
        Some(other) => Err(other.to_owned()),
    }
}

/// The integration: the message or the query says what it shall do.
async fn play(toy: &Toy, connections: &Connections, event: Value) -> Result<Value, String> {
    let body = event["body"].as_str().unwrap_or_default();
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let asked = message["do"].as_str().or(event["queryStringParameters"]["do"].as_str());
    let id = event["requestContext"]["connectionId"].as_str().unwrap_or_default();
    match asked {
        Some("fail") => return Err("as asked".to_owned()),
        Some("panic") => panic!("as asked"),
        Some("nothing") => return Ok(Value::Null),
        Some("bad") => return Ok(json!({"statusCode": 400, "body": "as asked"})),
        Some("refuse") => return Ok(json!({"statusCode": 403, "body": "not you"})),
        Some("huge") => return Ok(json!({"statusCode": 200, "body": "x".repeat(7 * 1024 * 1024)})),
        Some("bytes") => {
            return Ok(json!({"statusCode": 200, "body": "AP8=", "isBase64Encoded": true}));
        }
        Some("bare") => return Ok(json!({"bare": true})),
        Some("echo") => connections.post(id, body.to_owned()).map_err(|error| error.to_string())?,
        Some("wait") => toy.release.notified().await,
        Some("protocol") => {
            return Ok(json!({"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "callboard.v1"}}));
        }
        _ => {}
    }
    Ok(json!({"statusCode": 200}))
}

pub(crate) type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Harness {
    pub(crate) async fn connect(&self, path: &str) -> Client {
        self.try_connect(path, &[]).await.unwrap().0
    }

    pub(crate) async fn try_connect(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Client, Response<Option<Vec<u8>>>), Error> {
        let mut request = format!("ws://{}{path}", self.gateway.address()).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        timeout(PATIENCE, connect_async(request)).await.unwrap()
    }

    /// The status and JSON body with which a connect was refused.
    pub(crate) async fn refusal(&self, path: &str) -> (u16, String) {
        match self.try_connect(path, &[]).await {
            Err(Error::Http(response)) => {
                let status = response.status().as_u16();
                (status, String::from_utf8(response.into_body().unwrap_or_default()).unwrap())
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Stops the gateway; gives the event that was delivered last before it had stopped.
    pub(crate) async fn stop(self) -> Value {
        self.gateway.stop().await;
        self.events.into_inner().try_recv().expect("an event while stopping")
    }

    /// The next event that any toy function got.
    pub(crate) async fn event(&self) -> Value {
        timeout(PATIENCE, self.events.lock().await.recv()).await.expect("an event").unwrap()
    }

    /// The next event of one type (`CONNECT`, `MESSAGE`, `DISCONNECT`) at the toy integration.
    pub(crate) async fn event_of(&self, kind: &str) -> Value {
        loop {
            let event = self.event().await;
            if event["requestContext"]["eventType"] == kind && event["type"].is_null() {
                return event;
            }
        }
    }

    pub(crate) async fn request(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let stream = TcpStream::connect(self.gateway.address()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// A request without a body: status and body.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let response = self.request(build("GET", path, headers, Bytes::new())).await;
        (response.status().as_u16(), String::from_utf8_lossy(response.body()).into_owned())
    }
}

pub(crate) fn build(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

pub(crate) async fn send(client: &mut Client, message: Value) {
    client.send(Message::text(message.to_string())).await.unwrap();
}

/// The next text message, as JSON.
pub(crate) async fn receive(client: &mut Client) -> Value {
    loop {
        let message = timeout(PATIENCE, client.next()).await.expect("a message").unwrap().unwrap();
        if let Message::Text(text) = message {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// The close frame with which the server ends the connection.
pub(crate) async fn closing(client: &mut Client) -> CloseFrame {
    loop {
        let message = timeout(PATIENCE, client.next()).await.expect("a close frame");
        if let Message::Close(frame) = message.expect("a close frame before the end").unwrap() {
            return frame.expect("a close frame with a code");
        }
    }
}
