//! Where the time of a part goes, for whoever measures it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use callboard_domain::CallId;

/// Sums in microseconds. Stages run beside each other, so they may come to more than the time that passed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stages(Arc<Sums>);

#[derive(Debug, Default)]
struct Sums {
    decode: AtomicU64,
    speech: AtomicU64,
    tables: AtomicU64,
}

impl Stages {
    /// Reading, decoding and finding utterances took so long.
    pub(crate) fn decoded(&self, took: Duration) {
        add(&self.0.decode, took);
    }

    /// The transcription service took so long for an utterance.
    pub(crate) fn recognized(&self, took: Duration) {
        add(&self.0.speech, took);
    }

    /// Redacting and writing took so long.
    pub(crate) fn written(&self, took: Duration) {
        add(&self.0.tables, took);
    }

    /// Logs the sums.
    pub(crate) fn report(&self, call: &CallId) {
        let ms = |sum: &AtomicU64| sum.load(Ordering::Relaxed) / 1_000;
        let Sums { decode, speech, tables } = &*self.0;
        tracing::info!(
            target: "callboard::stages",
            call = %call,
            decode_ms = ms(decode),
            speech_ms = ms(speech),
            tables_ms = ms(tables),
            "a part of a recording was worked on"
        );
    }
}

fn add(sum: &AtomicU64, took: Duration) {
    sum.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
