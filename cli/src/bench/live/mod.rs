//! `callboard bench live`: how many calls at once this machine holds, and what the system adds to a transcript's delay.
//!
//! A stack of its own is started as a process, with a shard for each 40 calls and a transcription service that knows the
//! script by its sound and takes as long as a real one. Each call is a capture client and a dashboard, both over real
//! sockets, at the speaker's own pace, and what the dashboard is pushed is held against the script. Clients and
//! transcription service live in this process, whose use of the machine is told apart from the stack's.
//!
//! **Added delay.** From the last audio of an utterance reaching the gateway to its segment reaching the dashboard, less
//! the silence that closes an utterance and the transcription service's own time. All times are those of this process'
//! clock. The beginning is when the frame was first handed to its socket that holds the utterance's end, as the segment
//! tells it; the end is when the segment was read. Of the closing silence (`times.closing_ms` of the segment, which is
//! counted in media time) that is taken off which that frame does not hold yet: so what is left begins where the last
//! sample of the silence was spoken, and what that sample waits for its frame to be sent is a part of the delay. That wait
//! is the client's, and told by itself, too (`frame_wait_ms`). The service's own time is what it means to take for the
//! utterance; where it is late, as on a machine that is too busy, the delay shows it.

mod board;
mod call;
mod print;
mod report;
mod script;
mod service;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use callboard_audio::Encoding;
use serde::Deserialize;
use tokio::task::JoinSet;

use self::{
    board::Board,
    call::{Outcome, Plan},
    report::{Load, Report},
    script::Script,
    service::Delay,
};
use super::{
    child::Running,
    meter::{self, Used},
    talk::demo,
};
use crate::{dev, stack::Stack, stream::parse_encoding};

/// Calls that a shard carries.
const CALLS_PER_SHARD: usize = 40;
/// Calls begin one after the other within this time, or within a third of their length.
const STAGGER: Duration = Duration::from_secs(10);

/// Measure how many live calls at once this machine holds, and the delay that is added to what is said
///
/// The code is 1 unless every utterance came once and right, and every frame was acknowledged.
#[derive(clap::Args)]
pub(crate) struct LiveArgs {
    /// Stereo calls at once
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=2_000))]
    calls: u16,
    /// How long each call speaks, to the end of the last turn
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=7_000))]
    seconds: u32,
    /// How long the transcription service takes
    #[arg(long, value_enum, default_value = "real")]
    speech_delay: Delay,
    /// How the frames are written
    #[arg(long, default_value = "opus", value_parser = parse_encoding)]
    encoding: Encoding,
    /// Keep the stack's data, and tell where
    #[arg(long)]
    keep: bool,
    /// Where template.yaml and the demo call are
    #[arg(long, value_name = "DIR", env = "CALLBOARD_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// Print one object
    #[arg(long)]
    json: bool,
}

/// Measures.
///
/// # Errors
/// The stack did not start, or is gone.
pub(crate) async fn run(args: LiveArgs) -> anyhow::Result<ExitCode> {
    let project = dev::project(args.project.clone())?;
    let mut folder = tempfile::tempdir().context("making a folder for the stack's data")?;
    if args.keep {
        folder.disable_cleanup(true);
        eprintln!("callboard: the stack's data is kept in {}", folder.path().display());
    }
    let calls = usize::from(args.calls);
    let script = Arc::new(Script::new(&demo(&project), args.encoding)?);
    let speech = service::start(&script, args.speech_delay).await?;
    let shards = calls.div_ceil(CALLS_PER_SHARD);
    // As deployed: frames are put aside once a minute. A stack on a desk does it at once, so that a call can be heard.
    let settings = [("SHARDS", shards.to_string()), ("KEEP_WINDOW_SECONDS", "60".to_owned())];
    let running = Running::start(folder.path(), &project, &speech.url, &settings).await?;
    if let Some(process) = running.process() {
        eprintln!("callboard: the stack is process {process}");
    }
    let duration_ms = u64::from(args.seconds) * 1_000;
    let plan = Plan {
        stack: running.stack.clone(),
        script: script.clone(),
        delay: args.speech_delay,
        duration_ms,
        board: Board::new(calls, calls as u64 * duration_ms),
    };
    let before = Counted::now(&running).await?;
    running.reset_peak();
    let began = tokio::time::Instant::now();
    let outcomes = speak(plan, calls, STAGGER.min(Duration::from_millis(duration_ms / 3))).await;
    let wall = began.elapsed();
    let after = Counted::now(&running).await.with_context(|| running.said())?;
    let load = Load { shards, seconds: args.seconds, speech_share: script.share, wall_s: wall.as_secs_f64() };
    let report = Report::of(&outcomes, load, &before, &after);
    report.print(args.json)?;
    if report.is_right() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("callboard: {}", report.verdict());
    outcomes.iter().filter_map(|it| it.reason.as_deref()).take(5).for_each(|reason| eprintln!("callboard: {reason}"));
    let said = running.said();
    if !said.is_empty() {
        eprintln!("callboard: the stack said last:\n{said}");
    }
    Ok(ExitCode::FAILURE)
}

/// Speaks all calls, begun one after the other within some time.
async fn speak(plan: Plan, calls: usize, stagger: Duration) -> Vec<Outcome> {
    let plan = Arc::new(plan);
    let mut speaking = JoinSet::new();
    for at in 0..calls {
        let plan = plan.clone();
        speaking.spawn(async move {
            tokio::time::sleep(stagger.mul_f64(at as f64 / calls as f64)).await;
            plan.board.begins();
            let outcome = Box::pin(call::run(&plan, at)).await;
            let outcome = outcome.unwrap_or_else(|error| Outcome::failed(format!("{error:#}")));
            plan.board.ends(outcome.is_held());
            outcome
        });
    }
    let mut outcomes = Vec::new();
    while let Some(ended) = speaking.join_next().await {
        outcomes.push(ended.unwrap_or_else(|error| Outcome::failed(error.to_string())));
    }
    plan.board.finish();
    outcomes
}

/// What was used up to a moment.
struct Counted {
    /// By the stack.
    stack: Option<Used>,
    /// By the clients and the transcription service.
    load: Option<Used>,
    /// Write units by table.
    write_units: BTreeMap<String, f64>,
}

impl Counted {
    async fn now(running: &Running) -> anyhow::Result<Self> {
        let write_units = write_units(&running.stack).await.context("asking what writing took")?;
        Ok(Self { stack: running.used(), load: meter::used(std::process::id()), write_units })
    }
}

async fn write_units(stack: &Stack) -> anyhow::Result<BTreeMap<String, f64>> {
    #[derive(Deserialize)]
    struct Usage {
        write_units: BTreeMap<String, f64>,
    }
    let usage: Usage = stack.get("/_local/usage").await?.error_for_status()?.json().await?;
    Ok(usage.write_units)
}
