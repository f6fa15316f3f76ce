//! What crosses a boundary: socket messages, frame records, connection parameters, queue messages, REST bodies and table
//! items.
//!
//! Wire types are not domain types: conversion is explicit, and a type here changes only with what it is read by.

pub mod advice;
pub mod connection;
pub mod credentials;
pub mod deferred;
pub mod items;
pub mod messages;
pub mod record;
pub mod rest;
pub mod socket_event;
