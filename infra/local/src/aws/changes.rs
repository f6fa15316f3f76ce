//! Tells readers of a stream or a queue that something was written, so that nobody has to poll fast.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use futures_util::FutureExt as _;
use tokio::sync::Notify;

/// The readers of each source; cloning shares them. They are woken in the order in which they came, so that a
/// simulation runs the same way twice.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    readers: Arc<Mutex<HashMap<String, Vec<Weak<Notify>>>>>,
}

/// Whether a source has something new since it was last looked at.
#[derive(Debug)]
pub struct Changed(Arc<Notify>);

impl Changes {
    /// Says that `source` (`kinesis/<stream>`, `dynamodb/<table>`, `sqs/<queue>`) has something new.
    pub fn announce(&self, source: &str) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(readers) = readers.get_mut(source) {
            readers.retain(|reader| {
                reader.upgrade().is_some_and(|reader| {
                    reader.notify_one();
                    true
                })
            });
        }
    }

    /// Watches a source.
    pub fn watch(&self, source: &str) -> Changed {
        let changed = Changed(Arc::default());
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.entry(source.to_owned()).or_default().push(Arc::downgrade(&changed.0));
        changed
    }
}

impl Changed {
    /// Forgets what was announced so far: the source is looked at now.
    pub fn mark_unchanged(&self) {
        self.0.notified().now_or_never();
    }

    /// Waits for the next change. Cancel-safe.
    pub async fn changed(&self) {
        self.0.notified().await;
    }
}
