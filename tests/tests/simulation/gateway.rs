//! API Gateway between clients and functions: messages are delivered at most once and in no order, connections break
//! without a word, and `$disconnect` comes late or never.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use callboard_domain::permissions::Role;
use callboard_local::gateway::connections::{Peer, Registration};
use callboard_wire::connection::AuthContext;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::stack::Stack;

/// A connection as its client has it.
pub(crate) struct Connection {
    stack: Arc<Stack>,
    line: Arc<Line>,
    inbox: mpsc::UnboundedReceiver<Value>,
}

/// What both ends of a connection share.
struct Line {
    id: String,
    auth: AuthContext,
    cut: AtomicBool,
}

/// Opens a connection; none when it was refused or nobody answered.
pub(crate) async fn connect(stack: &Arc<Stack>, auth: AuthContext) -> Option<Connection> {
    let world = &stack.world;
    world.delay(50).await;
    let line = Arc::new(Line { id: format!("connection-{}", world.number()), auth, cut: AtomicBool::new(false) });
    let (registration, mut outbound) = world.connections.register(line.id.clone(), Peer::default());
    let mut event = line.event("$connect", world.clock().now_ms());
    event["headers"] = json!({});
    let answer = stack.invoke(&route(stack, "$connect"), event).await;
    if !answer.as_ref().is_ok_and(|answer| answer["statusCode"] == 200) {
        world.log(format_args!("{} refused: {answer:?}", line.id));
        return None;
    }
    let (sender, inbox) = mpsc::unbounded_channel();
    let other = line.clone();
    stack.spawn(async move {
        while let Some(message) = outbound.next().await {
            if !other.cut.load(Ordering::Relaxed) && sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                break;
            }
        }
    });
    watch_over(stack, &line, registration);
    Some(Connection { stack: stack.clone(), line, inbox })
}

/// Holds the gateway's end of a connection until it is cut; notices that late, and says so late or never.
fn watch_over(stack: &Arc<Stack>, line: &Arc<Line>, registration: Registration) {
    let (gateway, line) = (stack.clone(), line.clone());
    stack.spawn(async move {
        let world = &gateway.world;
        while !line.cut.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        world.delay(10_000).await;
        drop(registration);
        world.delay(30_000).await;
        let lost = world.fails(|faults| faults.message_lost * 2.0);
        if !lost {
            let event = line.event("$disconnect", world.clock().now_ms());
            gateway.invoke(&route(&gateway, "$disconnect"), event).await.ok();
        }
    });
}

fn route(stack: &Stack, key: &str) -> String {
    let routes = &stack.world.template.websocket.as_ref().unwrap().routes;
    routes.get(key).unwrap_or_else(|| &routes["$default"]).clone()
}

impl Line {
    fn event(&self, route: &str, now_ms: i64) -> Value {
        json!({"requestContext": {
            "routeKey": route, "connectionId": self.id, "requestTimeEpoch": now_ms, "authorizer": self.auth,
        }})
    }
}

impl Connection {
    /// Sends a message: whether it arrives, how often and when is open.
    pub(crate) fn send(&self, message: &Value) {
        let world = &self.stack.world;
        if self.line.cut.load(Ordering::Relaxed) || world.fails(|faults| faults.message_lost) {
            return;
        }
        let copies = if world.fails(|faults| faults.message_doubled) { 2 } else { 1 };
        for _ in 0..copies {
            let (stack, line, message) = (self.stack.clone(), self.line.clone(), message.clone());
            self.stack.spawn(async move {
                let world = &stack.world;
                world.delay(world.plan.faults.message_delay_ms).await;
                let key = message["action"].as_str().unwrap();
                let mut event = line.event(key, world.clock().now_ms());
                event["requestContext"]["messageId"] = format!("message-{}", world.number()).into();
                event["body"] = message.to_string().into();
                if stack.invoke(&route(&stack, key), event).await.is_err() {
                    let error = json!({"message": "Internal server error", "connectionId": line.id});
                    world.connections.post(&line.id, error.to_string()).ok();
                }
            });
        }
    }

    /// The next message; none once the stack is gone.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        self.inbox.recv().await
    }

    /// Whether the stack at the other end still runs.
    pub(crate) fn stack(&self) -> &Arc<Stack> {
        &self.stack
    }

    /// From now on nothing gets through any more.
    pub(crate) fn cut(&self) {
        self.stack.world.log(format_args!("{} is cut", self.line.id));
        self.line.cut.store(true, Ordering::Relaxed);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.line.cut.store(true, Ordering::Relaxed);
    }
}

/// Who captures and who watches, all of one organization.
pub(crate) fn auth(principal: &str, role: Role) -> AuthContext {
    AuthContext::new("acme", principal, role)
}

/// Asks the REST API; none where no answer came.
pub(crate) async fn get(stack: &Arc<Stack>, path: &str) -> Option<Value> {
    let auth = auth("ada", Role::Admin);
    let event = json!({
        "version": "2.0", "routeKey": "ANY /v1/{proxy+}", "rawPath": path, "rawQueryString": "", "headers": {},
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "a.local", "domainPrefix": "a", "requestId": "r",
            "routeKey": "ANY /v1/{proxy+}", "stage": "$default", "time": "21/Nov/2026:10:00:00 +0000", "timeEpoch": 0,
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "s"},
            "authorizer": {"lambda": auth},
        },
        "isBase64Encoded": false,
    });
    let answer = stack.invoke("ApiFunction", event).await.ok()?;
    (answer["statusCode"] == 200).then(|| serde_json::from_str(answer["body"].as_str()?).ok())?
}
