//! What the loop makes of what it hears: acknowledgements go to the outbox, pushes to the view and the report.

use std::io;

use callboard_wire::{messages::ServerMessage, rest::CallSnapshot};

use super::{HOLE_GRACE, LOOK_AGAIN, Outage, Session};
use crate::stream::summary::added_delay_ms;

impl Session {
    /// Takes a message in, as it came and when.
    pub(super) fn hear(&mut self, text: &str, at_ms: i64, outage: &mut Option<Outage>) -> io::Result<()> {
        let now = self.now();
        *outage = None;
        self.alive = now;
        self.pinged = false;
        let message = match serde_json::from_str::<ServerMessage>(text) {
            Ok(message) => message,
            Err(problem) => return self.hear_unknown(text, &problem),
        };
        if !matches!(message, ServerMessage::Pong {}) {
            self.heard = now;
        }
        match &message {
            ServerMessage::Ack { seq, .. } => self.outbox.acknowledged(now, *seq),
            ServerMessage::Resend { from, to, .. } => self.outbox.resend(now, *from, *to),
            ServerMessage::Watching { active: true, .. } => self.outbox.watching(),
            ServerMessage::Watching { .. } | ServerMessage::Pong {} => {}
            _ => {
                self.report.received(text)?;
                self.hear_push(&message, at_ms)?;
            }
        }
        Ok(())
    }

    fn hear_push(&mut self, message: &ServerMessage, at_ms: i64) -> io::Result<()> {
        let changed = self.view.apply(message);
        match message {
            ServerMessage::Segment(segment) if changed && segment.is_final => {
                self.delays_ms.push(added_delay_ms(segment, at_ms));
            }
            ServerMessage::Error { .. } => {
                self.errors += 1;
                self.report.changed(message)?;
            }
            _ => {}
        }
        if changed {
            self.report.changed(message)?;
        }
        self.note_end();
        if self.view.has_hole() {
            let soon = self.now() + HOLE_GRACE;
            self.load_at = Some(self.load_at.map_or(soon, |at| at.min(soon)));
        }
        Ok(())
    }

    /// A newer stack's message, or the gateway's own word on a message that failed.
    fn hear_unknown(&mut self, text: &str, problem: &serde_json::Error) -> io::Result<()> {
        self.heard = self.now();
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        if value.get("type").is_some() {
            tracing::warn!(%problem, "a message is not understood");
            return self.report.received(text);
        }
        self.errors += 1;
        let said = value.get("message").and_then(|message| message.as_str()).unwrap_or("no message");
        self.report.notice(&format!("the gateway says: {said}"));
        Ok(())
    }

    /// Takes the answer to a load in.
    pub(super) fn take_snapshot(&mut self, loaded: anyhow::Result<Option<CallSnapshot>>) -> io::Result<()> {
        self.loading = None;
        let now = self.now();
        match loaded {
            Ok(Some(snapshot)) => {
                let news = self.view.apply_snapshot(snapshot);
                if !news.is_empty() {
                    self.heard = now;
                }
                for message in news {
                    self.report.caught_up(&message)?;
                }
                self.note_end();
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("the call could not be loaded: {error:#}"),
        }
        self.load_at = self.view.has_hole().then(|| now + LOOK_AGAIN);
        Ok(())
    }

    fn note_end(&mut self) {
        if self.view.is_ending() {
            self.outbox.ended();
        }
        if self.noted.is_none() && self.view.has_ended() && self.view.has_notes() {
            self.noted = Some(self.now());
            if !self.view.has_all_words() {
                self.report.waiting_for("waiting for words that the transcription service owes");
            }
        }
    }
}
