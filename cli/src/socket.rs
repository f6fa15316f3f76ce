//! A socket to a stack: opening it, and saying in plain words why it does not open.
//!
//! A task of its own reads it, so that what arrives is stamped at once and a full outgoing side never blocks it.

use std::{io, time::Duration};

use callboard_wire::messages::ClientMessage;
use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest, http},
};

use crate::stack::Stack;

/// Longest wait for a connection, and for one message to leave.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a socket did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nobody listens there.
    #[error("no stack answers on {0}: start one with `callboard dev`, or name another with --url")]
    NobodyThere(String),
    /// The stack said no, and will say so again.
    #[error("the stack refused the connection with {status} ({message}): {advice}")]
    Denied {
        /// HTTP status.
        status: u16,
        /// The body's message.
        message: String,
        /// What to do.
        advice: &'static str,
    },
    /// It may work a moment later.
    #[error("the connection failed: {0}")]
    Failed(String),
}

/// Something that came over a socket.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message, and when it came: wall clock, milliseconds since the Unix epoch.
    Text {
        /// As it was sent.
        text: String,
        /// When it came.
        at_ms: i64,
    },
    /// Nothing more will come, and why.
    Closed(String),
}

/// An open socket.
pub(crate) struct Socket {
    sink: SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>,
    reader: JoinHandle<()>,
    /// What came.
    pub(crate) incoming: mpsc::UnboundedReceiver<Incoming>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Socket {
    /// Opens a socket with these query parameters.
    ///
    /// # Errors
    /// Says whether trying again makes sense.
    pub(crate) async fn open(stack: &Stack, parameters: &[(&str, String)]) -> Result<Self, Refusal> {
        let failed = |problem: &dyn std::fmt::Display| Refusal::Failed(problem.to_string());
        let mut request = stack.socket_address(parameters).into_client_request().map_err(|error| failed(&error))?;
        if let Some(token) = stack.token() {
            let value = http::HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| failed(&"the token holds characters that no header can carry"))?;
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
        }
        // Without Nagle's algorithm, which would hold small frames back.
        let opened =
            tokio::time::timeout(PATIENCE, Box::pin(connect_async_tls_with_config(request, None, true, None))).await;
        let (socket, _) = opened
            .map_err(|_| failed(&format!("no answer within {} s", PATIENCE.as_secs())))?
            .map_err(|error| refusal(error, stack))?;
        let (sink, mut stream) = socket.split();
        let (sender, incoming) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            let reason = loop {
                match stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        let message = Incoming::Text { text: text.to_string(), at_ms: wall_clock_ms() };
                        if sender.send(message).is_err() {
                            return;
                        }
                    }
                    Some(Ok(Message::Close(frame))) => {
                        let reason = frame.map(|frame| format!("{} {}", u16::from(frame.code), frame.reason));
                        break format!(
                            "the stack closed it ({})",
                            reason.unwrap_or_else(|| "no reason".into()).trim_end()
                        );
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error.to_string(),
                    None => break "it ended".into(),
                }
            };
            let _ = sender.send(Incoming::Closed(reason));
        });
        Ok(Self { sink, reader, incoming })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) async fn send(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        self.send_text(serde_json::to_string(message)?).await
    }

    /// Sends a message that is written already.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) async fn send_text(&mut self, text: String) -> anyhow::Result<()> {
        tokio::time::timeout(PATIENCE, self.sink.send(Message::text(text)))
            .await
            .map_err(|_| anyhow::anyhow!("a message could not leave within {} s", PATIENCE.as_secs()))??;
        Ok(())
    }

    /// Says goodbye; what the other side makes of it does not matter.
    pub(crate) async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(1), self.sink.close()).await;
    }
}

/// Milliseconds since the Unix epoch.
#[allow(clippy::disallowed_methods, reason = "the one place where this program reads the wall clock, to measure delay")]
fn wall_clock_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn refusal(error: Error, stack: &Stack) -> Refusal {
    match error {
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Refusal::NobodyThere(stack.address().to_owned())
        }
        Error::Http(response) => {
            let status = response.status().as_u16();
            let body = response.body().as_deref().unwrap_or_default();
            let message = body_message(body).unwrap_or_else(|| response.status().to_string());
            denied(status, message)
        }
        other => Refusal::Failed(other.to_string()),
    }
}

/// The text of an error body: API Gateway's `message`, or a problem's `detail`.
pub(crate) fn body_message(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = ["message", "detail"].iter().find_map(|field| value.get(field)?.as_str())?;
    Some(text.chars().filter(|letter| !letter.is_control()).take(300).collect())
}

fn denied(status: u16, message: String) -> Refusal {
    let advice = match status {
        401 => "name a valid token with --token or CALLBOARD_TOKEN; the token of a local stack is found by itself",
        403 => {
            "this token may not do that, or the call id is taken by another organization or other parameters: \
             use another token, or leave --call out"
        }
        404 => "there is no socket at this address: check --url",
        429 | 500.. => return Refusal::Failed(format!("{status} {message}")),
        _ => "mend what it names",
    };
    Refusal::Denied { status, message, advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_was_answered_and_what_to_do() {
        for (status, body, expected) in [
            (401, r#"{"message":"Unauthorized"}"#, "with 401 (Unauthorized): name a valid token"),
            (
                403,
                r#"{"message":"parameter encoding: \"x\" is not supported"}"#,
                "with 403 (parameter encoding: \"x\" is not supported): ",
            ),
            (400, r#"{"detail":"channels"}"#, "with 400 (channels): mend what it names"),
        ] {
            let text = denied(status, body_message(body.as_bytes()).unwrap()).to_string();
            assert!(text.contains(expected), "{text}");
        }
        assert!(matches!(denied(503, "busy".into()), Refusal::Failed(_)));
        assert_eq!(body_message(b"<html>"), None);
        assert_eq!(body_message(b"{\"message\":\"a\\u001b[2Jb\"}").as_deref(), Some("a[2Jb"));
    }
}
