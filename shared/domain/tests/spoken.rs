//! The same measure on recognizer output: lines of the quality set, spoken and recognized.
//!
//! `data/spoken.jsonl` was made with flite (four voices, half of it through mu-law) and pocketsphinx 5.1, each line cut
//! at its true ends. `line` is the number in `data/objections.jsonl`: odd lines may be looked at, even ones only as sums.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may unwrap, and prints what it measured")]

mod quality;

use quality::{Line, measure, read};

#[test]
fn objections_survive_recognition() {
    let lines = read(include_str!("data/spoken.jsonl"));
    let half = |parity: u64| lines.iter().filter(move |line: &&Line| line.line.is_some_and(|n| n % 2 == parity));
    let tune = measure("tune", half(1), true);
    let held = measure("held", half(0), false);
    assert!(tune.f1() >= 0.88, "F1 on the tune half is {:.3}", tune.f1());
    assert!(held.f1() >= 0.78, "F1 on the held half is {:.3}", held.f1());
}
