//! What is seen while the calls go on.

use std::{
    io::{self, IsTerminal as _},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of the audio that is spoken, and how many calls go on.
pub(super) struct Board {
    bar: ProgressBar,
    calls: usize,
    begun: AtomicUsize,
    over: AtomicUsize,
    held: AtomicUsize,
}

impl Board {
    /// For so many calls with so much audio in all. Hidden where nobody looks.
    pub(super) fn new(calls: usize, audio_ms: u64) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(audio_ms) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:32.cyan} {percent} %  {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, calls, begun: AtomicUsize::new(0), over: AtomicUsize::new(0), held: AtomicUsize::new(0) }
    }

    /// A call begins.
    pub(super) fn begins(&self) {
        self.begun.fetch_add(1, Relaxed);
        self.tell();
    }

    /// So much more audio was spoken, in milliseconds.
    pub(super) fn spoke(&self, ms: u64) {
        self.bar.inc(ms);
    }

    /// A call is over.
    pub(super) fn ends(&self, held: bool) {
        self.over.fetch_add(1, Relaxed);
        self.held.fetch_add(usize::from(held), Relaxed);
        self.tell();
    }

    /// Nothing more is to be seen.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn tell(&self) {
        let (over, held) = (self.over.load(Relaxed), self.held.load(Relaxed));
        let going = self.begun.load(Relaxed) - over;
        self.bar.set_message(format!("{going} of {} calls go on, {held} of {over} were held", self.calls));
    }
}
