//! A dashboard that does what its protocol asks for and no more: a snapshot, pushes on top in any order, and another
//! snapshot where the revisions have a hole. Written apart from the program's own, so that it can disagree with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One call as a dashboard knows it.
#[derive(Debug, Default, Clone)]
pub struct Dashboard {
    /// All parts by name, each with the revision that it is of.
    parts: BTreeMap<String, (u64, Value)>,
    /// Revisions that were seen.
    revisions: BTreeSet<u64>,
    /// Revisions up to here are part of a snapshot.
    loaded: u64,
}

/// A segment, as far as two runs of one call must agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Heard {
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Who spoke.
    pub channel: String,
    /// What was said.
    pub text: String,
}

impl Dashboard {
    /// What is known after all these messages; those of other calls and of other kinds are passed over.
    pub fn of<'a>(call: &str, messages: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut dashboard = Self::default();
        messages.into_iter().filter(|message| message["call"] == call).for_each(|message| dashboard.apply(message));
        dashboard
    }

    /// What a snapshot of `GET /v1/calls/{id}` tells.
    pub fn from_snapshot(snapshot: &Value) -> Self {
        let mut dashboard = Self::default();
        dashboard.load(snapshot);
        dashboard
    }

    /// Takes a push in.
    pub fn apply(&mut self, message: &Value) {
        let name = match message["type"].as_str() {
            Some(name @ ("call" | "progress" | "notes")) => name.to_owned(),
            Some("card") => format!("card {}", message["id"].as_str().unwrap()),
            Some("segment") => format!("segment {} {}", message["start_ms"], message["channel"]),
            _ => return,
        };
        let revision = message["revision"].as_u64().unwrap();
        self.revisions.insert(revision);
        self.put(name, revision, message.clone());
    }

    /// Takes a snapshot of `GET /v1/calls/{id}` in.
    pub fn load(&mut self, snapshot: &Value) {
        let revision = snapshot["revision"].as_u64().unwrap();
        let of_part = |part: &Value| part["revision"].as_u64().unwrap_or(revision);
        self.loaded = self.loaded.max(revision);
        self.put("call".into(), snapshot["call"]["revision"].as_u64().unwrap(), snapshot["call"].clone());
        for segment in snapshot["segments"].as_array().unwrap() {
            let name = format!("segment {} {}", segment["start_ms"], segment["channel"]);
            self.put(name, segment["revision"].as_u64().unwrap(), segment.clone());
        }
        for card in snapshot["cards"].as_array().unwrap() {
            self.put(format!("card {}", card["id"].as_str().unwrap()), of_part(card), card.clone());
        }
        for name in ["progress", "notes"] {
            if !snapshot[name].is_null() {
                self.put(name.into(), of_part(&snapshot[name]), snapshot[name].clone());
            }
        }
    }

    /// Whether a revision below the latest is not known: the sign to load again.
    pub fn has_hole(&self) -> bool {
        let latest = self.revisions.last().copied().unwrap_or_default();
        (self.loaded + 1..=latest).any(|revision| !self.revisions.contains(&revision))
    }

    /// The call's segments by start, without those that turned out to be silence.
    pub fn segments(&self) -> Vec<Heard> {
        let silent = |message: &Value| message["final"] == true && message["text"] == "";
        let segments = self.parts.iter().filter(|(name, _)| name.starts_with("segment "));
        let segments = segments.filter(|(_, (_, message))| !silent(message));
        let mut segments: Vec<Heard> = segments.map(|(_, (_, message))| heard(message)).collect();
        segments.sort();
        segments
    }

    /// Ids of the objections that cards answer, sorted.
    pub fn objections(&self) -> Vec<String> {
        let cards = self.parts.iter().filter(|(name, _)| name.starts_with("card "));
        cards
            .map(|(_, (_, card))| card["objection"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The call's status; null before it is known.
    pub fn status(&self) -> Value {
        self.parts.get("call").map(|(_, call)| call["status"].clone()).unwrap_or_default()
    }

    /// All that is shown, without what belongs to the message and not to the call.
    pub fn shown(&self) -> BTreeMap<String, Value> {
        let shown = |(name, (_, value)): (&String, &(u64, Value))| {
            let mut value = value.clone();
            let fields = value.as_object_mut().unwrap();
            ["type", "call", "revision"].iter().for_each(|field| {
                fields.remove(*field);
            });
            if let Some(times) = fields.get_mut("times").and_then(Value::as_object_mut) {
                times.remove("pushed");
            }
            (name.clone(), value)
        };
        self.parts.iter().map(shown).collect()
    }

    /// What came of the words: progress, cards and notes.
    pub fn coaching(&self) -> BTreeMap<String, Value> {
        let mut shown = self.shown();
        shown.retain(|name, _| name != "call" && !name.starts_with("segment "));
        shown
    }

    fn put(&mut self, name: String, revision: u64, value: Value) {
        let is_final = |value: &Value| value["final"] == true;
        let stays = |(known, old): &(u64, Value)| {
            if is_final(old) != is_final(&value) { is_final(old) } else { *known >= revision }
        };
        if !self.parts.get(&name).is_some_and(stays) {
            self.parts.insert(name, (revision, value));
        }
    }
}

/// A segment message, as far as two runs must agree.
pub fn heard(message: &Value) -> Heard {
    Heard {
        start_ms: message["start_ms"].as_u64().unwrap(),
        end_ms: message["end_ms"].as_u64().unwrap(),
        channel: message["channel"].as_str().unwrap().to_owned(),
        text: message["text"].as_str().unwrap().to_owned(),
    }
}
