//! Whole calls: what the rules find in the text as it was said, and in what a recognizer made of it.
//!
//! `data/call_*.jsonl` begins with what is expected; then one utterance a line, as said and as recognized by
//! pocketsphinx 5.1 from synthetic speech, cut at the true turns.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may unwrap, and prints what it measured")]

use std::collections::BTreeSet;

use callboard_domain::{
    Channel,
    coaching::{Progress, Rules, Said},
    playbook,
};
use serde_json::Value;

fn ids(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// What the rules find in the field `text` of each utterance.
fn listen(rules: &Rules, lines: &[Value], text: &str) -> Progress {
    let mut progress = Progress::default();
    for line in lines {
        let said = Said {
            channel: Channel::parse(line["channel"].as_str().unwrap()).unwrap(),
            start_ms: line["start_ms"].as_u64().unwrap(),
            end_ms: line["end_ms"].as_u64().unwrap(),
            text: line[text].as_str().unwrap(),
        };
        rules.read(&said).iter().for_each(|finding| {
            progress.add(finding);
        });
    }
    progress
}

/// Expects exactly the objections, and all the landmarks, in what was said; in what was recognized, no objection that
/// was not made and at most these missing.
#[track_caller]
fn check(call: &str, may_miss: &[&str]) {
    let lines: Vec<Value> = call.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (expect, lines) = (&lines[0]["expect"], &lines[1..]);
    let rules = Rules::compile(playbook::shipped(expect["playbook"].as_str().unwrap()).unwrap());
    let (landmarks, objections) = (ids(&expect["landmarks"]), ids(&expect["objections"]));

    let said = listen(&rules, lines, "said");
    assert_eq!(said.objections.into_keys().collect::<BTreeSet<_>>(), objections);
    let reached: BTreeSet<String> = said.landmarks.into_keys().collect();
    assert!(reached.is_superset(&landmarks), "{reached:?}");

    let heard = listen(&rules, lines, "text");
    let found: BTreeSet<String> = heard.objections.into_keys().chain(heard.landmarks.into_keys()).collect();
    let invented: Vec<&String> = found.difference(&objections).filter(|id| !reached.contains(*id)).collect();
    assert!(invented.is_empty(), "{invented:?}");
    let missed: Vec<&String> = landmarks.union(&objections).filter(|id| !found.contains(*id)).collect();
    assert_eq!(missed, may_miss);
}

#[test]
fn a_tax_relief_call_is_understood() {
    check(include_str!("data/call_irs_help.jsonl"), &[]);
}

#[test]
fn a_solar_call_is_understood() {
    // "More than I wanted to spend" was heard as "… to stay", "company quoted me nine" as "company cool to be buying".
    check(include_str!("data/call_solar.jsonl"), &["competitor", "too_expensive"]);
}

#[test]
fn a_service_call_raises_no_objection() {
    check(include_str!("data/call_neutral_service.jsonl"), &[]);
}
