//! `callboard upload`: recordings as calls, each once, however often and wherever it was interrupted.
//!
//! What a recording is known by stands in `identity`, what was sent in `memory`, how it is sent in `sending`.

mod body;
mod identity;
mod memory;
mod report;
mod retry;
mod sending;
mod tickets;
mod uploader;
#[cfg(test)]
mod uploader_tests;
mod waiting;
mod wishes;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use callboard_domain::CallId;
use callboard_runtime::Clock;
use futures_util::{Stream, StreamExt as _, stream};

pub(crate) use self::{
    identity::Identity,
    report::{Happened, Report, Summary, Told},
    retry::{Failure, Tries},
    sending::{Progress, Sender},
    tickets::Tickets,
    uploader::{Outcome, Uploader},
    waiting::{Heard, Waiting},
    wishes::WishArgs,
};
use crate::stack::StackArgs;

/// Bars of recordings that are worked on, at most.
const MOST_BARS: usize = 8;

/// Hand in recordings as calls: WAV, MP3, M4A, FLAC, OGG, Opus, WebM
///
/// Interrupted and run again, it goes on where it was: the same file becomes the same call, and only what is missing of it
/// is sent. A file is known by its path, length and time of change, and where it was renamed, by its number on the disk.
#[derive(clap::Args)]
pub(crate) struct UploadArgs {
    /// Recordings
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    wishes: WishArgs,
    #[command(flatten)]
    stack: StackArgs,
    /// How many things are sent at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: u16,
    /// Make new calls of files that were sent already
    #[arg(long)]
    again: bool,
    /// Wait until all are transcribed
    #[arg(long)]
    wait: bool,
    /// Print an object a line for what happens to each, and a summary
    #[arg(long)]
    json: bool,
}

/// Sends them. The code says whether any failed: 2 where all that failed cannot be used as it was handed in, else 1.
///
/// # Errors
/// Nothing can be sent at all.
pub(crate) async fn run(args: UploadArgs) -> anyhow::Result<ExitCode> {
    let UploadArgs { files: paths, wishes, stack, at_once, again, wait, json } = args;
    let at_once = usize::from(at_once);
    let uploader = Uploader::new(stack.resolve()?, wishes, at_once)?;
    let report = Report::new(json);
    let work = async {
        let mut failed = Failed::default();
        let files = named(&paths, &report, &mut failed)?;
        let send = async |(name, identity): &(String, Identity)| {
            let bar = Arc::new(report.bar(name, identity.bytes));
            (name.clone(), uploader.send(identity, again, bar).await)
        };
        let sent = all(stream::iter(&files).map(send).buffer_unordered(at_once), &report, &mut failed).await?;
        if wait {
            wait_for_all(&uploader, sent, &report, &mut failed).await?;
        }
        report.summary(&Summary { files: paths.len(), ..report.counted() }).context("writing to standard output")?;
        anyhow::Ok(failed.exit_code())
    };
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => {
            report.notice("interrupted: run it again, and it goes on where it was");
            Ok(ExitCode::from(130))
        }
    }
}

/// How much of what was named failed, and whose it is to mend.
#[derive(Default)]
pub(crate) struct Failed {
    /// What cannot be used as it was handed in.
    pub unusable: usize,
    /// What failed otherwise.
    pub other: usize,
}

impl Failed {
    /// One more.
    pub(crate) fn count(&mut self, failure: &Failure) {
        match failure {
            Failure::Unusable(_) => self.unusable += 1,
            _ => self.other += 1,
        }
    }

    /// All that failed.
    pub(crate) fn all(&self) -> usize {
        self.unusable + self.other
    }

    /// The code that it stands for.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match (self.other, self.unusable) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// The files that can be sent, each once, under the name that it was first given; the others are told.
fn named(files: &[PathBuf], report: &Report, failed: &mut Failed) -> anyhow::Result<Vec<(String, Identity)>> {
    let mut seen = BTreeSet::new();
    let mut usable = Vec::new();
    for file in files {
        let name = file.display().to_string();
        match Identity::look(file) {
            Ok(identity) if !seen.insert(identity.path.clone()) => {
                report.notice(&format!("{name} was named twice and is sent once"));
            }
            Ok(identity) => usable.push((name, identity)),
            Err(problem) => {
                failed.unusable += 1;
                tell_failure(report, &name, None, Happened::NotUploaded, &problem)?;
            }
        }
    }
    Ok(usable)
}

/// Tells of all that are sent as they end. Returns the calls of those that are there, oldest first, with their files' names.
async fn all(
    outcomes: impl Stream<Item = (String, Outcome)>,
    report: &Report,
    failed: &mut Failed,
) -> anyhow::Result<Vec<(CallId, String)>> {
    let mut outcomes = pin!(outcomes);
    let mut sent = Vec::new();
    while let Some((name, outcome)) = outcomes.next().await {
        if let Err(failure) = &outcome.result {
            failed.count(failure);
        }
        if let Some(call) = tell(report, &name, outcome)? {
            sent.push((call, name));
        }
    }
    sent.sort();
    Ok(sent)
}

/// Tells what became of a recording that was to be sent; returns its call if it is there.
pub(crate) fn tell(report: &Report, name: &str, outcome: Outcome) -> anyhow::Result<Option<CallId>> {
    let arrived = match &outcome.result {
        Ok(arrived) => arrived,
        Err(failure) => {
            tell_failure(report, name, outcome.call.as_ref(), Happened::NotUploaded, failure.reason())?;
            return Ok(None);
        }
    };
    let told = Told {
        file: name,
        call: outcome.call.as_ref(),
        state: Happened::Uploaded,
        sent_bytes: Some(arrived.sent_bytes),
        resumed: Some(arrived.resumed),
        reason: None,
    };
    report.told(&told).context("writing to standard output")?;
    Ok(outcome.call)
}

/// Tells what became of a call that is over.
pub(crate) fn tell_end(report: &Report, file: &str, call: &CallId, heard: &Heard) -> anyhow::Result<()> {
    let (state, reason) = match heard {
        Heard::Failed(reason) => (Happened::Failed, Some(reason.as_str())),
        Heard::Done(_) | Heard::At(_) => (Happened::Done, None),
    };
    let told = Told { file, call: Some(call), state, sent_bytes: None, resumed: None, reason };
    report.told(&told).context("writing to standard output")
}

/// Tells of a recording that is not there, or of which nothing came.
pub(crate) fn tell_failure(
    report: &Report,
    file: &str,
    call: Option<&CallId>,
    state: Happened,
    reason: &str,
) -> anyhow::Result<()> {
    let told = Told { file, call, state, sent_bytes: None, resumed: None, reason: Some(reason) };
    report.told(&told).context("writing to standard output")
}

/// Waits until all are over, and tells of each.
async fn wait_for_all(
    uploader: &Uploader,
    sent: Vec<(CallId, String)>,
    report: &Report,
    failed: &mut Failed,
) -> anyhow::Result<()> {
    let (clock, mut waiting) = (Clock::system(), Waiting::new(uploader.tickets().clone()));
    sent.iter().for_each(|(call, _)| waiting.add(call.clone()));
    let names: BTreeMap<CallId, String> = sent.into_iter().collect();
    let (mut bars, mut written) = (BTreeMap::new(), Ok(()));
    let waited = waiting.all(|call, heard| {
        let name = names.get(call).map_or("", String::as_str);
        if let Heard::At(view) = &heard {
            if bars.len() < MOST_BARS || bars.contains_key(call) {
                bars.entry(call.clone()).or_insert_with(|| report.work(name)).at(view, clock.now_ms());
            }
            return;
        }
        failed.other += usize::from(matches!(heard, Heard::Failed(_)));
        bars.remove(call);
        if written.is_ok() {
            written = tell_end(report, name, call, &heard);
        }
    });
    let waited = waited.await;
    written?;
    waited.map_err(|failure| anyhow::anyhow!("{}: they are worked on all the same", failure.reason()))
}
