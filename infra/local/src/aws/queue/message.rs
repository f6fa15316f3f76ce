//! What goes in and out of a queue: its rules, messages, refusals, and what has to be stored.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::template;

/// What the template says about a queue, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// How long a received message stays hidden.
    pub visibility_ms: u64,
    /// How long a message is kept.
    pub retention_ms: u64,
    /// How long a new message stays hidden.
    pub delay_ms: u64,
    /// Keeps order within groups and drops duplicates.
    pub fifo: bool,
    /// A message's body is its deduplication id, unless it has one.
    pub content_based_deduplication: bool,
    /// Receives after which a message goes to the dead-letter queue.
    pub max_receives: Option<u32>,
}

impl From<&template::Queue> for Rules {
    fn from(queue: &template::Queue) -> Rules {
        Rules {
            visibility_ms: queue.visibility_timeout_s * 1000,
            retention_ms: queue.retention_s * 1000,
            delay_ms: queue.delay_s * 1000,
            fifo: queue.fifo,
            content_based_deduplication: queue.content_based_deduplication,
            max_receives: queue.redrive.as_ref().map(|(_, receives)| *receives),
        }
    }
}

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Place in the queue.
    pub seq: u64,
    /// Message id.
    pub id: String,
    /// Body.
    pub body: String,
    /// Message attributes, as the API takes them.
    pub attributes: Value,
    /// FIFO group.
    pub group: Option<String>,
    /// Deduplication id.
    pub deduplication: Option<String>,
    /// When it was sent.
    pub sent_ms: u64,
    /// Hidden until then.
    pub visible_ms: u64,
    /// How often it was received.
    pub receives: u32,
    /// When it was received first.
    pub first_received_ms: Option<u64>,
}

impl Message {
    /// Names this receive of the message.
    pub fn receipt(&self) -> String {
        format!("{}.{}.{}", self.seq, self.receives, self.id)
    }
}

/// A message on its way in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewMessage {
    /// Message id to give it.
    pub id: String,
    /// Body.
    pub body: String,
    /// Message attributes.
    pub attributes: Value,
    /// FIFO group; required there.
    pub group: Option<String>,
    /// Deduplication id.
    pub deduplication: Option<String>,
    /// Delay of this one message; standard queues only.
    pub delay_ms: Option<u64>,
}

/// Why a message or a receipt was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// A FIFO queue needs a group.
    #[error("the request must contain the parameter MessageGroupId")]
    GroupMissing,
    /// A FIFO queue without content-based deduplication needs an id.
    #[error(
        "the queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    )]
    DeduplicationMissing,
    /// The receipt names no message that is in flight.
    #[error("the receipt handle is not valid (any more)")]
    Receipt,
}

/// What changed since the caller last asked.
#[derive(Debug, Default, PartialEq)]
pub struct Dirty {
    /// Messages to store or, where the queue has them no more, to delete.
    pub messages: BTreeSet<u64>,
    /// Deduplication ids, likewise.
    pub duplicates: BTreeSet<String>,
}

/// How many messages are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready to be received.
    pub visible: usize,
    /// Received and not deleted.
    pub in_flight: usize,
    /// Sent with a delay that is not over.
    pub delayed: usize,
}
