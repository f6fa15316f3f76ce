//! `callboard bench cost`: what an hour of a live call, and of recorded audio, costs on AWS.
//!
//! The whole stack runs within this process, polled as AWS polls, with every function and its way to AWS counted; a call
//! is streamed at its own pace, then a recording is handed in. What was counted is taken times its price, of a list that
//! says when it was read. A short call stands for an hour of such calls, so that what a call costs once is in it many
//! times; it is alone on its shard, so that no invocation is shared: the figure is rather too high.

mod bill;
mod counting;
mod estimate;
mod prices;

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use callboard_local::{
    events::Clock as EventClock,
    registry,
    stack::{Stack, StackOptions},
};
use callboard_runtime::Clock;
use indicatif::ProgressBar;
use serde::Serialize;
use tempfile::TempDir;
use tokio::process::Command;

use self::{
    bill::{Item, bill, calls_per_shard, traces_usd},
    counting::{Counter, Counts},
};
pub(crate) use self::{
    estimate::{Cost, Measured, cost},
    prices::Prices,
};
use super::{
    speech::Speech,
    talk::{Talk, demo},
};
use crate::dev::{self, seed};

/// Share of a call's time in which somebody speaks.
const SHARE: f64 = 0.45;
/// The token of the stack's one person.
const TOKEN: &str = "measured";
/// When nothing was done for so long, nothing more will be.
const QUIET: Duration = Duration::from_secs(10);
/// How long what follows a call is waited for: its audio is made when its frames have been put aside, in minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measure what an hour of a live call and of recorded audio costs on AWS
#[derive(clap::Args)]
pub(crate) struct CostArgs {
    /// Length of the live call; its audio comes about three minutes after it
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(20..=7_200))]
    seconds: u64,
    /// Encoding of its frames, as for `callboard stream`
    #[arg(long, default_value = "opus", value_parser = ["pcm_s16le", "mulaw", "opus"])]
    encoding: String,
    /// Length of the recording
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: u64,
    /// Where template.yaml and the demo call are
    #[arg(long, value_name = "DIR", env = "CALLBOARD_PROJECT", hide_env_values = true)]
    project: Option<std::path::PathBuf>,
    /// Print one object
    #[arg(long)]
    json: bool,
}

/// What is printed. US dollars; without a transcription service and a language model but where one is named.
#[derive(Debug, Serialize)]
struct Report {
    live_usd_per_call_hour: f64,
    recorded_usd_per_audio_hour: f64,
    /// How many such calls a shard of the frame stream carries.
    calls_per_shard: f64,
    items: Vec<Item>,
    /// The same with each transcription service and language model, by name.
    with: Vec<With>,
    /// What traces of a call's hour cost besides, where they are switched on.
    traces_usd_per_call_hour: f64,
    speech_share: f64,
    encoding: String,
    prices_dated: String,
    prices_of: String,
}

/// With services that are asked for text and advice.
#[derive(Debug, Serialize)]
struct With {
    name: String,
    live_usd_per_call_hour: f64,
    recorded_usd_per_audio_hour: f64,
}

/// Measures.
///
/// # Errors
/// The stack did not start, or the call or recording did not get through.
pub(crate) async fn run(args: CostArgs) -> anyhow::Result<ExitCode> {
    let prices = Prices::known()?;
    let project = dev::project(args.project.clone())?;
    let folder = TempDir::new().context("making a folder")?;
    let speech = Speech::start().await?;
    let counter = Counter::default();
    let stack = start(&project, &speech, &counter).await?;
    let memory = memory(&stack);
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(200));

    let talk = Talk::new(&demo(&project), true, SHARE)?;
    let file = folder.path().join("live.wav");
    talk.write(&file, args.seconds * 1_000)?;
    bar.set_message(format!("a call of {} s", args.seconds));
    counter.forget();
    let encoding = ["--encoding", &args.encoding, "--frame-ms", "1000", "--json"];
    run_command("stream", &file, &encoding, &stack, folder.path()).await?;
    bar.set_message("what follows it");
    settle(&counter).await?;
    let live = counter.counts();

    let file = folder.path().join("recorded.wav");
    talk.write(&file, args.minutes * 60_000)?;
    bar.set_message(format!("a recording of {} min", args.minutes));
    counter.forget();
    run_command("upload", &file, &["--wait", "--json"], &stack, folder.path()).await?;
    settle(&counter).await?;
    let mut recorded = counter.counts();
    // The upload itself, which no function does.
    recorded.s3_writes += 1.0;
    bar.finish_and_clear();
    stack.stop().await;

    let report = report(&args, &talk, (&live, &recorded), &memory, prices);
    print(&report, args.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn start(project: &Path, speech: &Speech, counter: &Counter) -> anyhow::Result<Stack> {
    let options = StackOptions {
        overrides: BTreeMap::from([("SpeechUrl".to_owned(), speech.url.clone())]),
        clock: EventClock::Aws,
        registry: counter.registry(registry::functions(&Clock::system())),
        ..StackOptions::new(project.join("template.yaml"))
    };
    let stack = Box::pin(Stack::start(options)).await?;
    seed::accounts(&stack.sdk_config(), stack.template(), TOKEN, Clock::system().now_ms()).await?;
    Ok(stack)
}

/// MiB of memory by the name of a function's crate; the most where several functions have the same code.
fn memory(stack: &Stack) -> BTreeMap<String, u64> {
    let mut memory = BTreeMap::new();
    for function in stack.template().functions.values() {
        let known: &mut u64 = memory.entry(function.handler.clone()).or_default();
        *known = function.memory_mib.max(*known);
    }
    memory
}

/// Runs another command of this program against the stack.
async fn run_command(name: &str, file: &Path, options: &[&str], stack: &Stack, state: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command.arg(name).arg(file).args(options);
    command.args(["--url", &format!("http://{}", stack.address()), "--token", TOKEN]);
    command.env("XDG_STATE_HOME", state).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let done = command.kill_on_drop(true).output().await.with_context(|| format!("starting callboard {name}"))?;
    if !done.status.success() {
        bail!("callboard {name} did not get through: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

/// Waits until the call's audio is there and nothing is done any more.
async fn settle(counter: &Counter) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let audio_is_made = counter.counts().kept_bytes > 0.0;
        if audio_is_made && counter.last().is_some_and(|last| last.elapsed() > QUIET) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            bail!("the call's audio was not kept within {} s", PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn report(
    args: &CostArgs,
    talk: &Talk,
    (live, recorded): (&Counts, &Counts),
    memory: &BTreeMap<String, u64>,
    prices: Prices,
) -> Report {
    let (live_s, recorded_s) = (args.seconds as f64, args.minutes as f64 * 60.0);
    let calls_per_shard = calls_per_shard(live, live_s);
    let mut items = bill("live", live, live_s, calls_per_shard, memory, &prices);
    items.extend(bill("recorded", recorded, recorded_s, 0.0, memory, &prices));
    items.retain(|item| item.units > 0.0);
    let sum = |of| items.iter().filter(|item| item.of == of).map(|item| item.usd).sum::<f64>();
    let (live_usd, recorded_usd) = (sum("live"), sum("recorded"));
    // Services count the audio that they are sent: what is spoken.
    let speech = prices.speech_per_audio_hour.iter().map(|(name, usd)| (name, usd * talk.share));
    let services = speech.chain(prices.model_per_call_hour.iter().map(|(name, usd)| (name, *usd)));
    let with = services.map(|(name, usd)| With {
        name: name.clone(),
        live_usd_per_call_hour: live_usd + usd,
        recorded_usd_per_audio_hour: recorded_usd + usd,
    });
    Report {
        live_usd_per_call_hour: live_usd,
        recorded_usd_per_audio_hour: recorded_usd,
        calls_per_shard,
        with: with.collect(),
        items,
        traces_usd_per_call_hour: traces_usd(live, live_s, &prices),
        speech_share: talk.share,
        encoding: args.encoding.clone(),
        prices_dated: prices.dated,
        prices_of: prices.of,
    }
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
        return Ok(());
    }
    for (of, what) in [("live", "an hour of a live call"), ("recorded", "an hour of recorded audio")] {
        writeln!(out, "{what}")?;
        for item in report.items.iter().filter(|item| item.of == of) {
            writeln!(out, "  {:<36} {:>14.4}  ${:.6}", item.name, item.units, item.usd)?;
        }
        let all = if of == "live" { report.live_usd_per_call_hour } else { report.recorded_usd_per_audio_hour };
        writeln!(out, "  {:<36} {:>14}  ${all:.4}", "all of it", "")?;
    }
    writeln!(out, "with")?;
    for With { name, live_usd_per_call_hour, recorded_usd_per_audio_hour } in &report.with {
        writeln!(out, "  {name:<40} ${live_usd_per_call_hour:.3} live, ${recorded_usd_per_audio_hour:.3} recorded")?;
    }
    let calls = report.calls_per_shard;
    writeln!(out, "a shard carries {calls} such calls; prices of {} ({})", report.prices_dated, report.prices_of)?;
    Ok(())
}
