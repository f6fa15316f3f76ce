//! The gateway over real sockets, in front of toy functions: what API Gateway answers to what.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

mod harness;
mod http;
mod sockets;
mod sockets_closing;
mod stack;
