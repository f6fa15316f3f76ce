//! The core of Callboard: calls, segments, playbooks, coaching, redaction and permissions.
//!
//! Pure: no I/O, no clock, no environment, no randomness. Whatever is hard is decided here and tested here.
//! Wire formats, table items and services live elsewhere (`wire`, `adapters`).

pub mod accounts;
pub mod advice;
pub mod call;
pub mod coaching;
pub mod feedback;
pub mod ids;
pub mod model;
pub mod permissions;
pub mod playbook;
pub mod recording;
pub mod redaction;
pub mod segment;
pub mod settings;
pub mod speech;
pub mod transcript;

pub use call::{Call, CallStatus, Channel};
pub use ids::{CallId, OrgId, PlaybookId};
pub use segment::{Placeholder, Segment, SegmentTimes, Word};
