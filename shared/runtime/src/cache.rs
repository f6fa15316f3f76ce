//! What a warm environment may keep for a while instead of reading it again. Nothing depends on it.

use std::{collections::HashMap, future::Future, hash::Hash, sync::Mutex};

/// Values by key, each for a limited time.
#[derive(Debug)]
pub struct Cache<K, V> {
    keep_ms: i64,
    known: Mutex<HashMap<K, (i64, V)>>,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Keeps each value for so many milliseconds.
    pub fn new(keep_ms: i64) -> Self {
        Self { keep_ms, known: Mutex::default() }
    }

    /// The value of a key: the kept one while it is fresh, else what `load` gives.
    ///
    /// # Errors
    /// Those of `load`; then nothing is kept.
    pub async fn get<E>(&self, key: K, now_ms: i64, load: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        if let Ok(known) = self.known.lock()
            && let Some((at_ms, value)) = known.get(&key)
            && now_ms - at_ms < self.keep_ms
        {
            return Ok(value.clone());
        }
        let value = load.await?;
        if let Ok(mut known) = self.known.lock() {
            known.retain(|_, (at_ms, _)| now_ms - *at_ms < self.keep_ms);
            known.insert(key, (now_ms, value.clone()));
        }
        Ok(value)
    }
}
