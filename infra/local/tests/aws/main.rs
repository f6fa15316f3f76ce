//! The local services and event sources, through the real SDK clients.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod dynamodb;
mod kinesis;
mod queues;
mod streams;
mod support;
mod timing;
