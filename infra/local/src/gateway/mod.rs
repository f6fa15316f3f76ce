//! The door: API Gateway's WebSocket and HTTP APIs, on one port.

pub mod connections;

pub use connections::Connections;
