//! Whoever takes what is told of invocations, on loopback, for tests: it keeps what arrives as it came.

use axum::{Router, extract::State, http::HeaderMap};
use bytes::Bytes;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

/// Path, headers and body of a request.
type Arrived = (String, HeaderMap, Bytes);

/// One that answers 200 until it is dropped.
pub(crate) struct Receiver {
    pub(crate) url: String,
    arrived: mpsc::UnboundedReceiver<Arrived>,
    serving: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, arrived) = mpsc::unbounded_channel();
        let router = Router::new().fallback(take).with_state(sender);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, arrived, serving }
    }

    pub(crate) async fn next(&mut self) -> Arrived {
        self.arrived.recv().await.unwrap()
    }

    /// What was sent is there when its sender has an answer.
    pub(crate) async fn nothing_more(&mut self) {
        assert!(self.arrived.try_recv().is_err());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(
    State(sender): State<mpsc::UnboundedSender<Arrived>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) {
    sender.send((uri.path().to_owned(), headers, body)).unwrap();
}
