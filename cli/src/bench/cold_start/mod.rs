//! `callboard bench cold-start`: how long each function takes until it asks for its first event, and what it takes then.
//!
//! The release binaries that `make lambda LAMBDA=--release` leaves run one after the other in front of a runtime API of our
//! own and of the local stack's AWS services, without any network. Beside them runs a function that does nothing, started
//! in turn with them, so that what else the machine does meets all alike.

mod batch;
mod binary;
mod runtime_api;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use callboard_local::{
    aws::{ACCESS_KEY, LocalAws, REGION, SECRET_KEY},
    gateway::Connections,
    template::Template,
};
use callboard_runtime::Clock;
use serde::Serialize;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};

use self::{
    binary::{Binary, EMPTY},
    runtime_api::{RuntimeApi, Told},
};
use super::{
    meter::{Used, used},
    speech::Speech,
    talk,
};
use crate::dev::{self, seed};

/// How long a start or an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The token that the sample events show.
const TOKEN: &str = "example";
/// The function that is measured with batches of many calls, too.
const BATCHED: &str = "transcribe";

/// Measure how long each function takes to start, and what it takes
#[derive(clap::Args)]
pub(crate) struct ColdStartArgs {
    /// Where `make lambda LAMBDA=--release` left the functions [default: target/lambda of the project]
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// Starts of each function
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    starts: u32,
    /// Sample events that each function gets, after which its memory is looked at
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..))]
    invocations: u32,
    /// Where template.yaml and the sample events are
    #[arg(long, value_name = "DIR", env = "CALLBOARD_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// Print one object
    #[arg(long)]
    json: bool,
}

/// How long starts took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Times {
    p50: f64,
    max: f64,
}

/// What one function came to. Times in milliseconds.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// From the start of the process to its asking for an event.
    init_ms: Times,
    /// Half of its starts took so many times as long as half of those of a function that does nothing.
    ratio_to_empty: f64,
    /// From the first event to its answer.
    first_ms: f64,
    /// The same of half of those after it, at most.
    warm_ms: f64,
    /// Size of the stripped program.
    binary_mib: f64,
    /// Most memory that it had at once; none where the system does not tell.
    peak_rss_mib: Option<f64>,
    /// The same of another process, which got batches of so many calls as `calls_a_batch` of the report says; of the function
    /// whose memory grows with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_peak_rss_mib: Option<f64>,
    /// Events that it answered by an error: what its sample event asks for cannot be done here.
    errors: u32,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    functions: Vec<Row>,
    empty_init_ms: Times,
    empty_binary_mib: f64,
    starts: u32,
    invocations: u32,
    calls_a_batch: usize,
}

/// Measures.
///
/// # Errors
/// A binary is missing or not of this machine, or a function did not start: which, and what to do.
pub(crate) async fn run(args: ColdStartArgs) -> anyhow::Result<ExitCode> {
    let project = dev::project(args.project.clone())?;
    let template = project.join("template.yaml");
    let folder = args.binaries.clone().unwrap_or_else(|| project.join("target/lambda"));
    let speech = Speech::start().await?;
    let overrides = BTreeMap::from([("SpeechUrl".to_owned(), speech.url.clone())]);
    let template = Template::read(&template, &overrides).map_err(|e| anyhow::anyhow!("{}: {e}", template.display()))?;
    let names = names(&template);
    let binaries = binary::all(&folder, names.keys().map(String::as_str))?;
    let cloud = Cloud::open(&template).await?;

    let mut starts: Vec<Vec<f64>> = vec![Vec::new(); binaries.len()];
    for _ in 0..args.starts {
        for (binary, starts) in binaries.iter().zip(&mut starts) {
            let process = Process::start(binary, &cloud.settings(names.get(&binary.name))).await?;
            starts.push(process.init_ms);
        }
    }
    let of = |name: &str| binaries.iter().zip(&starts).find(|(binary, _)| binary.name == name);
    let (empty, empty_starts) = of(EMPTY).context("the empty function was not measured")?;
    let empty_init_ms = times(empty_starts);
    let mut functions = Vec::new();
    for (binary, starts) in binaries.iter().zip(&starts).filter(|(binary, _)| binary.name != EMPTY) {
        let event = project.join("events").join(format!("{}.json", binary.name));
        let event = std::fs::read(&event).with_context(|| format!("{} cannot be read", event.display()))?;
        let mut process = Process::start(binary, &cloud.settings(names.get(&binary.name))).await?;
        let mut taken = Vec::new();
        let mut errors = 0;
        for _ in 0..args.invocations {
            let (took_ms, is_error) = process.invoke(Bytes::from(event.clone())).await?;
            taken.push(took_ms);
            errors += u32::from(is_error);
        }
        let mut batch_peak_rss_mib = None;
        if binary.name == BATCHED {
            let mut process = Process::start(binary, &cloud.settings(names.get(&binary.name))).await?;
            for batch in batch::batches(&event, &talk::demo(&project))? {
                errors += u32::from(process.invoke(batch).await?.1);
            }
            batch_peak_rss_mib = process.used().map(|used| used.peak_rss_mib);
        }
        let init_ms = times(starts);
        functions.push(Row {
            name: binary.name.clone(),
            init_ms,
            ratio_to_empty: init_ms.p50 / empty_init_ms.p50,
            first_ms: taken[0],
            warm_ms: times(&taken[1..]).p50,
            binary_mib: binary.mib,
            peak_rss_mib: process.used().map(|used| used.peak_rss_mib),
            batch_peak_rss_mib,
            errors,
        });
    }
    let ColdStartArgs { starts, invocations, json, .. } = args;
    let calls_a_batch = batch::CALLS;
    let empty_binary_mib = empty.mib;
    print(&Report { functions, empty_init_ms, empty_binary_mib, starts, invocations, calls_a_batch }, json)?;
    Ok(ExitCode::SUCCESS)
}

/// Functions by the name of their crate, each with the id of the first one in the template that has its code.
fn names(template: &Template) -> BTreeMap<String, &callboard_local::template::Function> {
    let mut names = BTreeMap::new();
    for function in template.functions.values() {
        names.entry(function.handler.clone()).or_insert(function);
    }
    names
}

fn times(taken: &[f64]) -> Times {
    let mut sorted = taken.to_vec();
    sorted.sort_by(f64::total_cmp);
    let p50 = sorted.get(sorted.len().div_ceil(2).saturating_sub(1)).copied().unwrap_or_default();
    Times { p50, max: sorted.last().copied().unwrap_or_default() }
}

/// The AWS services that functions find, in memory.
struct Cloud {
    address: String,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Cloud {
    async fn open(template: &Template) -> anyhow::Result<Self> {
        let aws = LocalAws::open(None, template, Connections::default())?;
        seed::accounts(&aws.sdk_config(), template, TOKEN, Clock::system().now_ms()).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("opening a port")?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = aws.router();
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the AWS services ended");
            }
        });
        Ok(Self { address, serving })
    }

    /// The environment of a function, as Lambda gives it; of none, only what Lambda itself adds.
    fn settings(&self, function: Option<&&callboard_local::template::Function>) -> BTreeMap<String, String> {
        let mut settings = function.map(|function| function.environment.clone()).unwrap_or_default();
        if let Some(endpoint) = settings.get_mut("SOCKET_ENDPOINT") {
            *endpoint = format!("{}/ws", self.address);
        }
        let id = function.map_or("Empty", |function| function.id.as_str());
        let added = [
            ("AWS_LAMBDA_FUNCTION_NAME", id),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "measured"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "measured"),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_ENDPOINT_URL", &self.address),
        ];
        settings.extend(added.map(|(name, value)| (name.to_owned(), value.to_owned())));
        settings
    }
}

/// A function's process that asked for its first event.
struct Process {
    name: String,
    child: Child,
    api: RuntimeApi,
    /// Where it logs.
    log: TempDir,
    /// From its start until it asked.
    init_ms: f64,
}

impl Process {
    async fn start(binary: &Binary, settings: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let api = RuntimeApi::open(|| Clock::system().now_ms()).await?;
        let log = TempDir::new().context("making a folder")?;
        let written = File::create(log.path().join("log"))?;
        let mut command = Command::new(&binary.path);
        command.env_clear().envs(settings).env("AWS_LAMBDA_RUNTIME_API", &api.address);
        command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written).kill_on_drop(true);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("{} cannot be started", binary.path.display()))?;
        let mut process = Self { name: binary.name.clone(), child, api, log, init_ms: 0.0 };
        let polled = process.polled().await?;
        process.init_ms = (polled - begun).as_secs_f64() * 1_000.0;
        Ok(process)
    }

    /// Gives it an event. How long its answer took, in milliseconds, and whether it is an error.
    async fn invoke(&mut self, event: Bytes) -> anyhow::Result<(f64, bool)> {
        let given = Instant::now();
        self.api.give(event);
        let (answered, is_error) = match self.next().await? {
            Told::Answered(at) => (at, false),
            Told::Failed(at, _) => (at, true),
            Told::Polled(_) => bail!("{} asked for another event before it answered", self.name),
        };
        self.polled().await?;
        Ok(((answered - given).as_secs_f64() * 1_000.0, is_error))
    }

    async fn polled(&mut self) -> anyhow::Result<Instant> {
        match self.next().await? {
            Told::Polled(at) => Ok(at),
            Told::Failed(_, reason) => bail!("{} did not start: {reason}", self.name),
            Told::Answered(_) => bail!("{} answered what nobody asked", self.name),
        }
    }

    async fn next(&mut self) -> anyhow::Result<Told> {
        tokio::select! {
            told = timeout(PATIENCE, self.api.told.recv()) => match told {
                Ok(Some(told)) => Ok(told),
                _ => bail!("{} said nothing for {} s: {}", self.name, PATIENCE.as_secs(), said(self.log.path())),
            },
            ended = self.child.wait() => bail!("{} ended ({}): {}", self.name, ended?, said(self.log.path())),
        }
    }

    fn used(&self) -> Option<Used> {
        used(self.child.id()?)
    }
}

/// The last lines of a log.
fn said(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
        return Ok(());
    }
    let Times { p50, max } = report.empty_init_ms;
    writeln!(
        out,
        "{:<12} {:>9} {:>9} {:>6} {:>9} {:>9} {:>9} {:>9}",
        "", "start ms", "at most", "ratio", "first ms", "warm ms", "size MiB", "peak MiB"
    )?;
    writeln!(
        out,
        "{:<12} {p50:>9.1} {max:>9.1} {:>6.1} {:>9} {:>9} {:>9.2}",
        EMPTY, 1.0, "", "", report.empty_binary_mib
    )?;
    for row in &report.functions {
        let Times { p50, max } = row.init_ms;
        let peak = row.peak_rss_mib.map_or_else(String::new, |peak| format!("{peak:.1}"));
        writeln!(
            out,
            "{:<12} {p50:>9.1} {max:>9.1} {:>6.1} {:>9.1} {:>9.2} {:>9.2} {peak:>9}",
            row.name, row.ratio_to_empty, row.first_ms, row.warm_ms, row.binary_mib
        )?;
    }
    for row in &report.functions {
        let Some(peak) = row.batch_peak_rss_mib else { continue };
        writeln!(out, "{} with batches of {} calls: at most {peak:.1} MiB", row.name, report.calls_a_batch)?;
    }
    for row in report.functions.iter().filter(|row| row.errors > 0) {
        writeln!(out, "{} answered {} of {} events by an error", row.name, row.errors, report.invocations)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_longest_count() {
        for (taken, p50, max) in [(vec![], 0.0, 0.0), (vec![3.0], 3.0, 3.0), (vec![9.0, 1.0, 5.0, 2.0], 2.0, 9.0)] {
            assert_eq!(times(&taken), Times { p50, max });
        }
    }

    #[test]
    fn every_function_has_a_sample_event() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let template = Template::read(&project.join("template.yaml"), &BTreeMap::new()).unwrap();
        for name in names(&template).keys() {
            assert!(project.join("events").join(format!("{name}.json")).is_file(), "{name}");
        }
    }
}
