//! From a YAML tree to a playbook, collecting every problem with its place.
//!
//! `extends: sales` takes the objections, the acceptance and the lists of a shipped playbook over. An objection with the
//! id of one taken over then need only say what differs: its texts replace the other's, its signals of each kind add to
//! them.

use std::collections::BTreeMap;

use super::{
    CARD_CHARS, Landmark, Objection, Playbook, Problem, Severity,
    document::{self, Node, Place, Value},
    shipped, signal,
};
use crate::{call::Channel, coaching::SignalCheck, ids::PlaybookId};

mod fields;

const PLAYBOOK_FIELDS: &[&str] = &[
    "id",
    "name",
    "version",
    "language",
    "extends",
    "terms",
    "guardrails",
    "acceptance",
    "lists",
    "landmarks",
    "objections",
];
const LANDMARK_FIELDS: &[&str] =
    &["id", "label", "why", "required", "channel", "signals", "unless", "starts", "reopens", "question"];
const OBJECTION_FIELDS: &[&str] =
    &["id", "label", "severity", "signals", "unless", "answers", "resolves", "answer", "follow_up", "facts"];

/// Reads a playbook and tells everything that is wrong with it.
pub(super) fn check(text: &str) -> Result<Playbook, Vec<Problem>> {
    let root = document::read(text).map_err(|problem| vec![problem])?;
    let mut checker = Checker::default();
    let playbook = checker.playbook(&root);
    checker.problems.sort();
    checker.problems.dedup();
    match playbook {
        Some(playbook) if checker.problems.is_empty() => Ok(playbook),
        _ => Err(checker.problems),
    }
}

/// The fields of one mapping; each is asked for by name.
struct Fields<'n> {
    /// What the mapping is, for complaints: "playbook", "landmark".
    what: &'static str,
    place: Place,
    entries: Vec<(&'n str, &'n Node)>,
}

#[derive(Default)]
struct Checker {
    problems: Vec<Problem>,
    lists: BTreeMap<String, Vec<String>>,
    signals: SignalCheck,
}

impl Checker {
    fn tell(&mut self, place: Place, message: impl Into<String>) {
        self.problems.push(place.problem(message));
    }

    fn playbook(&mut self, root: &Node) -> Option<Playbook> {
        let fields = self.fields("playbook", root, PLAYBOOK_FIELDS)?;
        let base = self.base(&fields);
        self.lists = base.as_ref().map(|base| base.lists.clone()).unwrap_or_default();
        self.read_lists(&fields);
        let id = self
            .required_text(&fields, "id")
            .and_then(|(place, id)| PlaybookId::parse(&id).map_err(|error| self.tell(place, error.to_string())).ok());
        let name = self.required_text(&fields, "name");
        let version = self.version(&fields);
        let language = self.required_text(&fields, "language");
        let landmarks = self.each(&fields, "landmarks", Self::landmark);
        let (inherited, mut acceptance) = base.map(|base| (base.objections, base.acceptance)).unwrap_or_default();
        let objections = self.objections(&fields, inherited);
        acceptance.extend(self.signals(&fields, "acceptance"));
        Some(Playbook {
            id: id?,
            name: name?.1,
            version: version?,
            language: language?.1,
            landmarks,
            objections,
            terms: self.texts(&fields, "terms").into_iter().map(|(_, text)| text).collect(),
            guardrails: self.texts(&fields, "guardrails").into_iter().map(|(_, text)| text).collect(),
            acceptance,
            lists: std::mem::take(&mut self.lists),
        })
    }

    fn base(&mut self, fields: &Fields<'_>) -> Option<Playbook> {
        let (place, id) = self.optional_text(fields, "extends")?;
        let base = shipped(&id);
        if base.is_none() {
            self.tell(place, format!("there is no shipped playbook \"{id}\" to extend; use sales, or leave this out"));
        }
        base
    }

    fn read_lists(&mut self, fields: &Fields<'_>) {
        let Some(node) = fields.get("lists") else { return };
        let Value::Map(entries) = &node.value else {
            self.tell(node.place, format!("lists is {}; write name: [word, other word]", node.value.kind()));
            return;
        };
        for (place, name, words) in entries {
            let words: Vec<String> = self.text_list(name, words).into_iter().map(|(_, word)| word).collect();
            if words.is_empty() {
                self.tell(*place, format!("the list \"{name}\" is empty; give it words or remove it"));
            } else if words.iter().any(|word| word.contains(['(', '[', '{', '|'])) {
                self.tell(*place, format!("the list \"{name}\" holds brackets; a list holds plain words and phrases"));
            } else {
                self.lists.insert(name.clone(), words);
            }
        }
    }

    fn landmark(&mut self, fields: &Fields<'_>) -> Option<Landmark> {
        let id = self.id(fields);
        let label = self.required_text(fields, "label");
        let signals = self.required_signals(fields);
        let required = match fields.get("required").map(|node| (node.place, &node.value)) {
            None => true,
            Some((_, Value::Bool(required))) => *required,
            Some((place, other)) => {
                self.tell(place, format!("required is {}; write true or false", other.kind()));
                true
            }
        };
        Some(Landmark {
            channel: self.channel(fields),
            why: self.text_or_empty(fields, "why"),
            unless: self.signals(fields, "unless"),
            starts: self.signals(fields, "starts"),
            reopens: self.signals(fields, "reopens"),
            question: self.text_or_empty(fields, "question"),
            id: id?,
            label: label?.1,
            required,
            signals,
        })
    }

    fn channel(&mut self, fields: &Fields<'_>) -> Option<Channel> {
        let (place, text) = self.optional_text(fields, "channel")?;
        let channel = Channel::parse(&text);
        if channel.is_none() && text != "any" {
            self.tell(place, format!("there is no channel \"{text}\"; use agent, customer or any"));
        }
        channel
    }

    fn objections(&mut self, fields: &Fields<'_>, inherited: Vec<Objection>) -> Vec<Objection> {
        let own = if inherited.is_empty() || fields.get("objections").is_some() {
            self.each(fields, "objections", |checker, fields| {
                let id = fields.get("id").and_then(|node| node.value.text());
                let base = inherited.iter().find(|objection| Some(objection.id.as_str()) == id);
                checker.objection(fields, base)
            })
        } else {
            Vec::new()
        };
        let mut objections = inherited;
        for objection in own {
            match objections.iter_mut().find(|known| known.id == objection.id) {
                Some(known) => *known = objection,
                None => objections.push(objection),
            }
        }
        objections
    }

    fn objection(&mut self, fields: &Fields<'_>, base: Option<&Objection>) -> Option<Objection> {
        let id = self.id(fields);
        let Some(base) = base else {
            let label = self.required_text(fields, "label");
            let answer = self.required_text(fields, "answer");
            self.check_card(&answer);
            return Some(Objection {
                severity: self.severity(fields).unwrap_or(Severity::Medium),
                signals: self.required_signals(fields),
                unless: self.signals(fields, "unless"),
                answers: self.signals(fields, "answers"),
                resolves: self.signals(fields, "resolves"),
                follow_up: self.text_or_empty(fields, "follow_up"),
                facts: self.texts(fields, "facts").into_iter().map(|(_, fact)| fact).collect(),
                id: id?,
                label: label?.1,
                answer: answer?.1,
            });
        };
        let mut objection = base.clone();
        if let Some((_, label)) = self.optional_text(fields, "label") {
            objection.label = label;
        }
        let answer = self.optional_text(fields, "answer");
        self.check_card(&answer);
        if let Some((_, answer)) = answer {
            objection.answer = answer;
        }
        if let Some((_, follow_up)) = self.optional_text(fields, "follow_up") {
            objection.follow_up = follow_up;
        }
        if let Some(severity) = self.severity(fields) {
            objection.severity = severity;
        }
        objection.signals.extend(self.signals(fields, "signals"));
        objection.unless.extend(self.signals(fields, "unless"));
        objection.answers.extend(self.signals(fields, "answers"));
        objection.resolves.extend(self.signals(fields, "resolves"));
        if fields.get("facts").is_some() {
            objection.facts = self.texts(fields, "facts").into_iter().map(|(_, fact)| fact).collect();
        }
        Some(objection)
    }

    fn check_card(&mut self, answer: &Option<(Place, String)>) {
        let Some((place, answer)) = answer else { return };
        let length = answer.chars().count();
        if length > CARD_CHARS {
            self.tell(
                *place,
                format!(
                    "the answer has {length} characters and a card holds {CARD_CHARS}; shorten it by {}",
                    length - CARD_CHARS
                ),
            );
        }
    }

    fn severity(&mut self, fields: &Fields<'_>) -> Option<Severity> {
        let (place, text) = self.optional_text(fields, "severity")?;
        match text.as_str() {
            "low" => Some(Severity::Low),
            "medium" => Some(Severity::Medium),
            "high" => Some(Severity::High),
            _ => {
                self.tell(place, format!("there is no severity \"{text}\"; use low, medium or high"));
                None
            }
        }
    }

    fn version(&mut self, fields: &Fields<'_>) -> Option<u32> {
        let node = self.required(fields, "version")?;
        let version = match node.value {
            Value::Number(number) => u32::try_from(number).ok().filter(|version| *version > 0),
            _ => None,
        };
        if version.is_none() {
            self.tell(node.place, "version is no whole number from 1 up; start with version: 1");
        }
        version
    }

    fn required_signals(&mut self, fields: &Fields<'_>) -> Vec<String> {
        match fields.get("signals") {
            None => {
                let message = format!("the {} has no signals; list what is said, such as - too expensive", fields.what);
                self.tell(fields.place, message);
            }
            Some(Node { place, value: Value::List(list) }) if list.is_empty() => {
                self.tell(*place, "signals is empty; list what is said, such as - too expensive");
            }
            Some(_) => {}
        }
        self.signals(fields, "signals")
    }

    /// Signals that can be read; the others are complained about.
    fn signals(&mut self, fields: &Fields<'_>, name: &str) -> Vec<String> {
        let mut signals = Vec::new();
        for (place, text) in self.texts(fields, name) {
            match signal::parse(&text, &self.lists).and_then(|parts| self.signals.check(&parts)) {
                Ok(()) => signals.push(text),
                Err(message) => self.tell(place, message),
            }
        }
        signals
    }
}
