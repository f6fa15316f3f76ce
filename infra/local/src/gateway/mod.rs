//! The door: API Gateway's WebSocket and HTTP APIs, and function URLs behind a distribution, on one port.
//!
//! It turns requests into events and results into responses, with API Gateway's limits and words. It knows no
//! Callboard message. Headers, query strings and bodies may hold tokens and are never logged.

mod calendar;
pub mod connections;
mod cors;
mod function_url;
mod http_api;
mod http_event;
mod http_result;
mod limits;
mod policy;
mod reply;
mod request;
mod routes;
mod session;
mod socket;
mod socket_event;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    response::Response,
    routing::any,
    serve::ListenerExt,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::Instant};

pub use self::{connections::Connections, limits::Limits};
use crate::{
    functions::Functions,
    template::{Behavior, HttpApi, Template, WebSocketApi},
};

/// How long requests may take to end once the gateway stops.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// A gateway that serves.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stopping: watch::Sender<bool>,
    sockets: watch::Sender<usize>,
    server: JoinHandle<io::Result<()>>,
}

/// What every request needs.
pub(crate) struct Shared {
    pub(crate) websocket: Option<WebSocketApi>,
    pub(crate) http: Option<HttpApi>,
    /// What goes to function URLs instead of the HTTP API.
    pub(crate) front: Vec<Behavior>,
    pub(crate) functions: Functions,
    pub(crate) connections: Connections,
    pub(crate) limits: Limits,
    pub(crate) extra: Router,
    pub(crate) stopping: watch::Receiver<bool>,
    /// How many sockets are open or still being cleaned up after.
    pub(crate) sockets: watch::Sender<usize>,
}

impl Gateway {
    /// Serves a template's APIs on a listener. What no route of the template takes goes to `extra`.
    pub fn serve(
        listener: TcpListener,
        template: &Template,
        functions: Functions,
        connections: Connections,
        limits: Limits,
        extra: Router,
    ) -> io::Result<Gateway> {
        let address = listener.local_addr()?;
        let (stopping, is_stopping) = watch::channel(false);
        let sockets = watch::Sender::new(0);
        let shared = Arc::new(Shared {
            websocket: template.websocket.clone(),
            http: template.http.clone(),
            front: template.front.clone(),
            functions,
            connections,
            limits,
            extra,
            stopping: is_stopping.clone(),
            sockets: sockets.clone(),
        });
        let mut router = Router::new().fallback(serve_http);
        if let Some(api) = &shared.websocket {
            router = router.route(&format!("/{}", api.stage), any(socket::connect));
        }
        let service = router.with_state(shared).into_make_service_with_connect_info::<SocketAddr>();
        let mut stopped = is_stopping;
        // A pushed message is small, and must not wait for the acknowledgement of the one before.
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY was refused");
            }
        });
        let server = axum::serve(listener, service).with_graceful_shutdown(async move {
            // An error means that the gateway was dropped, which also ends it.
            let _ = stopped.wait_for(|stopping| *stopping).await;
        });
        let server = tokio::spawn(async move { server.await });
        Ok(Gateway { address, stopping, sockets, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, closes the sockets (1001) with their `$disconnect` events, and lets the rest end.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let mut sockets = self.sockets.subscribe();
        let ended = async {
            let _ = sockets.wait_for(|open| *open == 0).await;
            let _ = (&mut self.server).await;
        };
        if tokio::time::timeout(STOP_GRACE, ended).await.is_err() {
            tracing::warn!("requests were still running when the gateway stopped");
            self.server.abort();
        }
    }
}

async fn serve_http(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = match function_url::of_path(&shared.front, &path) {
        Some(function) => function_url::serve(&shared, function, peer, request).await,
        None => http_api::serve(&shared, peer, request).await,
    };
    tracing::debug!(
        http.method = %method,
        http.path = path,
        http.status = response.status().as_u16(),
        http.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered",
    );
    response
}
