//! One open WebSocket: reading, routing, delivering, and every way it can end.
//!
//! Messages of one connection are handled at the same time, as on AWS: nothing promises their order.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task::JoinSet,
    time::{Duration, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::{CapacityError, ProtocolError},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{
    Shared,
    connections::{Outbound, Registration, new_connection_id},
    http_result, reply, routes,
    socket::invoke,
    socket_event::Context,
};
use crate::template::WebSocketApi;

/// Smallest part of a second that the idle check sleeps, so that it cannot spin.
const IDLE_STEP: Duration = Duration::from_millis(5);

/// A connection that was let in.
pub(super) struct Session {
    shared: Arc<Shared>,
    api: Arc<WebSocketApi>,
    context: Arc<Context>,
    registration: Registration,
    outbound: Outbound,
}

/// Why a connection ended: what `$disconnect` is told, and whether the client still has to be.
struct Ending {
    code: u16,
    reason: String,
    tell_client: bool,
}

impl Ending {
    fn closed_by_us(code: CloseCode, reason: &str) -> Ending {
        Ending { code: code.into(), reason: reason.to_owned(), tell_client: true }
    }

    fn lost() -> Ending {
        Ending { code: 1006, reason: "Connection closed abnormally".to_owned(), tell_client: false }
    }

    fn closed_by_client(frame: Option<CloseFrame>) -> Ending {
        let (code, reason) = match frame {
            Some(frame) => (frame.code.into(), frame.reason.to_string()),
            None => (1005, "Client-side close frame status not set".to_owned()),
        };
        Ending { code, reason, tell_client: false }
    }

    fn from_error(error: &Error) -> Ending {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => {
                Ending::closed_by_us(CloseCode::Size, "Message too big")
            }
            Error::Utf8(_) => Ending::closed_by_us(CloseCode::Invalid, "Text that is not UTF-8"),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::lost(),
            Error::Protocol(_) => Ending::closed_by_us(CloseCode::Protocol, "Protocol error"),
            _ => Ending::lost(),
        }
    }
}

impl Session {
    /// Registers the connection, so that a post finds it even before the client has its answer.
    pub(super) fn open(shared: Arc<Shared>, api: WebSocketApi, context: Context) -> Session {
        shared.sockets.send_modify(|open| *open += 1);
        let (registration, outbound) = shared.connections.register(context.connection_id.clone(), context.peer.clone());
        Session { shared, api: Arc::new(api), context: Arc::new(context), registration, outbound }
    }

    /// The client went away before the upgrade.
    pub(super) async fn never_opened(self) {
        let Session { shared, api, context, registration, .. } = self;
        drop(registration);
        disconnected(&shared, &api, &context, &Ending::lost()).await;
        shared.sockets.send_modify(|open| *open -= 1);
    }

    /// Runs the connection to its end.
    pub(super) async fn run<S>(mut self, socket: WebSocketStream<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        tracing::debug!(socket.id = self.context.connection_id, "socket opened");
        let mut in_flight = JoinSet::new();
        let (mut sink, mut stream) = socket.split();
        let ending = self.serve(&mut sink, &mut stream, &mut in_flight).await;
        let Session { shared, api, context, registration, outbound } = self;
        drop((registration, outbound));
        let goodbye = async {
            if ending.tell_client {
                let frame = CloseFrame { code: ending.code.into(), reason: ending.reason.clone().into() };
                let _ = sink.send(Message::Close(Some(frame))).await;
            }
            let _ = sink.flush().await;
            if let Ok(mut socket) = sink.reunite(stream) {
                hang_up(socket.get_mut()).await;
            }
        };
        // A client that is gone, or that never reads, is not waited for.
        let goodbye = timeout(shared.limits.closing, goodbye);
        let _ = tokio::join!(goodbye, disconnected(&shared, &api, &context, &ending));
        while in_flight.join_next().await.is_some() {}
        tracing::debug!(socket.id = context.connection_id, socket.code = ending.code, "socket closed");
        shared.sockets.send_modify(|open| *open -= 1);
    }

    async fn serve<S>(
        &mut self,
        sink: &mut SplitSink<WebSocketStream<S>, Message>,
        stream: &mut futures_util::stream::SplitStream<WebSocketStream<S>>,
        in_flight: &mut JoinSet<()>,
    ) -> Ending
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let limits = self.shared.limits;
        let mut stopping = self.shared.stopping.clone();
        let delivering = deliver(sink, &mut self.outbound);
        let lifetime = sleep(limits.lifetime);
        tokio::pin!(delivering, lifetime);
        let mut received_ms = 0;
        loop {
            let idle = Duration::from_millis(self.registration.idle_ms());
            let Some(idle_left) = limits.idle.checked_sub(idle).filter(|left| !left.is_zero()) else {
                return Ending::closed_by_us(CloseCode::Away, "Going away");
            };
            tokio::select! {
                ending = &mut delivering => return ending,
                () = &mut lifetime => return Ending::closed_by_us(CloseCode::Away, "Going away"),
                () = sleep(idle_left.max(IDLE_STEP)) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {
                    return Ending::closed_by_us(CloseCode::Away, "Going away");
                }
                Some(_) = in_flight.join_next() => {}
                message = stream.next(), if in_flight.len() < limits.in_flight => match message {
                    Some(Ok(Message::Text(text))) => {
                        self.registration.touch();
                        // Stamped here, in the order of arrival, and not where messages overtake each other.
                        received_ms = self.shared.connections.now_ms().max(received_ms + 1);
                        let (shared, api, context) = (self.shared.clone(), self.api.clone(), self.context.clone());
                        in_flight.spawn(async move { handle(&shared, &api, &context, &text, received_ms).await });
                    }
                    Some(Ok(Message::Binary(_))) => {
                        return Ending::closed_by_us(CloseCode::Unsupported, "Binary frames are not supported");
                    }
                    Some(Ok(Message::Close(frame))) => return Ending::closed_by_client(frame),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Ending::from_error(&error),
                    None => return Ending::lost(),
                },
            }
        }
    }
}

/// Sends what was posted, until the connection is deleted or lost.
async fn deliver<S>(sink: &mut SplitSink<WebSocketStream<S>, Message>, outbound: &mut Outbound) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(data) = outbound.next().await {
        if sink.send(Message::Text(text_of(data))).await.is_err() {
            return Ending::lost();
        }
    }
    Ending::closed_by_us(CloseCode::Normal, "Connection Closed Normally")
}

/// API Gateway sends text frames only, whatever was posted.
fn text_of(data: Bytes) -> Utf8Bytes {
    match Utf8Bytes::try_from(data.clone()) {
        Ok(text) => text,
        Err(_) => String::from_utf8_lossy(&data).into_owned().into(),
    }
}

/// Routes one message to its function; a failed integration is told to the client, and the connection lives.
async fn handle(shared: &Shared, api: &WebSocketApi, context: &Context, text: &str, received_ms: u64) {
    let request_id = new_connection_id();
    let complaint = match routes::of_message(api, text) {
        None => Some("Forbidden"),
        Some(route) => {
            let event = context.message_event(route, text, &request_id, received_ms);
            let result = invoke(shared, &api.routes[route], event).await;
            // A result without a status is no integration response. One of 400 and more is: it is nobody's news,
            // since the route has no route response.
            let answered = result.as_ref().is_ok_and(|result| http_result::status(result).is_some());
            (!answered).then_some("Internal server error")
        }
    };
    if let Some(complaint) = complaint {
        let body = reply::socket_message(complaint, &context.connection_id, &request_id);
        if let Err(error) = shared.connections.post(&context.connection_id, body.to_string()) {
            tracing::debug!(%error, "a failed integration could not be told to the client");
        }
    }
}

/// Tells the `$disconnect` integration, best effort.
async fn disconnected(shared: &Shared, api: &WebSocketApi, context: &Context, ending: &Ending) {
    let Some(function) = api.routes.get("$disconnect") else {
        return;
    };
    let event = context.disconnect_event(ending.code, &ending.reason, shared.connections.now_ms());
    // Functions log their own failures.
    let _ = invoke(shared, function, event).await;
}

/// Ends the TCP connection so that a close frame before it still arrives: what the client had sent is read first,
/// since unread data would turn the end into a reset.
async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0; 4096];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}
