//! What the rule layer costs: microseconds a segment with a playbook of 50 landmarks and 50 objections of 20 signals
//! each. The bound holds for optimised builds (`cargo test --release`); others only print.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may unwrap, and prints what it measured")]

use std::time::{Duration, Instant};

use callboard_domain::{
    Channel,
    coaching::{Rules, Said},
    playbook::{self, Landmark, Objection, Playbook},
};

/// Texts of the quality set, and stretches of four to six words of them as signals.
fn material() -> (Vec<String>, Vec<String>) {
    let texts: Vec<String> = include_str!("data/objections.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    let mut signals = Vec::new();
    for length in [4, 5, 6] {
        for text in &texts {
            let words: Vec<&str> = text.split_whitespace().collect();
            signals.extend(words.windows(length).map(|window| window.join(" ")));
        }
    }
    (texts, signals)
}

fn large_playbook(signals: &[String]) -> Playbook {
    let shipped = playbook::shipped("sales").unwrap();
    let slice = |item: usize| (0..20).map(|n| signals[(item + n * 100) % signals.len()].clone()).collect();
    Playbook {
        landmarks: (0..50)
            .map(|n| Landmark { id: format!("l{n}"), channel: None, signals: slice(n), ..shipped.landmarks[0].clone() })
            .collect(),
        objections: (0..50)
            .map(|n| Objection { id: format!("o{n}"), signals: slice(50 + n), ..shipped.objections[0].clone() })
            .collect(),
        ..shipped
    }
}

fn per_segment(rules: &Rules, texts: &[String]) -> Duration {
    let started = Instant::now();
    let rounds = if cfg!(debug_assertions) { 1 } else { 20 };
    for _ in 0..rounds {
        for text in texts {
            let said = Said { channel: Channel::Customer, start_ms: 0, end_ms: 1, text };
            std::hint::black_box(rules.read(&said));
        }
    }
    started.elapsed() / (rounds * u32::try_from(texts.len()).unwrap())
}

#[test]
fn a_segment_costs_microseconds() {
    let (texts, signals) = material();
    assert!(signals.len() >= 2000);
    let started = Instant::now();
    let large = Rules::compile(large_playbook(&signals));
    println!("100 items of 20 signals: compiled in {:?}", started.elapsed());
    let cost = per_segment(&large, &texts);
    println!("100 items of 20 signals: {cost:?} a segment");
    for id in ["sales", "tax_relief"] {
        let started = Instant::now();
        let playbook = playbook::shipped(id).unwrap();
        let parsed = started.elapsed();
        let rules = Rules::compile(playbook);
        let compiled = started.elapsed() - parsed;
        let cost = per_segment(&rules, &texts);
        println!("{id}: parsed in {parsed:?}, compiled in {compiled:?}, {cost:?} a segment");
    }
    if !cfg!(debug_assertions) {
        assert!(cost < Duration::from_micros(100), "{cost:?} a segment");
    }
}
