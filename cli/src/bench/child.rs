//! A stack of its own to measure: `callboard dev` as a process, with data and state that go with it.

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
};

use super::{
    meter::{Used, reset_peak, used},
    stages::Stages,
};
use crate::stack::{Stack, StackArgs};

/// How long it may take to start.
const START: Duration = Duration::from_secs(60);
/// Lines of what it said that are kept for whoever asks why it ended.
const KEPT: usize = 20;

/// A stack that runs until this is dropped.
pub(crate) struct Running {
    /// The stack.
    pub stack: Stack,
    child: Child,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    stages: Stages,
    last: Vec<String>,
}

impl Running {
    /// Starts one with its data in this folder, in front of a transcription service, with these variables set.
    ///
    /// # Errors
    /// It did not start.
    pub(crate) async fn start(
        folder: &Path,
        project: &Path,
        speech: &str,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let data = folder.join("data");
        let mut command = Command::new(std::env::current_exe().context("finding this program")?);
        command.args(["dev", "--port", "0", "--speech", speech, "--data"]).arg(&data).arg("--project").arg(project);
        // Another stack's state stays what it is, and lines are read by a program.
        command.env("XDG_STATE_HOME", folder.join("state")).env("NO_COLOR", "1");
        command.env("CALLBOARD_LOG", "warn,callboard::stages=info").envs(settings.iter().map(|(name, it)| (name, it)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("starting a stack")?;
        let heard = Arc::<Mutex<Heard>>::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(hear(stderr, heard.clone()));
        }
        let mut lines = BufReader::new(child.stdout.take().context("the stack has no output")?).lines();
        let ready =
            tokio::time::timeout(START, lines.next_line()).await.context("the stack was not ready in time")??;
        let url = ready.as_deref().and_then(|line| line.strip_prefix("callboard is ready on "));
        let Some(url) = url else {
            // What it says last may still be under way.
            child.wait().await.ok();
            bail!("the stack did not start: {}", said(&heard));
        };
        let token = std::fs::read_to_string(data.join("token")).context("reading the stack's token")?;
        let stack = StackArgs::with_token(url, token.trim()).resolve()?;
        Ok(Self { stack, child, heard })
    }

    /// Its process, for whoever wants to look into it.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it used since it began; nothing where the system does not tell.
    pub(crate) fn used(&self) -> Option<Used> {
        used(self.child.id()?)
    }

    /// Lets its most memory count from now on.
    pub(crate) fn reset_peak(&self) {
        if let Some(process) = self.child.id() {
            reset_peak(process);
        }
    }

    /// Where the time of the parts went, and forgets it.
    pub(crate) fn take_stages(&self) -> Stages {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner).stages)
    }

    /// What it said last.
    pub(crate) fn said(&self) -> String {
        said(&self.heard)
    }
}

fn said(heard: &Mutex<Heard>) -> String {
    heard.lock().unwrap_or_else(PoisonError::into_inner).last.join("\n")
}

async fn hear(stderr: ChildStderr, heard: Arc<Mutex<Heard>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if line.contains("callboard::stages") {
            heard.stages.read(&line);
            continue;
        }
        if heard.last.len() == KEPT {
            heard.last.remove(0);
        }
        heard.last.push(line);
    }
}
