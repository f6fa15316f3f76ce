//! What all parts of a run share: its plan, its clock, its log, and the dice of its faults.

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use callboard_local::{
    aws::{LocalAws, WallClock},
    gateway::Connections,
    template::Template,
};
use callboard_runtime::Clock;
use tokio::time::Instant;

use crate::{
    plan::{Faults, Plan},
    script::{Lexicon, Script},
};

/// Wall clock at the beginning of every run, milliseconds since the Unix epoch.
const EPOCH_MS: u64 = 1_795_000_000_000;

/// A guard that is taken away, to see that the simulation notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A session's version is stored only some time after it was acknowledged.
    AcknowledgedBeforeTheCommit,
    /// Frames are numbered as they arrive.
    ArrivalOrder,
    /// A session's version is put whether or not there is one.
    NoVersionCondition,
}

/// See the module.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) broken: Option<Broken>,
    pub(crate) template: Template,
    pub(crate) scripts: Vec<Script>,
    pub(crate) lexicon: Lexicon,
    pub(crate) connections: Connections,
    /// The services, below everything that can go wrong.
    pub(crate) aws: LocalAws,
    began: Instant,
    log: Mutex<String>,
    numbers: AtomicU32,
}

impl World {
    pub(crate) fn new(plan: Plan, broken: Option<Broken>, mut template: Template) -> Arc<Self> {
        let began = Instant::now();
        let clock: WallClock = Arc::new(move || EPOCH_MS + elapsed_ms(began));
        for stream in &mut template.streams {
            stream.shards = plan.shards;
        }
        // What is heard again later changes nothing of what is said, and takes its time.
        template.event_sources.retain(|mapping| mapping.function != "KeepFunction");
        for mapping in &mut template.event_sources {
            mapping.batch_size = mapping.batch_size.min(plan.batch_size);
            mapping.parallelization = mapping.parallelization.min(plan.parallelization);
            mapping.retries = mapping.retries.map(|retries| retries.min(plan.retries));
        }
        let partial_text = if plan.partial_text { "on" } else { "off" };
        for function in template.functions.values_mut() {
            let settings = [("DEFERRED_TRIES", "6"), ("DEFERRED_BACKOFF_SECONDS", "2"), ("PARTIAL_TEXT", partial_text)];
            for (name, value) in settings {
                if let Some(known) = function.environment.get_mut(name) {
                    *known = value.to_owned();
                }
            }
        }
        let mut lexicon = Lexicon::default();
        let calls = plan.calls.iter().enumerate();
        let scripts = calls.map(|(number, call)| Script::of(number, call, plan.seed, &mut lexicon)).collect();
        let connections = Connections::with_clock(clock.clone());
        let aws = LocalAws::open_with_clock(None, &template, connections.clone(), clock).unwrap();
        Arc::new(Self {
            plan,
            broken,
            template,
            scripts,
            lexicon,
            connections,
            aws,
            began,
            log: Mutex::default(),
            numbers: AtomicU32::new(0),
        })
    }

    /// Milliseconds since the beginning of the run.
    pub(crate) fn now_ms(&self) -> u64 {
        elapsed_ms(self.began)
    }

    /// A point in time of the run.
    pub(crate) fn at(&self, ms: u64) -> Instant {
        self.began + Duration::from_millis(ms)
    }

    pub(crate) fn clock(&self) -> Clock {
        let began = self.began;
        Clock::from_fn(move || (EPOCH_MS + elapsed_ms(began)) as i64)
    }

    /// Throws the dice of a kind of fault. From the calm on nothing goes wrong.
    pub(crate) fn fails(&self, share: impl Fn(&Faults) -> f64) -> bool {
        let share = share(&self.plan.faults);
        self.now_ms() < self.plan.calm_ms && share > 0.0 && fastrand::f64() < share
    }

    /// Lets a random time pass, up to a limit.
    pub(crate) async fn delay(&self, most_ms: u64) {
        let most_ms = if self.now_ms() < self.plan.calm_ms { most_ms } else { most_ms.min(20) };
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=most_ms))).await;
    }

    /// Whether the stack was killed within the last milliseconds.
    pub(crate) fn was_killed_within(&self, ms: u64) -> bool {
        let now_ms = self.now_ms();
        self.plan.kills.iter().any(|kill| kill.at_ms <= now_ms && now_ms < kill.at_ms + ms)
    }

    /// A number that nothing else of this run has.
    pub(crate) fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes what happened, when.
    pub(crate) fn log(&self, what: impl std::fmt::Display) {
        let now_ms = self.now_ms();
        writeln!(self.log_text(), "{now_ms:>8} {what}").unwrap();
    }

    fn log_text(&self) -> MutexGuard<'_, String> {
        self.log.lock().unwrap()
    }

    /// All that was noted.
    pub(crate) fn told(&self) -> String {
        self.log_text().clone()
    }
}

fn elapsed_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap()
}
