//! What the rule layer costs: microseconds a segment with a playbook of 50 landmarks and 50 objections of 20 signals
//! each, and how that cost changes in the course of a call.
//!
//! `cargo bench -p callboard-domain`. Nothing is asserted here: a machine that is busy is no fault of the code.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench unwraps, and prints what it measured"
)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use callboard_domain::{
    Channel,
    coaching::{Progress, Rules, Said},
    playbook::{self, Landmark, Objection, Playbook},
};
use criterion::{Criterion, criterion_group, criterion_main};

/// How many segments have gone by in the later part of a call.
const LATE: usize = 2000;

/// Texts of the quality set, and stretches of four to six words of them as signals.
fn material() -> (Vec<String>, Vec<String>) {
    let texts: Vec<String> = include_str!("../tests/data/objections.jsonl")
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

/// The `number`th segment of a call: the sides take turns, three seconds each.
fn said(texts: &[String], number: usize) -> Said<'_> {
    let channel = if number.is_multiple_of(2) { Channel::Customer } else { Channel::Agent };
    let start_ms = number as u64 * 3000;
    Said { channel, start_ms, end_ms: start_ms + 2500, text: &texts[number % texts.len()] }
}

fn segment(bench: &mut Criterion) {
    let (texts, signals) = material();
    let large = Rules::compile(large_playbook(&signals));
    let shipped = ["sales", "tax_relief"].map(|id| (id, Rules::compile(playbook::shipped(id).unwrap())));
    let playbooks =
        std::iter::once(("100 items of 20 signals", &large)).chain(shipped.iter().map(|(id, it)| (*id, it)));
    for (name, rules) in playbooks {
        let mut number = 0;
        bench.bench_function(&format!("read a segment, {name}"), |bench| {
            bench.iter(|| {
                number += 1;
                black_box(rules.read(&said(&texts, number)))
            });
        });
    }
    bench.bench_function("compile sales", |bench| {
        let sales = playbook::shipped("sales").unwrap();
        bench.iter(|| Rules::compile(sales.clone()));
    });
}

/// The median cost of these segments, each read and added to a copy of the progress.
fn median(rules: &Rules, texts: &[String], progress: &Progress, from: usize) -> Duration {
    let mut costs: Vec<Duration> = (from..from + 500)
        .map(|number| {
            let mut progress = progress.clone();
            let started = Instant::now();
            for finding in rules.read(&said(texts, number)) {
                black_box(progress.add(&finding));
            }
            started.elapsed()
        })
        .collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}

/// Reading and adding at the start of a call and after [`LATE`] segments, as a ratio.
fn course_of_a_call(_: &mut Criterion) {
    let (texts, signals) = material();
    let rules = Rules::compile(large_playbook(&signals));
    let mut late = Progress::default();
    for finding in (0..LATE).flat_map(|number| rules.read(&said(&texts, number))) {
        late.add(&finding);
    }
    // The same texts at both ends, so that only the progress differs.
    let from = LATE.next_multiple_of(2 * texts.len());
    median(&rules, &texts, &late, from);
    let (first, last) = (median(&rules, &texts, &Progress::default(), 0), median(&rules, &texts, &late, from));
    let ratio = last.as_secs_f64() / first.as_secs_f64();
    println!("read and add, first segments: {first:?}; after {LATE} segments: {last:?}; ratio {ratio:.2}");
    println!("progress after {LATE} segments: {} bytes of JSON", serde_json::to_string(&late).unwrap().len());
}

criterion_group!(benches, segment, course_of_a_call);
criterion_main!(benches);
