//! The call as this client knows it: a snapshot and pushes on top, in any order, by stable keys.
//!
//! Missing, doubled and late pushes change nothing in the end: a hole in the revisions shows, and a snapshot fills it.

use std::collections::{BTreeMap, BTreeSet};

use callboard_domain::{
    CallStatus, Channel, Placeholder,
    coaching::{Notes, ProgressView},
};
use callboard_wire::{
    messages::{CallMessage, SegmentMessage, ServerMessage, ShownCard},
    rest::CallSnapshot,
};

/// A value and the call's revision that made it.
type Revised<T> = (u64, T);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// All revisions up to here are known.
    covered: u64,
    /// Revisions known beyond a hole.
    beyond: BTreeSet<u64>,
    call: Option<CallMessage>,
    segments: BTreeMap<(u64, Channel), SegmentMessage>,
    progress: Option<Revised<ProgressView>>,
    cards: BTreeMap<String, Revised<ShownCard>>,
    notes: Option<Revised<Notes>>,
}

impl View {
    /// Takes a push in. Says whether it changed anything.
    pub(crate) fn apply(&mut self, message: &ServerMessage) -> bool {
        match message {
            ServerMessage::Call(call) => {
                self.cover(call.revision);
                let newer = self.call.as_ref().is_none_or(|known| known.revision < call.revision);
                if newer {
                    self.call = Some(call.clone());
                }
                newer
            }
            ServerMessage::Segment(segment) => {
                self.cover(segment.revision);
                self.take_segment(segment)
            }
            ServerMessage::Progress { revision, progress, .. } => {
                self.cover(*revision);
                newer(&mut self.progress, *revision, progress)
            }
            ServerMessage::Card { revision, card, .. } => {
                self.cover(*revision);
                let mut known = self.cards.remove(&card.card.id);
                let changed = newer(&mut known, *revision, card);
                if let Some(known) = known {
                    self.cards.insert(card.card.id.clone(), known);
                }
                changed
            }
            ServerMessage::Notes { revision, notes, .. } => {
                self.cover(*revision);
                newer(&mut self.notes, *revision, notes)
            }
            _ => false,
        }
    }

    /// Takes a snapshot in. Returns what was not known yet, as the pushes that would have said it.
    pub(crate) fn apply_snapshot(&mut self, snapshot: CallSnapshot) -> Vec<ServerMessage> {
        let (call, revision) = (snapshot.call.call.clone(), snapshot.revision);
        let mut told = vec![ServerMessage::Call(snapshot.call)];
        told.extend(snapshot.segments.into_iter().map(ServerMessage::Segment));
        let progress = snapshot.progress.map(|part| ServerMessage::Progress {
            call: call.clone(),
            revision: part.revision,
            progress: part.value,
        });
        let cards = snapshot.cards.into_iter().map(|part| ServerMessage::Card {
            call: call.clone(),
            revision: part.revision,
            card: part.value,
        });
        told.extend(progress.into_iter().chain(cards));
        let notes = snapshot.notes;
        told.extend(notes.map(|part| ServerMessage::Notes {
            call,
            revision: part.revision,
            notes: Box::new(part.value),
        }));
        let covered = self.covered.max(revision);
        told.retain(|message| self.apply(message));
        self.covered = self.covered.max(covered);
        self.close_holes();
        told
    }

    /// Whether a push is missing.
    pub(crate) fn has_hole(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// Whether the call has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.status == CallStatus::Ended)
    }

    /// Whether the end was announced, or is there.
    pub(crate) fn is_ending(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.status != CallStatus::Live)
    }

    /// Whether the notes are in.
    pub(crate) fn has_notes(&self) -> bool {
        self.notes.is_some()
    }

    /// Whether no utterance waits for its words, and the notes are made of all that are there.
    pub(crate) fn has_all_words(&self) -> bool {
        let noted = self.notes.as_ref().map_or(0, |(revision, _)| *revision);
        self.segments.values().all(|segment| {
            segment.placeholder != Some(Placeholder::Waiting) && (!segment.is_final || segment.revision < noted)
        })
    }

    /// Transcribed segments and their words, counted.
    pub(crate) fn segments_and_words(&self) -> (usize, usize) {
        let spoken = self.segments.values().filter(|segment| segment.is_final && !segment.is_silence());
        spoken
            .fold((0, 0), |(segments, words), segment| (segments + 1, words + segment.text.split_whitespace().count()))
    }

    /// How long the transcription service took, by final segment, in milliseconds.
    pub(crate) fn asr_ms(&self) -> Vec<u64> {
        self.segments.values().filter(|segment| segment.is_final).map(|segment| segment.times.asr_ms).collect()
    }

    /// Cards, counted.
    pub(crate) fn cards(&self) -> usize {
        self.cards.len()
    }

    /// A segment's first final wins; a placeholder gives way to anything later.
    fn take_segment(&mut self, segment: &SegmentMessage) -> bool {
        let key = (segment.start_ms, segment.channel);
        let stays =
            |known: &SegmentMessage| known.is_final || (!segment.is_final && known.revision >= segment.revision);
        if self.segments.get(&key).is_some_and(stays) {
            return false;
        }
        self.segments.insert(key, segment.clone());
        true
    }

    fn cover(&mut self, revision: u64) {
        if revision > self.covered {
            self.beyond.insert(revision);
            self.close_holes();
        }
    }

    fn close_holes(&mut self) {
        self.beyond.retain(|revision| *revision > self.covered);
        while self.beyond.remove(&(self.covered + 1)) {
            self.covered += 1;
        }
    }
}

/// Puts a newer value in the place of an older one; says whether that changed it.
fn newer<T: Clone + PartialEq>(known: &mut Option<Revised<T>>, revision: u64, value: &T) -> bool {
    match known {
        Some((known_revision, _)) if *known_revision >= revision => false,
        Some((known_revision, known_value)) if known_value == value => {
            *known_revision = revision;
            false
        }
        _ => {
            *known = Some((revision, value.clone()));
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use callboard_domain::SegmentTimes;

    use super::*;

    fn segment(revision: u64, start_ms: u64, text: &str, is_final: bool) -> SegmentMessage {
        SegmentMessage {
            call: "c".into(),
            revision,
            channel: Channel::Agent,
            start_ms,
            end_ms: start_ms + 500,
            text: text.into(),
            words: vec![],
            is_final,
            placeholder: None,
            masked: vec![],
            provisional: false,
            times: SegmentTimes::default(),
        }
    }

    fn notes(revision: u64) -> ServerMessage {
        let notes = serde_json::from_value(serde_json::json!({
            "playbook": "sales", "playbook_version": 1, "summary": "", "percent": 0, "reached": [], "missed": [],
            "objections": [], "talk": {"agent_ms": 0, "customer_ms": 0, "agent_percent": 0},
        }));
        ServerMessage::Notes { call: "c".into(), revision, notes: Box::new(notes.unwrap()) }
    }

    #[test]
    fn words_that_wait_and_notes_without_them_are_not_all() {
        let mut view = View::default();
        let waiting = SegmentMessage { placeholder: Some(Placeholder::Waiting), ..segment(1, 0, "(waiting)", false) };
        for (message, expected) in [
            (ServerMessage::Segment(waiting), false),
            (notes(2), false),
            (ServerMessage::Segment(segment(3, 0, "hello", true)), false),
            (notes(4), true),
        ] {
            view.apply(&message);
            assert_eq!(view.has_all_words(), expected, "{message:?}");
        }
    }

    fn call(revision: u64, status: CallStatus) -> CallMessage {
        serde_json::from_value(serde_json::json!({
            "call": "c", "revision": revision, "status": status, "playbook": "sales", "channels": ["agent"],
            "principal": "p", "started_at_ms": 0, "duration_ms": 0,
        }))
        .unwrap()
    }

    #[test]
    fn pushes_in_any_order_end_alike_and_holes_show() {
        let pushes = [
            ServerMessage::Call(call(1, CallStatus::Live)),
            ServerMessage::Segment(segment(2, 0, "", false)),
            ServerMessage::Segment(segment(3, 0, "good morning", true)),
            ServerMessage::Segment(segment(4, 900, "how are you", true)),
            ServerMessage::Call(call(5, CallStatus::Ended)),
        ];
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]] {
            let mut view = View::default();
            for (place, index) in order.into_iter().enumerate() {
                view.apply(&pushes[index]);
                assert!(!view.apply(&pushes[index]), "a double changes nothing");
                assert_eq!(view.has_hole(), order[..=place].iter().max() > Some(&place), "{order:?} {place}");
            }
            assert!(view.has_ended() && !view.has_hole());
            assert_eq!(view.segments_and_words(), (2, 5));
        }
    }

    #[test]
    fn a_snapshot_fills_holes_and_tells_only_what_is_new() {
        let mut view = View::default();
        view.apply(&ServerMessage::Call(call(1, CallStatus::Live)));
        view.apply(&ServerMessage::Segment(segment(4, 900, "how are you", true)));
        assert!(view.has_hole());
        let told = view.apply_snapshot(CallSnapshot {
            revision: 5,
            call: call(5, CallStatus::Ended),
            recording: None,
            segments: vec![segment(3, 0, "good morning", true), segment(4, 900, "how are you", true)],
            progress: None,
            cards: vec![],
            notes: None,
            model: None,
        });
        assert!(!view.has_hole() && view.has_ended() && !view.has_notes());
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(!view.apply(&ServerMessage::Segment(segment(2, 0, "", false))), "a late placeholder changes nothing");
    }
}
