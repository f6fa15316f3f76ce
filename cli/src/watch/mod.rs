//! `callboard watch-folder`: recordings that appear in a folder become calls.
//!
//! The folder is looked through again and again, which finds what any program, machine or network share puts there; what
//! was sent is remembered as `callboard upload` remembers it, so that restarts and renaming send nothing twice.

mod folder;
mod results;
mod scan;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use callboard_domain::CallId;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::Instant,
};

use self::{folder::Folder, scan::Found};
use crate::{
    failure::Unusable,
    stack::StackArgs,
    upload::{Failed, Failure, Happened, Identity, Outcome, Report, Summary, Uploader, WishArgs, tell, tell_failure},
};

/// Pause between two looks at least; a folder that takes long to look through is looked at less often.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// Share of the time that may go into looking.
const LOOKING: u32 = 10;

/// Hand in recordings that appear in a folder or in those within it, until it is told to stop
///
/// A recording is handed in when it was not changed for some seconds: wav, mp3, m4a, mp4, aac, flac, ogg, oga, opus, webm.
/// Hidden files and those under temporary names (.part, .tmp, .crdownload) are passed over until they have their own.
#[derive(clap::Args)]
pub(crate) struct WatchArgs {
    /// The folder
    folder: PathBuf,
    #[command(flatten)]
    wishes: WishArgs,
    #[command(flatten)]
    stack: StackArgs,
    /// How many things are sent at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: u16,
    /// Seconds that a recording must stay as it is
    #[arg(long, default_value_t = 3, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3_600))]
    settle: u16,
    /// End when all that is there was sent
    #[arg(long)]
    once: bool,
    /// Tell when each is transcribed, too
    #[arg(long)]
    wait: bool,
    /// Print an object a line for what happens to each, and a summary at the end
    #[arg(long)]
    json: bool,
}

/// What is sent and what is to be.
struct Watch<'a> {
    uploader: &'a Uploader,
    report: &'a Report,
    place: PathBuf,
    at_once: usize,
    once: bool,
    /// Who waits for the calls to be done, if anybody.
    waits: Option<mpsc::UnboundedSender<(CallId, String)>>,
    begun: Instant,
    folder: Folder,
    queue: VecDeque<Identity>,
    /// Folders that could not be looked into, as told.
    closed: Vec<(PathBuf, String)>,
    failed: Failed,
}

/// Watches. With `--once` the code says whether any failed.
///
/// # Errors
/// The folder or an option cannot be used.
pub(crate) async fn run(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let place = usable(&args.folder)?;
    let uploader = Uploader::new(args.stack.resolve()?, args.wishes, usize::from(args.at_once))?;
    let report = Report::new(args.json);
    let (sent, calls) = mpsc::unbounded_channel();
    let mut watch = Watch {
        uploader: &uploader,
        report: &report,
        place,
        at_once: usize::from(args.at_once),
        once: args.once,
        waits: args.wait.then_some(sent),
        begun: Instant::now(),
        folder: Folder::new(Duration::from_secs(args.settle.into())),
        queue: VecDeque::new(),
        closed: Vec::new(),
        failed: Failed::default(),
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let work = async {
        let watching = async {
            let failed = watch.go().await;
            // Nothing more comes to be waited for.
            watch.waits = None;
            failed
        };
        tokio::try_join!(watching, results::tell(uploader.tickets().clone(), calls, &report))
    };
    let code = tokio::select! {
        done = work => {
            let ((), lost) = done?;
            watch.failed.other += lost;
            watch.failed.exit_code()
        }
        _ = tokio::signal::ctrl_c() => ExitCode::SUCCESS,
        _ = terminate.recv() => ExitCode::SUCCESS,
    };
    let counted = report.counted();
    report.summary(&Summary { files: counted.uploaded + counted.there + watch.failed.all(), ..counted })?;
    Ok(code)
}

fn usable(folder: &Path) -> Result<PathBuf, Unusable> {
    let cannot = |problem: String| Unusable(format!("{} cannot be watched: {problem}", folder.display()));
    let whole = folder.canonicalize().map_err(|error| cannot(format!("{error}; name a folder that is there")))?;
    if !whole.is_dir() {
        return Err(cannot("it is no folder: use `callboard upload` for files".into()));
    }
    whole.read_dir().map_err(|error| cannot(format!("it cannot be looked into ({error})")))?;
    Ok(whole)
}

impl Watch<'_> {
    async fn go(&mut self) -> anyhow::Result<()> {
        let (uploader, report) = (self.uploader, self.report);
        let send = async |file: Identity| {
            let bar = Arc::new(report.bar(&file.name(), file.bytes));
            // It may be empty, or not to be read: that is told as of any other file.
            let outcome = match Identity::look(&file.path) {
                Ok(_) => uploader.send(&file, false, bar).await,
                Err(problem) => Outcome { call: None, result: Err(Failure::Unusable(problem)) },
            };
            (file, outcome)
        };
        let mut sending = FuturesUnordered::new();
        let mut next_look = Instant::now();
        loop {
            tokio::select! {
                Some((file, outcome)) = sending.next() => self.sent(&file, outcome)?,
                () = tokio::time::sleep_until(next_look) => next_look = self.look().await?,
            }
            while sending.len() < self.at_once
                && let Some(file) = self.queue.pop_front()
            {
                sending.push(send(file));
            }
            if self.once && sending.is_empty() && self.queue.is_empty() && self.folder.is_settled() {
                return Ok(());
            }
        }
    }

    /// Looks through the folder. Returns when to look again.
    async fn look(&mut self) -> anyhow::Result<Instant> {
        let (place, begun) = (self.place.clone(), Instant::now());
        let Found { recordings, closed } =
            tokio::task::spawn_blocking(move || scan::scan(&place)).await.context("looking through the folder")?;
        for (folder, problem) in closed.iter().filter(|told| !self.closed.contains(told)) {
            self.report.notice(&format!("{} cannot be looked into: {problem}", folder.display()));
        }
        self.closed = closed;
        let complete = self.folder.scanned(recordings, self.begun.elapsed());
        self.queue.extend(complete.into_iter().filter(|file| !self.uploader.has_sent(file)));
        Ok(Instant::now() + SHORTEST_PAUSE.max(begun.elapsed() * LOOKING))
    }

    /// Tells what became of one.
    fn sent(&mut self, file: &Identity, outcome: Outcome) -> anyhow::Result<()> {
        let name = file.path.strip_prefix(&self.place).unwrap_or(&file.path).display().to_string();
        if let Err(failure) = &outcome.result {
            if self.folder.failed(&file.path, failure.reason(), self.begun.elapsed()) {
                self.failed.count(failure);
                let call = outcome.call.as_ref();
                tell_failure(self.report, &name, call, Happened::NotUploaded, failure.reason())?;
            }
            return Ok(());
        }
        if let Some(call) = tell(self.report, &name, outcome)?
            && let Some(waiting) = &self.waits
        {
            // Whoever waits ends after this.
            waiting.send((call, name)).ok();
        }
        Ok(())
    }
}
