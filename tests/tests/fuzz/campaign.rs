//! Hands many inputs to one check, and tells the first that it does not hold for: by a panic, or by taking too long.
//!
//! Every input is made from its number alone, so a number is enough to have it again.

use std::{
    ops::Range,
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fastrand::Rng;

/// Many inputs for one check.
pub(crate) struct Campaign {
    pub(crate) name: &'static str,
    /// Makes an input from a seeded generator.
    pub(crate) input: fn(&mut Rng) -> Vec<u8>,
    /// Panics when something does not hold, and says whether the input was accepted.
    pub(crate) check: fn(&[u8]) -> bool,
    /// Seeds, one an input.
    pub(crate) seeds: Range<u64>,
    /// How long one input may take.
    pub(crate) patience: Duration,
}

impl Campaign {
    /// How many inputs were accepted, or what is wrong with which.
    pub(crate) fn run(&self) -> Result<u64, String> {
        let current = Arc::new(AtomicU64::new(self.seeds.start));
        let (result, finished) = mpsc::channel();
        let worker = (self.input, self.check, self.seeds.clone(), Arc::clone(&current));
        thread::spawn(move || {
            let (input, check, seeds, current) = worker;
            let mut accepted = 0;
            for seed in seeds {
                current.store(seed, Ordering::Relaxed);
                let bytes = input(&mut Rng::with_seed(seed));
                match panic::catch_unwind(|| check(&bytes)) {
                    Ok(true) => accepted += 1,
                    Ok(false) => {}
                    Err(panic) => return result.send(Err((seed, words(&*panic)))),
                }
            }
            result.send(Ok(accepted))
        });
        let mut seen = None;
        loop {
            match finished.recv_timeout(self.patience) {
                Ok(Ok(accepted)) => return Ok(accepted),
                Ok(Err((seed, problem))) => return Err(self.report(seed, &problem)),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(format!("{}: no input was made", self.name)),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let seed = current.load(Ordering::Relaxed);
                    if seen.replace(seed) == Some(seed) {
                        return Err(self.report(seed, &format!("it takes longer than {:?}", self.patience)));
                    }
                }
            }
        }
    }

    fn report(&self, seed: u64, problem: &str) -> String {
        let bytes = (self.input)(&mut Rng::with_seed(seed));
        format!("{}: {problem}\nseed {seed}, {} bytes in base64: {}", self.name, bytes.len(), STANDARD.encode(&bytes))
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}
