//! The whole path, end to end: real sockets and real processes, a scripted transcription service at the far end.
//!
//! `callboard dev` as a process where the process is the point (commands, restarts, settings); the same stack in this
//! process where a test looks inside it or changes its wiring.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot go on ends here, and tells what it counted"
)]

mod accounts;
mod advice;
mod beside;
mod clients;
mod compat;
mod conditions;
mod feed;
mod feedback;
mod files;
mod handshake;
mod keep;
mod keep_live;
mod listing;
mod long_call;
mod messages;
mod organizations;
mod outages;
mod partial;
mod permissions;
mod playbooks;
mod prerecorded;
mod quiet;
mod recordings;
mod redaction;
mod redelivery;
mod redrive;
mod restart;
mod secrets;
mod settings;
mod show;
mod speech_faults;
mod streaming;
mod tokens;
mod upload;
mod wiring;
