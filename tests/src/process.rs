//! The program as processes: `callboard dev`, and commands against it. Whatever is started here ends with its guard,
//! and shows what it said when the test failed.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{PATIENCE, binary::callboard, project, rest::Rest};

/// A folder for data and one for the state by which commands find a stack: what tests of one machine share.
pub struct Machine {
    home: TempDir,
}

/// A process and what it said on stderr.
struct Process {
    name: String,
    child: Child,
    said: Arc<Mutex<String>>,
}

/// A running `callboard dev`.
pub struct Dev {
    /// Its address.
    pub url: String,
    /// Its person's token.
    pub token: String,
    process: Process,
}

/// A running command.
pub struct Running {
    process: Process,
    lines: tokio::io::Lines<BufReader<ChildStdout>>,
    /// What it printed so far, line by line.
    pub printed: Vec<Value>,
}

/// A command that ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed, line by line.
    pub printed: Vec<Value>,
    /// What it said on stderr.
    pub stderr: String,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A fresh one.
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    /// A folder that ends with the machine.
    pub fn path(&self) -> &Path {
        self.home.path()
    }

    fn command(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Process {
        let mut command = Command::new(callboard());
        // Nothing of the environment that the tests run in may decide what they see.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.path());
        command.env("XDG_STATE_HOME", self.path().join("state")).envs(settings.iter().copied());
        command.current_dir(project()).args(arguments).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::<Mutex<String>>::default();
        tokio::spawn(keep(child.stderr.take().unwrap(), said.clone()));
        Process { name: format!("callboard {}", arguments.join(" ")), child, said }
    }

    /// Starts `callboard dev` with its data on this machine, and waits until it is ready.
    pub async fn dev(&self, speech: &str) -> Dev {
        self.dev_with(&["--port", "0", "--speech", speech], &[]).await
    }

    /// The same with options and settings of one's own.
    pub async fn dev_with(&self, options: &[&str], settings: &[(&str, &str)]) -> Dev {
        let data = self.path().join("data");
        let arguments = [&["dev", "--data", data.to_str().unwrap()], options].concat();
        let mut process = self.command(&arguments, settings);
        let mut lines = BufReader::new(process.child.stdout.take().unwrap()).lines();
        let ready = timeout(PATIENCE, lines.next_line()).await.expect("ready in time").unwrap();
        let url = ready.as_deref().and_then(|line| line.strip_prefix("callboard is ready on "));
        let url = url.unwrap_or_else(|| panic!("not ready, but {ready:?}; {}", process.told())).to_owned();
        let token = std::fs::read_to_string(data.join("token")).unwrap();
        Dev { url, token, process }
    }

    /// Starts a command.
    pub fn start(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Running {
        let mut process = self.command(arguments, settings);
        let lines = BufReader::new(process.child.stdout.take().unwrap()).lines();
        Running { process, lines, printed: Vec::new() }
    }

    /// Starts `callboard stream --json` against a stack.
    pub fn stream(&self, dev: &Dev, file: &Path, options: &[&str]) -> Running {
        let file = file.to_str().unwrap();
        self.start(&[&["stream", file, "--json", "--url", &dev.url], options].concat(), &[])
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
        self.start(arguments, settings).end().await
    }
}

impl Dev {
    /// Its REST interface, as its person sees it.
    pub fn rest(&self) -> Rest {
        Rest::new(&self.url, &self.token)
    }

    /// What it said on stderr so far.
    pub fn said(&self) -> String {
        self.process.said.lock().unwrap().clone()
    }

    /// Its port.
    pub fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    pub async fn terminate(mut self) -> ExitStatus {
        let id = self.process.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        timeout(PATIENCE, self.process.child.wait()).await.expect("stopped in time").unwrap()
    }

    /// Kills it without a word.
    pub async fn kill(mut self) {
        self.process.child.kill().await.unwrap();
    }
}

impl Running {
    /// The next line that it prints; none at the end.
    pub async fn next(&mut self) -> Option<Value> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line =
            line.unwrap_or_else(|_| panic!("nothing for {PATIENCE:?} after {:?}", self.printed.last())).unwrap()?;
        let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
        self.printed.push(value.clone());
        Some(value)
    }

    /// The next line of a type.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            match self.next().await {
                Some(value) if value["type"] == kind => return value,
                Some(_) => {}
                None => panic!("it ended without {kind}; {}", self.process.told()),
            }
        }
    }

    /// Sends it a signal, as a person or a service manager does.
    pub async fn signal(&self, name: &str) {
        let id = self.process.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap().success());
    }

    /// Kills it without a word, and waits until it is gone.
    pub async fn kill(mut self) {
        self.process.child.kill().await.unwrap();
    }

    /// Reads on to its end.
    pub async fn end(mut self) -> Ended {
        while self.next().await.is_some() {}
        let status = timeout(PATIENCE, self.process.child.wait()).await.expect("it ended").unwrap();
        // The pipe of stderr ends with the process, and so does the task that reads it.
        while Arc::strong_count(&self.process.said) > 1 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let stderr = self.process.said.lock().unwrap().clone();
        Ended { code: status.code(), printed: std::mem::take(&mut self.printed), stderr }
    }
}

impl Ended {
    /// Messages of a type.
    pub fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.printed.iter().filter(|message| message["type"] == kind).collect()
    }

    /// What it printed, of a call that got through.
    pub fn messages(&self) -> &[Value] {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        &self.printed
    }
}

impl Process {
    fn told(&self) -> String {
        format!("{} said: {}", self.name, self.said.lock().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.told());
        }
    }
}

async fn keep(from: impl AsyncRead + Unpin, said: Arc<Mutex<String>>) {
    let mut from = BufReader::new(from);
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        said.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..count]));
    }
}
