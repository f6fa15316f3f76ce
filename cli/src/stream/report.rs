//! What a person or a program sees of a streamed call: a live transcript, or one JSON message a line.

use std::{
    collections::HashSet,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use callboard_domain::{
    Channel,
    coaching::{Card, LandmarkState, Notes, ProgressView},
};
use callboard_wire::messages::{SegmentMessage, ServerMessage};
use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{Spread, Summary};

/// Where what comes in is shown.
pub(crate) struct Report {
    json: bool,
    colors: bool,
    bar: ProgressBar,
    landmarks: HashSet<String>,
}

impl Report {
    /// A report of a call with this much audio.
    pub(crate) fn new(json: bool, audio_ms: u64) -> Self {
        let bar = if io::stderr().is_terminal() { ProgressBar::new(audio_ms) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:32.cyan} {msg}") {
            bar.set_style(style);
        }
        Self { json, colors: !json && colors(), bar, landmarks: HashSet::new() }
    }

    /// Moves the bar to this place of the recording, or shows how loud devices are.
    pub(crate) fn at(&self, sent_ms: u64, levels: Option<Vec<String>>) {
        if let Some(levels) = levels {
            self.bar.tick();
            return self.bar.set_message(format!("{}  {}", clock(sent_ms), levels.join("  ")));
        }
        let total = self.bar.length().unwrap_or_default();
        self.bar.set_position(sent_ms);
        self.bar.set_message(format!("{} of {}", clock(sent_ms), clock(total)));
    }

    /// Says what is waited for.
    pub(crate) fn waiting_for(&self, what: &'static str) {
        self.bar.set_message(what);
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Says something about the connection, on stderr.
    pub(crate) fn notice(&self, text: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(io::stderr(), "callboard: {}", printable(text));
        });
    }

    /// A message as it came.
    ///
    /// # Errors
    /// When nobody reads the output any more.
    pub(crate) fn received(&self, text: &str) -> io::Result<()> {
        if self.json { self.line(&text.replace(['\n', '\r'], " ")) } else { Ok(()) }
    }

    /// A change that no push told: as the push would have been.
    ///
    /// # Errors
    /// When nobody reads the output any more.
    pub(crate) fn caught_up(&mut self, message: &ServerMessage) -> io::Result<()> {
        self.received(&message.to_json())?;
        self.changed(message)
    }

    /// A message that changed what is known of the call.
    ///
    /// # Errors
    /// When nobody reads the output any more.
    pub(crate) fn changed(&mut self, message: &ServerMessage) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        match message {
            ServerMessage::Segment(segment) => self.segment(segment),
            ServerMessage::Progress { progress, .. } => self.progress(progress),
            ServerMessage::Card { card, .. } => self.card(&card.card),
            ServerMessage::Notes { notes, .. } => self.notes(notes),
            ServerMessage::Error { message, .. } => {
                self.line(&self.paint("31", &format!("   error  {}", printable(message))))
            }
            _ => Ok(()),
        }
    }

    /// The figures at the end.
    ///
    /// # Errors
    /// When nobody reads the output any more.
    pub(crate) fn finish(&self, summary: &Summary) -> io::Result<()> {
        self.bar.finish_and_clear();
        if self.json {
            return self.line(&serde_json::to_string(summary)?);
        }
        let delay = match summary.latency_ms {
            Some(Spread { p50, p95, .. }) => format!(" · added delay {p50} ms, 95 % within {p95} ms"),
            None => String::new(),
        };
        self.line("")?;
        self.line(&format!(
            "{} of audio · {} segments · {} words · {} cards{delay}",
            clock(summary.audio_ms),
            summary.segments,
            summary.words,
            summary.cards
        ))?;
        self.line(&self.paint("2", &format!("call {}", summary.call)))
    }

    fn segment(&self, segment: &SegmentMessage) -> io::Result<()> {
        if segment.is_silence() {
            return Ok(());
        }
        let (name, color) = match segment.channel {
            Channel::Agent => ("agent   ", "36"),
            Channel::Customer => ("customer", "33"),
        };
        let text = printable(&segment.text);
        let text = if segment.is_final { text } else { self.paint("2", &format!("… {text}")) };
        self.line(&format!("{}  {}  {text}", self.paint("2", &clock(segment.start_ms)), self.paint(color, name)))
    }

    fn progress(&mut self, progress: &ProgressView) -> io::Result<()> {
        for landmark in progress.landmarks.iter().filter(|landmark| landmark.state == LandmarkState::Done) {
            if self.landmarks.insert(landmark.id.clone()) {
                let evidence = landmark.evidence.as_ref().map(|evidence| format!(" “{}”", printable(&evidence.quote)));
                let text = format!("       ✓  {} ({} %)", printable(&landmark.label), progress.percent);
                self.line(&format!("{}{}", self.paint("32", &text), self.paint("2", &evidence.unwrap_or_default())))?;
            }
        }
        Ok(())
    }

    fn card(&self, card: &Card) -> io::Result<()> {
        let quote = format!(" “{}”", printable(&card.evidence.quote));
        self.line(&format!("       {}{}", self.paint("1;35", &printable(&card.label)), self.paint("2", &quote)))?;
        self.line(&format!("       say: {}", self.paint("1", &printable(&card.say))))?;
        self.line(&format!("       ask: {}", printable(&card.follow_up)))
    }

    fn notes(&self, notes: &Notes) -> io::Result<()> {
        self.line("")?;
        self.line(&printable(&notes.summary))?;
        let missed: Vec<_> = notes.missed.iter().map(|missed| printable(&missed.label)).collect();
        if missed.is_empty() { Ok(()) } else { self.line(&format!("Open: {}", missed.join(", "))) }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colors { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&self, text: &str) -> io::Result<()> {
        self.bar.suspend(|| {
            let mut out = io::stdout().lock();
            writeln!(out, "{text}")?;
            out.flush()
        })
    }
}

#[allow(clippy::disallowed_methods, reason = "NO_COLOR is a convention of terminals, not a setting of this program")]
fn colors() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Minutes and seconds.
fn clock(ms: u64) -> String {
    format!("{:02}:{:02}", ms / 60_000, ms / 1_000 % 60)
}

/// Without anything that a terminal would take for a command: the words are a caller's, and could be anyone's.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_of_a_caller_command_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\u{9b}31m"), "a [2Jb  c 31m");
    }

    #[test]
    fn times_are_minutes_and_seconds() {
        assert_eq!([clock(0), clock(61_900), clock(6_000_000)], ["00:00", "01:01", "100:00"]);
    }
}
