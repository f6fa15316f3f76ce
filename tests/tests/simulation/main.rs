//! The live path under everything that the cloud does to it, simulated: one thread, its own clock, all chance from a
//! seed. Clients, gateway and the transcription service are played; handlers, session, outbox, event source mappings,
//! tables, stream and queues are the real ones.
//!
//! `make simulate SEEDS=100..200` runs those seeds, `make simulate SEEDS=42` that one, with its log.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a test may")]

mod client;
mod gateway;
mod plan;
mod run;
mod script;
mod services;
mod speech;
mod stack;
mod verdict;
mod watcher;
mod world;

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use plan::Plan;
use run::{Report, simulate};
use script::{Lexicon, Script};
use world::Broken;

/// Seeds of a plain test run.
const SEEDS: std::ops::Range<u64> = 0..2_000;
/// Seeds within which a missing guard must show.
const TO_BE_FOUND_WITHIN: u64 = 500;

/// The seeds to run: those of the environment, else the usual ones.
fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("SIMULATION_SEEDS") else { return SEEDS };
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("SIMULATION_SEEDS: {text} is no number"));
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&text)..number(&text) + 1,
    }
}

/// Runs seeds on all cores until one fails; gives the lowest that failed.
fn first_failure(seeds: std::ops::Range<u64>, broken: Option<Broken>) -> Option<(u64, Report)> {
    let next = AtomicU64::new(seeds.start);
    let failed: Mutex<Option<(u64, Report)>> = Mutex::default();
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failed.lock().unwrap().is_some() {
                return;
            }
            let report = simulate(Plan::of(seed), broken);
            if report.verdict.is_err() {
                let mut failed = failed.lock().unwrap();
                if failed.as_ref().is_none_or(|(other, _)| seed < *other) {
                    *failed = Some((seed, report));
                }
            } else if seed % 1_000 == 999 {
                println!("seed {seed} holds");
            }
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        (0..cores).for_each(|_| {
            scope.spawn(work);
        });
    });
    failed.into_inner().unwrap()
}

#[test]
fn no_word_is_lost_or_doubled_whatever_the_cloud_does() {
    let seeds = seeds();
    let single = seeds.end - seeds.start == 1;
    if single {
        let report = simulate(Plan::of(seeds.start), None);
        println!("{:#?}\n{}", Plan::of(seeds.start), report.log);
        report.verdict.unwrap();
        return;
    }
    let count = seeds.end - seeds.start;
    if let Some((seed, report)) = first_failure(seeds, None) {
        let why = report.verdict.unwrap_err();
        panic!("seed {seed}: {why}\nsee its log: make simulate SEEDS={seed}");
    }
    println!("{count} seeds hold");
}

/// Else nothing that the runs show would mean anything.
#[test]
fn an_undisturbed_session_hears_every_word() {
    for seed in 0..20 {
        for (number, call) in Plan::of(seed).calls.iter().enumerate() {
            let mut lexicon = Lexicon::default();
            let script = Script::of(number, call, seed, &mut lexicon);
            for channel in 0..2 {
                let spoken = script.words.iter().filter(|word| word.channel == channel).map(|word| word.text.clone());
                assert_eq!(script.undisturbed(&lexicon, channel), spoken.collect::<Vec<_>>(), "seed {seed}");
            }
        }
    }
}

#[test]
fn two_runs_of_a_seed_give_the_same_log() {
    for seed in 0..20 {
        let (one, other) = (simulate(Plan::of(seed), None), simulate(Plan::of(seed), None));
        let differs = one.log.lines().zip(other.log.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(one.log, other.log, "seed {seed}");
    }
}

fn is_found(broken: Broken) {
    let found = first_failure(0..TO_BE_FOUND_WITHIN, Some(broken));
    let (seed, report) = found.unwrap_or_else(|| panic!("{broken:?} went unnoticed"));
    println!("{broken:?} shows at seed {seed}: {}", report.verdict.unwrap_err());
}

#[test]
fn acknowledging_before_the_commit_is_found() {
    is_found(Broken::AcknowledgedBeforeTheCommit);
}

#[test]
fn trusting_the_order_of_arrival_is_found() {
    is_found(Broken::ArrivalOrder);
}

#[test]
fn writing_a_version_over_another_is_found() {
    is_found(Broken::NoVersionCondition);
}
