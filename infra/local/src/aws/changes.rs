//! Tells readers of a stream or a queue that something was written, so that nobody has to poll fast.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

/// One counter a source; cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    senders: Arc<Mutex<HashMap<String, watch::Sender<u64>>>>,
}

impl Changes {
    /// Says that `source` (`kinesis/<stream>`, `dynamodb/<table>`, `sqs/<queue>`) has something new.
    pub fn announce(&self, source: &str) {
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(source) {
            sender.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// A receiver that changes whenever `source` does.
    pub fn watch(&self, source: &str) -> watch::Receiver<u64> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.entry(source.to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
    }
}
