//! Written calls for the tests of notes: a small playbook, utterances from JSON, and what the rules make of them.

use callboard_domain::{
    Channel,
    coaching::{Notes, Progress, Rules, Said, notes},
    playbook::{self, Playbook},
};
use serde_json::Value;

pub(crate) fn playbook() -> Playbook {
    playbook::parse_yaml(include_str!("../data/notes/playbook.yaml")).unwrap()
}

/// The utterances of a list such as `[{"channel": "agent", "start_ms": 0, "end_ms": 900, "text": "Hello."}]`.
pub(crate) fn said(list: &Value) -> Vec<Said<'_>> {
    list.as_array().unwrap().iter().map(utterance).collect()
}

fn utterance(it: &Value) -> Said<'_> {
    Said {
        channel: Channel::parse(it["channel"].as_str().unwrap()).unwrap(),
        start_ms: it["start_ms"].as_u64().unwrap(),
        end_ms: it["end_ms"].as_u64().unwrap(),
        text: it["text"].as_str().unwrap(),
    }
}

pub(crate) fn progress(playbook: &Playbook, said: &[Said<'_>]) -> Progress {
    let rules = Rules::compile(playbook.clone());
    let mut progress = Progress::default();
    for finding in said.iter().flat_map(|said| rules.read(said)) {
        progress.add(&finding);
    }
    progress
}

pub(crate) fn rule_notes(playbook: &Playbook, said: &[Said<'_>]) -> Notes {
    notes(playbook, &progress(playbook, said), said)
}
