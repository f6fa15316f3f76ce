//! What a person or a program sees of recordings on their way: bars on a terminal and a line each, or one object a line.

use std::{
    io::{self, IsTerminal, Write},
    sync::Mutex,
    time::Duration,
};

use callboard_domain::{
    CallId,
    recording::{RecordingState, RecordingView},
};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::sending::Progress;
use crate::times;

/// Where it is shown.
pub(crate) struct Report {
    json: bool,
    bars: MultiProgress,
    counted: Mutex<Summary>,
}

/// What happened to a recording.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "recording")]
pub(crate) struct Told<'a> {
    /// The file, as it was named.
    pub file: &'a str,
    /// Its call, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<&'a CallId>,
    /// What happened.
    pub state: Happened,
    /// Bytes that were sent now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_bytes: Option<u64>,
    /// Whether some of it, or all, was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<bool>,
    /// Why not, in words for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
}

/// See [`Told`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Happened {
    /// The stack has all of it.
    Uploaded,
    /// It was not sent, or not to the end.
    NotUploaded,
    /// Its text is there.
    Done,
    /// It was worked on, and nothing came of it.
    Failed,
}

/// What it came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "summary")]
pub(crate) struct Summary {
    /// Recordings that were named.
    pub files: usize,
    /// Of them, sent now.
    pub uploaded: usize,
    /// Of them, there already.
    pub there: usize,
    /// Of them, done.
    pub done: usize,
    /// Of them, not sent, or sent and failed.
    pub failed: usize,
    /// Bytes that were sent.
    pub sent_bytes: u64,
}

impl Report {
    /// One on this terminal.
    pub(crate) fn new(json: bool) -> Self {
        let target =
            if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { json, bars: MultiProgress::with_draw_target(target), counted: Mutex::default() }
    }

    /// A bar of so many bytes.
    pub(crate) fn bar(&self, name: &str, bytes: u64) -> Bar {
        let bar = self.bars.add(ProgressBar::new(bytes));
        let template = "{bar:24.cyan} {bytes:>10} of {total_bytes:<10} {binary_bytes_per_sec:>12}  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        Bar(bar)
    }

    /// A bar of what is worked on, in percent.
    pub(crate) fn work(&self, name: &str) -> WorkBar {
        let bar = self.bars.add(ProgressBar::new(100));
        if let Ok(style) = ProgressStyle::with_template("{bar:24.green} {pos:>3} %  {prefix}  {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(500));
        WorkBar(bar)
    }

    /// Tells what happened, and counts it.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub(crate) fn told(&self, told: &Told<'_>) -> io::Result<()> {
        self.count(told);
        if self.json {
            return self.line(&serde_json::to_string(told)?);
        }
        let call = told.call.map(ToString::to_string).unwrap_or_default();
        match told.state {
            Happened::Uploaded if told.sent_bytes == Some(0) => {
                self.line(&format!("{}  {call}  is there already", told.file))
            }
            Happened::Uploaded => self.line(&format!("{}  {call}  uploaded", told.file)),
            Happened::Done => self.line(&format!("{}  {call}  done: callboard show {call}", told.file)),
            Happened::NotUploaded | Happened::Failed => {
                let call = if call.is_empty() { call } else { format!(" ({call})") };
                self.notice(&format!("{}{call}: {}", told.file, told.reason.unwrap_or("no reason told")));
                Ok(())
            }
        }
    }

    /// Says something on stderr.
    pub(crate) fn notice(&self, text: &str) {
        let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
        self.bars.suspend(|| {
            let _ = writeln!(io::stderr(), "callboard: {text}");
        });
    }

    /// The last line; on a terminal and where it was more than one.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub(crate) fn summary(&self, summary: &Summary) -> io::Result<()> {
        if self.json {
            return self.line(&serde_json::to_string(summary)?);
        }
        if summary.files > 1 {
            let Summary { files, uploaded, there, done, failed, .. } = summary;
            let text =
                format!("{files} recordings: {uploaded} uploaded, {there} there already, {done} done, {failed} failed");
            self.notice(&text);
        }
        Ok(())
    }

    /// What was counted so far.
    pub(crate) fn counted(&self) -> Summary {
        self.counted.lock().map(|counted| counted.clone()).unwrap_or_default()
    }

    fn count(&self, told: &Told<'_>) {
        let Ok(mut counted) = self.counted.lock() else { return };
        counted.sent_bytes += told.sent_bytes.unwrap_or_default();
        match told.state {
            Happened::Uploaded if told.sent_bytes == Some(0) => counted.there += 1,
            Happened::Uploaded => counted.uploaded += 1,
            Happened::Done => counted.done += 1,
            Happened::NotUploaded | Happened::Failed => counted.failed += 1,
        }
    }

    fn line(&self, text: &str) -> io::Result<()> {
        self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            writeln!(out, "{text}").and_then(|()| out.flush())
        })
    }
}

/// The bar of a recording that is sent. It goes when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Progress for Bar {
    fn there(&self, bytes: u64) {
        self.0.set_position(bytes);
        self.0.reset_eta();
    }

    fn sent(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn lost(&self, bytes: u64) {
        self.0.dec(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The bar of a recording that is worked on. It goes when it is dropped.
pub(crate) struct WorkBar(ProgressBar);

impl WorkBar {
    /// Shows how far it is.
    pub(crate) fn at(&self, view: &RecordingView, now_ms: i64) {
        self.0.set_position(u64::from(view.percent));
        self.0.set_message(words(view, now_ms));
    }
}

impl Drop for WorkBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn words(view: &RecordingView, now_ms: i64) -> String {
    match (view.state, view.expected_end_ms) {
        (RecordingState::Awaited, _) => "is expected".to_owned(),
        (RecordingState::Uploaded | RecordingState::Queued, _) => "waits for a worker".to_owned(),
        (_, Some(end_ms)) => {
            let left = u64::try_from(end_ms.saturating_sub(now_ms)).unwrap_or_default();
            format!("about {} to go", times::length(left))
        }
        _ => "is transcribed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_a_line() {
        let call = CallId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let mut told = Told {
            file: "a.wav",
            call: Some(&call),
            state: Happened::Uploaded,
            sent_bytes: Some(7),
            resumed: Some(false),
            reason: None,
        };
        let check = |told: &Told<'_>, expected| assert_eq!(serde_json::to_string(told).unwrap(), expected);
        check(
            &told,
            r#"{"type":"recording","file":"a.wav","call":"01ARZ3NDEKTSV4RRFFQ69G5FAV","state":"uploaded","sent_bytes":7,"resumed":false}"#,
        );
        told = Told { call: None, state: Happened::NotUploaded, sent_bytes: None, resumed: None, ..told };
        told.reason = Some("gone");
        check(&told, r#"{"type":"recording","file":"a.wav","state":"not_uploaded","reason":"gone"}"#);
        let summary = serde_json::to_string(&Summary { files: 1, failed: 1, ..Summary::default() }).unwrap();
        assert!(summary.starts_with(r#"{"type":"summary","files":1,"#), "{summary}");
    }

    #[test]
    fn what_is_left_is_told_in_time() {
        let view = |state, expected_end_ms| RecordingView {
            expected_end_ms,
            ..callboard_domain::recording::Recording { state, ..Default::default() }.view(0)
        };
        for (state, end_ms, expected) in [
            (RecordingState::Awaited, None, "is expected"),
            (RecordingState::Queued, None, "waits for a worker"),
            (RecordingState::Transcribing, None, "is transcribed"),
            (RecordingState::Transcribing, Some(63_000), "about 1:02 to go"),
            (RecordingState::Transcribing, Some(0), "about 0:00 to go"),
        ] {
            assert_eq!(words(&view(state, end_ms), 1_000), expected);
        }
    }
}
