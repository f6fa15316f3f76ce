//! What crosses a boundary: socket messages, frame records, connection parameters, queue messages, REST bodies and table
//! items.
//!
//! Wire types are not domain types: conversion is explicit, and a type here changes only with what it is read by.

pub mod advice;
pub mod archive;
#[cfg(feature = "schema")]
pub mod asyncapi;
pub mod compat;
pub mod connection;
pub mod credentials;
pub mod deferred;
pub mod export;
pub mod frames;
pub mod items;
pub mod kept;
pub mod messages;
#[cfg(feature = "schema")]
pub mod openapi;
pub mod record;
pub mod rest;
pub mod socket_event;
pub mod work;

/// The REST API as an OpenAPI document, in JSON. A test holds it to the types.
pub const OPENAPI: &str = include_str!("../api/openapi.json");
/// The socket as an AsyncAPI document, in JSON. A test holds it to the types.
pub const ASYNCAPI: &str = include_str!("../api/asyncapi.json");
