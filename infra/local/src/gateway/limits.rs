//! API Gateway's limits, in one place; tests make them smaller.

use std::time::Duration;

/// Limits of both APIs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A WebSocket on which no message goes either way for this long is closed. Pings do not count.
    pub idle: Duration,
    /// No WebSocket lives longer.
    pub lifetime: Duration,
    /// Largest WebSocket frame.
    pub frame_bytes: usize,
    /// Largest WebSocket message.
    pub message_bytes: usize,
    /// Messages of one connection that functions handle at once, before the socket is read no further.
    pub in_flight: usize,
    /// How long a WebSocket integration or any authorizer may take.
    pub integration: Duration,
    /// Largest authorizer result.
    pub authorizer_bytes: usize,
    /// Largest HTTP request body.
    pub request_bytes: usize,
    /// Largest event or result of a function.
    pub payload_bytes: usize,
    /// How long a closing client may take to go.
    pub closing: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            idle: Duration::from_secs(10 * 60),
            lifetime: Duration::from_secs(2 * 60 * 60),
            frame_bytes: 32 * 1024,
            message_bytes: 128 * 1024,
            in_flight: 32,
            integration: Duration::from_secs(29),
            authorizer_bytes: 8 * 1024,
            request_bytes: 10 * 1024 * 1024,
            payload_bytes: 6 * 1024 * 1024,
            closing: Duration::from_secs(2),
        }
    }
}
