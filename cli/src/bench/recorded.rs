//! `callboard bench recorded`: hours of audio an hour through everything but the speech model, on this machine.
//!
//! A stack of its own is started as a process, with a transcription service that answers at once; recordings of the demo
//! call with pauses are uploaded as any others, and what the process used until all are done is told, format by format.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tempfile::TempDir;

use super::{
    child::Running,
    cost::{Cost, Measured, Prices, cost},
    encode::Kind,
    speech::Speech,
    talk::{Talk, demo},
    uploads::{Carried, Load},
};
use crate::{
    dev,
    failure::Unusable,
    upload::{Identity, Tickets, Tries, WishArgs},
};

/// Share of a call's time in which somebody speaks.
const SHARE: f64 = 0.45;
/// Uploads at once: more than are worked on at once, so that nobody waits for the network.
const WORKERS: usize = 4;
/// Bytes of one request of an upload in parts, and up to which there is just one: what puts parts together is S3, whose
/// work is not to be measured.
const PART_BYTES: u64 = 256 << 20;

/// Measure how many hours of recorded audio an hour this machine works through, the speech model left out
#[derive(clap::Args)]
pub(crate) struct RecordedArgs {
    /// Formats, one after the other; all but wav need ffmpeg
    #[arg(long, value_enum, value_delimiter = ',', default_value = "wav")]
    format: Vec<Kind>,
    /// Both sides on channels of their own
    #[arg(long)]
    stereo: bool,
    /// Hours of audio, in recordings of --minutes
    #[arg(long, default_value_t = 1.0, value_parser = length)]
    hours: f64,
    /// Length of one recording
    #[arg(long, default_value_t = 10.0, value_parser = length)]
    minutes: f64,
    /// One recording of so many hours instead
    #[arg(long, value_name = "HOURS", value_parser = length, conflicts_with_all = ["hours", "minutes"])]
    one_file_hours: Option<f64>,
    /// Keep recordings and data, and tell where
    #[arg(long)]
    keep: bool,
    /// Where template.yaml and the demo call are
    #[arg(long, value_name = "DIR", env = "CALLBOARD_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// Print an object a line, one a format
    #[arg(long)]
    json: bool,
}

fn length(text: &str) -> Result<f64, String> {
    let length: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.001..=1_000.0).contains(&length) { Ok(length) } else { Err("name from 0.001 to 1000".to_owned()) }
}

/// What one format came to.
#[derive(Debug, Serialize)]
struct Report {
    format: &'static str,
    channels: u8,
    recordings: usize,
    audio_hours: f64,
    speech_share: f64,
    wall_s: f64,
    audio_hours_per_hour: f64,
    /// Of the stack's process; none where the system does not tell.
    cpu_s: Option<f64>,
    /// The same while nothing is asked of it but this.
    audio_hours_per_cpu_hour: Option<f64>,
    peak_rss_mib: Option<f64>,
    segments: usize,
    /// Shares of the time of the parts.
    stages: BTreeMap<String, f64>,
    usd_per_audio_hour: Option<Cost>,
}

/// Measures.
///
/// # Errors
/// Says what is missing, or why a recording did not get through.
pub(crate) async fn run(args: RecordedArgs) -> anyhow::Result<ExitCode> {
    let project = dev::project(args.project.clone())?;
    let mut folder = tempfile::tempdir().context("making a folder for what is measured")?;
    if args.keep {
        folder.disable_cleanup(true);
        eprintln!("callboard: recordings and data are kept in {}", folder.path().display());
    }
    let talk = Talk::new(&demo(&project), args.stereo, SHARE)?;
    let (count, duration_ms) = recordings(&args);
    let wav = folder.path().join("call.wav");
    talk.write(&wav, duration_ms)?;
    let speech = Speech::start().await?;
    for kind in &args.format {
        let file = kind.encode(&wav).await?;
        let report = measure(&folder, &project, &speech, *kind, &file, (count, duration_ms), &talk).await?;
        print(&report, args.json)?;
        if *kind != Kind::Wav && !args.keep {
            std::fs::remove_file(&file).ok();
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How many recordings of which length.
fn recordings(args: &RecordedArgs) -> (usize, u64) {
    match args.one_file_hours {
        Some(hours) => (1, (hours * 3_600_000.0) as u64),
        None => ((args.hours * 60.0 / args.minutes).ceil().max(1.0) as usize, (args.minutes * 60_000.0) as u64),
    }
}

/// Measures one format in a stack of its own.
async fn measure(
    folder: &TempDir,
    project: &Path,
    speech: &Speech,
    kind: Kind,
    file: &Path,
    (count, duration_ms): (usize, u64),
    talk: &Talk,
) -> anyhow::Result<Report> {
    let place = folder.path().join(format!("stack-{}", kind.name()));
    let running = Running::start(&place, project, &speech.url, &[]).await?;
    let file = Identity::look(file).map_err(Unusable)?;
    let bytes = file.bytes;
    let tickets = Tickets { stack: running.stack.clone(), tries: Tries::default() };
    let load = Load { tickets, files: vec![file], wishes: WishArgs::default(), count, workers: WORKERS };
    running.reset_peak();
    let before = running.used();
    let bar = bar(kind, count);
    let carried = load.carry(|ledger, _| bar.set_position(ledger.counts().1 as u64)).await;
    bar.finish_and_clear();
    let Carried { ledger, whole, .. } = carried.with_context(|| running.said())?;
    let after = running.used();
    if let Some(reason) = ledger.reasons().first() {
        bail!("{} of {count} recordings did not get through: {reason}", ledger.counts().2);
    }
    let used = before.zip(after).map(|(before, after)| (after.cpu_s - before.cpu_s, after.peak_rss_mib));
    let audio_hours = count as f64 * duration_ms as f64 / 3_600_000.0;
    let of_an_hour = |all: f64| all / audio_hours;
    let prices = Prices::known()?;
    let costs = |cpu_s: f64| {
        let measured = Measured {
            cpu_s: of_an_hour(cpu_s),
            bytes: of_an_hour((count as u64 * bytes) as f64),
            uploads: of_an_hour((count as u64 * bytes.div_ceil(PART_BYTES)) as f64),
            parts: of_an_hour(
                count as f64 * (duration_ms as f64 / callboard_audio::recorded::SECTION_MS as f64).ceil(),
            ),
            segments: of_an_hour(ledger.segments() as f64),
        };
        cost(&measured, &prices)
    };
    Ok(Report {
        format: kind.name(),
        channels: if talk.is_stereo() { 2 } else { 1 },
        recordings: count,
        audio_hours,
        speech_share: talk.share,
        wall_s: whole.as_secs_f64(),
        audio_hours_per_hour: audio_hours / (whole.as_secs_f64() / 3_600.0),
        cpu_s: used.map(|(cpu_s, _)| cpu_s),
        audio_hours_per_cpu_hour: used.map(|(cpu_s, _)| audio_hours / (cpu_s / 3_600.0)),
        peak_rss_mib: used.map(|(_, peak)| peak),
        segments: ledger.segments(),
        stages: running.take_stages().shares(),
        usd_per_audio_hour: used.map(|(cpu_s, _)| costs(cpu_s)),
    })
}

fn bar(kind: Kind, count: usize) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(count as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:32.cyan} {pos} of {len} {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(kind.name());
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
        return Ok(());
    }
    let Report { format, channels, recordings, audio_hours, speech_share, wall_s, audio_hours_per_hour, .. } = report;
    writeln!(
        out,
        "{format}, {channels} channels: {audio_hours:.2} h in {recordings} recordings ({:.0} % speech) in {wall_s:.1} s",
        speech_share * 100.0
    )?;
    writeln!(out, "  {audio_hours_per_hour:.0} hours of audio an hour, {} segments", report.segments)?;
    if let (Some(cpu_s), Some(peak)) = (report.cpu_s, report.peak_rss_mib) {
        writeln!(out, "  {cpu_s:.1} s of a processor, {peak:.0} MiB at most")?;
    }
    let stages: Vec<String> =
        report.stages.iter().map(|(name, share)| format!("{name} {:.0} %", share * 100.0)).collect();
    writeln!(out, "  time of the parts: {}", stages.join(", "))?;
    if let Some(cost) = &report.usd_per_audio_hour {
        writeln!(out, "  on AWS ${:.5} an hour of audio, prices of {}", cost.all, cost.prices_dated)?;
    }
    Ok(())
}
