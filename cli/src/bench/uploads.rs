//! `callboard bench uploads`: many real uploads at once to a stack that runs, each followed until it is done.

use std::{
    io::{self, IsTerminal, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use callboard_domain::{
    CallId,
    recording::{RecordingState, RecordingView},
};
use callboard_runtime::Clock;
use futures_util::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::{sync::mpsc, time::Instant};

use super::{
    ledger::{Account, Ledger},
    talk::{Talk, demo},
};
use crate::{
    dev,
    failure::Unusable,
    reading::{Pages, ask},
    stack::{Stack, StackArgs},
    times,
    upload::{Heard, Identity, Progress, Sender, Tickets, Tries, Waiting, WishArgs},
};

/// Length of what is sent where no file is named, and how much of it is speech.
const SHORT_MS: u64 = 12_000;
const SHARE: f64 = 0.45;
/// How often it is asked what is done, and what is looked at in each round where it is to be seen.
const ROUND: Duration = Duration::from_millis(500);
const LOOKED_AT: usize = 32;

/// Send many recordings at once, and see that each is done once, with the right words
///
/// Without files, a dozen seconds of the demo call are sent again and again. The code is 1 unless all is right.
#[derive(clap::Args)]
pub(crate) struct UploadsArgs {
    /// Recordings, sent in turn
    recordings: Vec<PathBuf>,
    /// How many are sent in all
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    files: u32,
    /// How many are sent at once
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    workers: u16,
    /// Show the queue while it is worked on
    #[arg(long)]
    monitor: bool,
    #[command(flatten)]
    wishes: WishArgs,
    #[command(flatten)]
    stack: StackArgs,
    /// Where the demo call is
    #[arg(long, value_name = "DIR", env = "CALLBOARD_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// Print one object
    #[arg(long)]
    json: bool,
}

/// What it came to.
#[derive(Debug, Serialize)]
struct Measured {
    workers: u16,
    #[serde(flatten)]
    account: Account,
    /// From the first upload's begin until the last is done, in seconds.
    wall_s: f64,
    /// While there was something to send.
    uploads_per_s: f64,
    sent_mib: f64,
    right: bool,
}

/// Sends what is measured with, and follows it.
pub(crate) struct Load {
    pub tickets: Tickets,
    pub files: Vec<Identity>,
    pub wishes: WishArgs,
    pub count: usize,
    pub workers: usize,
}

/// What came of a load.
pub(crate) struct Carried {
    pub ledger: Ledger,
    /// Until all was sent.
    pub sending: Duration,
    /// Until all was done.
    pub whole: Duration,
    pub sent_bytes: u64,
}

/// Measures.
///
/// # Errors
/// Nothing can be sent, or the stack tells nothing any more.
pub(crate) async fn run(args: UploadsArgs) -> anyhow::Result<ExitCode> {
    args.wishes.check()?;
    let stack = args.stack.resolve()?;
    // Uploads are tried again until a stack that was away is back; one that was never there is to be told at once.
    ask(&stack, "/v1/calls?limit=1").await?;
    let made = made(&args.recordings, args.project)?;
    let files = args.recordings.iter().chain(made.as_ref().map(|(_, path)| path));
    let files = files.map(|path| Identity::look(path).map_err(Unusable)).collect::<Result<Vec<_>, _>>()?;
    let tickets = Tickets { stack: stack.clone(), tries: Tries::default() };
    let load = Load { tickets, files, wishes: args.wishes, count: args.files as usize, workers: args.workers.into() };
    let bar = bar(args.files.into());
    let carried = load.carry(|ledger, working| bar.show(ledger, working, args.monitor)).await;
    bar.0.finish_and_clear();
    let carried = carried?;
    let account = carried.ledger.account(&listed(&stack, &carried.ledger).await?);
    let measured = Measured {
        workers: args.workers,
        wall_s: carried.whole.as_secs_f64(),
        uploads_per_s: account.uploaded as f64 / carried.sending.as_secs_f64(),
        sent_mib: carried.sent_bytes as f64 / f64::from(1 << 20),
        right: account.is_right(),
        account,
    };
    for reason in carried.ledger.reasons() {
        eprintln!("callboard: {reason}");
    }
    print(&measured, args.json)?;
    Ok(if measured.right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A short recording, where none is named; it goes with its folder.
fn made(named: &[PathBuf], project: Option<PathBuf>) -> anyhow::Result<Option<(tempfile::TempDir, PathBuf)>> {
    if !named.is_empty() {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("talk.wav");
    Talk::new(&demo(&dev::project(project)?), true, SHARE)?.write(&path, SHORT_MS)?;
    Ok(Some((folder, path)))
}

impl Load {
    /// Sends all, so many at once, and waits until all are over. `look` sees the ledger, and those that are worked on among
    /// the oldest.
    ///
    /// # Errors
    /// The stack tells nothing any more.
    pub(crate) async fn carry(&self, mut look: impl FnMut(&Ledger, usize)) -> anyhow::Result<Carried> {
        let (clock, begun) = (Clock::system(), Instant::now());
        let ledger = Mutex::new(Ledger::default());
        let sender = Sender::new(self.tickets.clone(), self.workers)?;
        let (there, calls) = mpsc::unbounded_channel();
        let sending = async {
            let there = there;
            let send = async |at: usize| {
                let (file, call) = (at % self.files.len(), clock.call_id());
                change(&ledger, |it| it.begun(&call, file, clock.now_ms()));
                match self.send(&sender, file, &call).await {
                    Ok(bytes) => {
                        change(&ledger, |it| it.uploaded(&call, clock.now_ms()));
                        // Who follows ends after this.
                        there.send(call).ok();
                        bytes
                    }
                    Err(reason) => {
                        change(&ledger, |it| it.failed(&call, &reason));
                        0
                    }
                }
            };
            let sent = stream::iter(0..self.count).map(send).buffer_unordered(self.workers);
            let bytes = sent.fold(0, async |sum, bytes| sum + bytes).await;
            anyhow::Ok((bytes, begun.elapsed()))
        };
        let following = self.follow(&clock, calls, &ledger, &mut look);
        let ((sent_bytes, sending), ()) = tokio::try_join!(sending, following)?;
        let ledger = ledger.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Carried { ledger, sending, whole: begun.elapsed(), sent_bytes })
    }

    async fn send(&self, sender: &Sender, file: usize, call: &CallId) -> Result<u64, String> {
        let file = &self.files[file];
        let new = self.wishes.new_recording(file, &file.name(), call)?;
        let sent = sender.send(file, call, &new, Arc::new(Unseen)).await;
        sent.map(|arrived| arrived.sent_bytes).map_err(|failure| failure.reason().to_owned())
    }

    /// Asks what became of the calls that come, until no more come and all are over.
    async fn follow(
        &self,
        clock: &Clock,
        mut calls: mpsc::UnboundedReceiver<CallId>,
        ledger: &Mutex<Ledger>,
        look: &mut impl FnMut(&Ledger, usize),
    ) -> anyhow::Result<()> {
        let mut waiting = Waiting::asking(self.tickets.clone(), LOOKED_AT);
        loop {
            while let Ok(call) = calls.try_recv() {
                waiting.add(call);
            }
            let mut working = 0;
            let mut hear = |call: &CallId, heard| match heard {
                Heard::At(view) => working += usize::from(is_worked_on(&view)),
                Heard::Done(segments) => change(ledger, |it| it.done(call, segments, clock.now_ms())),
                Heard::Failed(reason) => change(ledger, |it| it.failed(call, &reason)),
            };
            waiting.round(&mut hear).await.map_err(|failure| anyhow::anyhow!("{}", failure.reason().to_owned()))?;
            change(ledger, |it| look(it, working));
            if waiting.pending().is_empty() && calls.is_closed() && calls.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(ROUND).await;
        }
    }
}

fn is_worked_on(view: &RecordingView) -> bool {
    view.state == RecordingState::Transcribing
}

fn change<T>(ledger: &Mutex<Ledger>, change: impl FnOnce(&mut Ledger) -> T) -> T {
    change(&mut ledger.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Nobody looks at a single upload among so many.
struct Unseen;

impl Progress for Unseen {
    fn there(&self, _: u64) {}
    fn sent(&self, _: u64) {}
    fn lost(&self, _: u64) {}
}

/// The ids that the stack lists, of those that were sent, as often as it does.
async fn listed(stack: &Stack, ledger: &Ledger) -> anyhow::Result<Vec<CallId>> {
    let (mut pages, mut listed) = (Pages::new(stack), Vec::new());
    let mut missing = ledger.ids();
    while !missing.is_empty() {
        let Some(calls) = pages.next(usize::MAX).await? else { break };
        for call in calls.iter().filter_map(|call| CallId::parse(&call.call).ok()) {
            if ledger.has(&call) {
                missing.remove(&call);
                listed.push(call);
            }
        }
    }
    Ok(listed)
}

/// What is seen meanwhile.
struct Bar(ProgressBar, Instant);

fn bar(calls: u64) -> Bar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(calls) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:32.cyan} {pos} of {len} done  {msg}") {
        bar.set_style(style);
    }
    Bar(bar, Instant::now())
}

impl Bar {
    fn show(&self, ledger: &Ledger, working: usize, monitor: bool) {
        let (uploaded, done, failed) = ledger.counts();
        self.0.set_position(done as u64);
        if !monitor {
            return self.0.set_message(format!("{uploaded} uploaded"));
        }
        let waiting = uploaded.saturating_sub(done + failed + working);
        let rate = done as f64 / self.1.elapsed().as_secs_f64();
        let waits = |since_ms: i64| u64::try_from(Clock::system().now_ms() - since_ms).unwrap_or_default();
        let oldest = ledger.oldest_ms().map_or_else(|| "-".to_owned(), |since_ms| times::length(waits(since_ms)));
        self.0.set_message(format!(
            "{uploaded} uploaded · {waiting} queued · {working} working · {failed} failed · {rate:.1}/s · oldest waits {oldest}"
        ));
    }
}

fn print(measured: &Measured, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(measured)?)?;
        return Ok(());
    }
    let Measured { account, wall_s, uploads_per_s, sent_mib, right, workers } = measured;
    let spread = |spread: &Option<crate::stream::summary::Spread>| {
        spread.map_or_else(|| "-".to_owned(), |it| format!("p50 {} ms, p95 {} ms", it.p50, it.p95))
    };
    writeln!(out, "{} calls by {workers} workers in {wall_s:.1} s, {sent_mib:.1} MiB", account.calls)?;
    writeln!(out, "uploads        {uploads_per_s:.1} a second, each {}", spread(&account.upload_ms))?;
    writeln!(out, "until done     {}", spread(&account.done_ms))?;
    let Account { done, failed, lost, twice, segments_differ, .. } = account;
    writeln!(out, "done {done} · failed {failed} · lost {lost} · twice {twice} · other segments {segments_differ}")?;
    writeln!(out, "{}", if *right { "each is there once, done and alike" } else { "that is not right" })
        .context("writing to standard output")
}
