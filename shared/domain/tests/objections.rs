//! How well the shipped rules tell objections from neutral talk, on lines written to differ from the signals.
//!
//! The lines of `data/objections.jsonl` are split by parity: odd ones may be looked at while signals are written
//! ("tune"), even ones only as sums ("held").

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may unwrap, and prints what it measured")]

mod quality;

use quality::{measure, read};

#[test]
fn objections_are_told_from_neutral_talk() {
    let lines = read(include_str!("data/objections.jsonl"));
    assert!(lines.len() >= 250);
    // Neutral talk and look-alikes; all of it may be looked at.
    let neutral = measure("neutral", read(include_str!("data/neutral.jsonl")).iter(), true);
    measure("tune", lines.iter().step_by(2), true);
    let held = measure("held", lines.iter().skip(1).step_by(2), false);
    assert!(neutral.wrong <= 6, "{} false objections in neutral talk", neutral.wrong);
    assert!(held.f1() >= 0.85, "F1 on the held half is {:.3}", held.f1());
}
