//! The transcription service of a local stack: one that is named, or the speech server of infra/speech, which is
//! started, watched, restarted and stopped here.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::oneshot,
    task::JoinHandle,
};

use super::settings::Settings;

/// The first start loads a model, and may look for one on the network first.
const START: Duration = Duration::from_secs(90);
/// How long a server may take to stop by itself.
const STOP: Duration = Duration::from_secs(5);
/// Pause before a server that ended is started again; doubled each time up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(200);
/// See [`PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The service in use.
pub(super) struct Speech {
    url: Option<String>,
    engine: String,
    watcher: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// A server that runs. Its input stays open as long as it shall run: waiting for a child would close it.
struct Running {
    child: Child,
    input: Option<ChildStdin>,
}

/// How the server is started.
#[derive(Clone)]
struct Server {
    python: PathBuf,
    script: PathBuf,
    port: u16,
}

/// Chooses the service, and starts it where it is this machine's.
pub(super) async fn start(choice: &str, settings: &Settings, project: &Path) -> anyhow::Result<Speech> {
    if choice != "auto" {
        return Ok(Speech { url: Some(choice.to_owned()), engine: "stated".into(), watcher: None });
    }
    let configured = ["SPEECH_URL", "SPEECH_API_KEY"].iter().find(|name| settings.get(name).is_some());
    if let Some(name) = configured {
        return Ok(Speech { url: None, engine: format!("by {name}"), watcher: None });
    }
    match settings.get("SPEECH_PROVIDER").unwrap_or("openai") {
        "openai" => {}
        provider @ ("assemblyai" | "deepgram") => bail!("SPEECH_API_KEY is not set: the provider {provider} needs one"),
        other => {
            bail!("SPEECH_PROVIDER is malformed: there is no provider \"{other}\"; use openai, assemblyai or deepgram")
        }
    }
    let folder = project.join("infra/speech");
    let python = folder.join(".venv/bin/python");
    if !python.exists() {
        bail!("the speech server is not installed: run `make speech`, or name a service with --speech URL");
    }
    // The port stays the same over restarts, so that the functions' setting stays right.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let server = Server { python, script: folder.join("server.py"), port };
    let (running, engine) = server.spawn().await.context("the speech server did not start")?;
    let (stop, stopped) = oneshot::channel();
    let watcher = tokio::spawn(watch(server, running, stopped));
    Ok(Speech { url: Some(format!("http://127.0.0.1:{port}")), engine, watcher: Some((stop, watcher)) })
}

impl Speech {
    /// Values of the template's parameters.
    pub(super) fn overrides(&self) -> BTreeMap<String, String> {
        let Some(url) = &self.url else { return BTreeMap::new() };
        let mut values = BTreeMap::from([("SpeechUrl".to_owned(), url.clone())]);
        if self.watcher.is_some() {
            values.insert("SpeechProvider".into(), "openai".into());
            values.insert("SpeechModel".into(), self.engine.clone());
        }
        values
    }

    /// For `/_local/status`.
    pub(super) fn description(&self) -> Value {
        json!({ "url": self.url, "engine": self.engine })
    }

    /// Stops the server, if it is this machine's.
    pub(super) async fn stop(self) {
        if let Some((stop, watcher)) = self.watcher {
            // Both only fail when the watcher is gone, and the server with it.
            stop.send(()).ok();
            watcher.await.ok();
        }
    }
}

impl Server {
    /// Starts the server and waits until it is ready; returns the engine that it names.
    async fn spawn(&self) -> anyhow::Result<(Running, String)> {
        let mut child = Command::new(&self.python)
            .arg(&self.script)
            .args(["--port", &self.port.to_string(), "--parent-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("it has no output")?;
        let mut lines = BufReader::new(output).lines();
        let ready = tokio::time::timeout(START, lines.next_line()).await.context("it was not ready in time")??;
        let ready = ready.context("it ended before it was ready; what it said stands above")?;
        // Nothing more is expected there, but a pipe that nobody reads would stop its writer.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let engine = ready.rsplit_once('(').map_or("unknown", |(_, rest)| rest.trim_end_matches(')'));
        let input = child.stdin.take();
        Ok((Running { child, input }, engine.to_owned()))
    }
}

/// Starts the server again whenever it ends, until it is to stop.
async fn watch(server: Server, mut running: Running, mut stopped: oneshot::Receiver<()>) {
    let mut pause = PAUSE;
    loop {
        tokio::select! {
            _ = &mut stopped => return end(running).await,
            status = running.child.wait() => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                eprintln!("callboard: the speech server ended ({status}); starting it again");
            }
        }
        running = loop {
            tokio::select! {
                _ = &mut stopped => return,
                () = tokio::time::sleep(pause) => {}
            }
            match server.spawn().await {
                Ok((running, _)) => break running,
                Err(error) => {
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    eprintln!("callboard: the speech server did not start: {error:#}; trying again in {pause:?}");
                }
            }
        };
        pause = PAUSE;
    }
}

/// The end of its input is the server's sign to stop.
async fn end(running: Running) {
    let Running { mut child, input } = running;
    drop(input);
    if tokio::time::timeout(STOP, child.wait()).await.is_err()
        && let Err(error) = child.kill().await
    {
        eprintln!("callboard: the speech server could not be stopped: {error}");
    }
}
