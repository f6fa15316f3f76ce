//! The open WebSocket connections, and what the management API may do to them: post, get, delete.
//!
//! It owns the bounded queue between a post and the socket. It knows no frame and no TCP: whoever registers a
//! connection delivers what comes out of its [`Outbound`], so a simulation can stand in for the socket.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use crate::aws::{WallClock, system_clock};

/// Largest message that can be posted to a connection.
pub const MAX_POST_BYTES: usize = 128 * 1024;
/// Messages that may wait for one slow client.
const QUEUE_MESSAGES: usize = 1024;
/// Bytes that may wait for one slow client.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// Why a message was not queued for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// There is no such connection (HTTP 410).
    #[error("the connection is gone")]
    Gone,
    /// The client reads too slowly and its buffer is full (HTTP 429).
    #[error("the client's buffer is full")]
    LimitExceeded,
    /// More than 128 KiB (HTTP 413).
    #[error("a message holds at most {MAX_POST_BYTES} bytes")]
    PayloadTooLarge,
}

/// What `GetConnection` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// When it was opened, milliseconds since the epoch.
    pub connected_at_ms: u64,
    /// When a message last went either way, milliseconds since the epoch.
    pub last_active_ms: u64,
    /// The client's address.
    pub source_ip: String,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
}

/// Who is on the other side of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// The client's address.
    pub source_ip: String,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
}

/// All open connections. Cloning is cheap and shares them.
#[derive(Clone)]
pub struct Connections {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
    clock: WallClock,
}

#[derive(Clone)]
struct Entry {
    outbound: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
}

/// What the registry and the socket both look at.
struct Shared {
    peer: Peer,
    connected_at_ms: u64,
    last_active_ms: AtomicU64,
    queued_bytes: AtomicUsize,
    deleted: Notify,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connections").field("open", &self.len()).finish()
    }
}

impl Default for Connections {
    fn default() -> Self {
        Connections::with_clock(system_clock())
    }
}

impl Connections {
    /// No connections yet; times come from the clock that is handed in.
    pub fn with_clock(clock: WallClock) -> Connections {
        Connections { entries: Arc::default(), clock }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Milliseconds since the epoch, by the clock that was handed in.
    pub(crate) fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Takes a connection in. It can be posted to at once; it is gone when the registration is dropped.
    pub fn register(&self, connection_id: String, peer: Peer) -> (Registration, Outbound) {
        let now = (self.clock)();
        let (sender, receiver) = mpsc::channel(QUEUE_MESSAGES);
        let shared = Arc::new(Shared {
            peer,
            connected_at_ms: now,
            last_active_ms: AtomicU64::new(now),
            queued_bytes: AtomicUsize::new(0),
            deleted: Notify::new(),
        });
        let entry = Entry { outbound: sender, shared: shared.clone() };
        self.entries().insert(connection_id.clone(), entry);
        let outbound = Outbound { receiver, shared: shared.clone() };
        (Registration { connection_id, connections: self.clone(), shared }, outbound)
    }

    /// Queues a message for a connection (`PostToConnection`).
    pub fn post(&self, connection_id: &str, data: impl Into<Bytes>) -> Result<(), PostError> {
        let data = data.into();
        let entry = self.entries().get(connection_id).cloned().ok_or(PostError::Gone)?;
        if data.len() > MAX_POST_BYTES {
            return Err(PostError::PayloadTooLarge);
        }
        let size = data.len();
        let queued = &entry.shared.queued_bytes;
        if queued.fetch_add(size, Ordering::Relaxed) + size > QUEUE_BYTES {
            queued.fetch_sub(size, Ordering::Relaxed);
            return Err(PostError::LimitExceeded);
        }
        if let Err(error) = entry.outbound.try_send(data) {
            queued.fetch_sub(size, Ordering::Relaxed);
            return Err(match error {
                mpsc::error::TrySendError::Full(_) => PostError::LimitExceeded,
                mpsc::error::TrySendError::Closed(_) => PostError::Gone,
            });
        }
        entry.shared.last_active_ms.store((self.clock)(), Ordering::Relaxed);
        Ok(())
    }

    /// What is known about a connection (`GetConnection`).
    pub fn get(&self, connection_id: &str) -> Option<ConnectionInfo> {
        let entry = self.entries().get(connection_id).cloned()?;
        Some(ConnectionInfo {
            connected_at_ms: entry.shared.connected_at_ms,
            last_active_ms: entry.shared.last_active_ms.load(Ordering::Relaxed),
            source_ip: entry.shared.peer.source_ip.clone(),
            user_agent: entry.shared.peer.user_agent.clone(),
        })
    }

    /// Closes a connection (`DeleteConnection`); false if there is none.
    pub fn delete(&self, connection_id: &str) -> bool {
        let Some(entry) = self.entries().remove(connection_id) else {
            return false;
        };
        entry.shared.deleted.notify_one();
        true
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection. Dropping it makes the connection gone.
pub struct Registration {
    connection_id: String,
    connections: Connections,
    shared: Arc<Shared>,
}

impl Registration {
    /// The connection's id.
    pub fn connection_id(&self) -> &str {
        &self.connection_id
    }

    /// When it was opened, milliseconds since the epoch.
    pub fn connected_at_ms(&self) -> u64 {
        self.shared.connected_at_ms
    }

    /// Notes that a message came in.
    pub fn touch(&self) {
        self.shared.last_active_ms.store(self.connections.now_ms(), Ordering::Relaxed);
    }

    /// How long no message has gone either way, in milliseconds.
    pub fn idle_ms(&self) -> u64 {
        self.connections.now_ms().saturating_sub(self.shared.last_active_ms.load(Ordering::Relaxed))
    }
}

/// What was posted to a connection, in order.
pub struct Outbound {
    receiver: mpsc::Receiver<Bytes>,
    shared: Arc<Shared>,
}

impl Outbound {
    /// The next posted message; none once the connection was deleted. Cancel-safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        let data = tokio::select! {
            biased;
            () = self.shared.deleted.notified() => {
                self.receiver.close();
                None
            }
            data = self.receiver.recv() => data,
        };
        if let Some(data) = &data {
            self.shared.queued_bytes.fetch_sub(data.len(), Ordering::Relaxed);
        }
        data
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.connections.entries().remove(&self.connection_id);
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").field("connection_id", &self.connection_id).finish()
    }
}

/// A fresh connection id in API Gateway's shape: padded, so that whoever forgets to escape it in a URL finds out.
pub fn new_connection_id() -> String {
    let bytes: [u8; 11] = std::array::from_fn(|_| fastrand::u8(..));
    URL_SAFE.encode(bytes)
}

#[cfg(test)]
mod tests;
