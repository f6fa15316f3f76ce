//! `callboard doctor`: is everything in place, and if not, what to do. Looks and asks, and changes nothing.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use callboard_wire::messages::{ClientMessage, ServerMessage};
use serde::Serialize;
use tokio::process::Command;

use crate::{
    socket::{Incoming, Socket},
    stack::{Stack, StackArgs},
};

/// Least free space that a stack should have, in MiB.
const LEAST_FREE_MIB: u64 = 500;

/// Check that everything is in place
#[derive(clap::Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    stack: StackArgs,
    /// Directory in which the local stack keeps its data
    #[arg(long, default_value = ".callboard")]
    data: PathBuf,
    /// Print one object
    #[arg(long)]
    json: bool,
}

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    /// What to do, where something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Serialize)]
struct Findings<'a> {
    ok: bool,
    checks: &'a [Check],
}

fn ok(name: &'static str, detail: impl Into<String>) -> Check {
    Check { name, ok: true, detail: detail.into(), advice: None }
}

fn problem(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Check {
    Check { name, ok: false, detail: detail.into(), advice: Some(advice.into()) }
}

/// Looks at everything and prints a line on each.
///
/// # Errors
/// When something is wrong.
pub(crate) async fn run(args: DoctorArgs) -> anyhow::Result<()> {
    let stack = args.stack.resolve()?;
    let mut checks = vec![check_health(&stack).await];
    if checks[0].ok {
        checks.push(check_token(&stack).await);
        checks.push(check_socket(&stack).await);
        checks.extend(check_speech(&stack).await);
    }
    if stack.is_local() {
        checks.push(check_python().await);
        checks.extend(check_data(&args.data).await);
    }
    print(&checks, args.json)?;
    let wrong = checks.iter().filter(|check| !check.ok).count();
    anyhow::ensure!(wrong == 0, "{wrong} of {} checks found a problem", checks.len());
    Ok(())
}

fn print(checks: &[Check], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let findings = Findings { ok: checks.iter().all(|check| check.ok), checks };
        return writeln!(out, "{}", serde_json::to_string(&findings)?);
    }
    for check in checks {
        let state = if check.ok { "ok     " } else { "problem" };
        let advice = check.advice.as_ref().map(|advice| format!(": {advice}")).unwrap_or_default();
        writeln!(out, "{state}  {:<7} {}{advice}", check.name, check.detail)?;
    }
    Ok(())
}

async fn check_health(stack: &Stack) -> Check {
    const NAME: &str = "stack";
    let start = if stack.is_local() { "start it with `callboard dev`" } else { "check --url and the deployment" };
    match stack.get("/health").await {
        Ok(answer) if answer.status().is_success() => {
            let health: serde_json::Value = answer.json().await.unwrap_or_default();
            let version = health["version"].as_str().unwrap_or("of unknown version").to_owned();
            ok(NAME, format!("{} answers ({version})", stack.address()))
        }
        Ok(answer) => {
            problem(NAME, format!("{}/health answers {}", stack.address(), answer.status()), "see the stack's log")
        }
        Err(error) if error.is_connect() => problem(NAME, format!("nothing answers on {}", stack.address()), start),
        Err(error) => problem(NAME, format!("{} does not answer ({})", stack.address(), error.without_url()), start),
    }
}

async fn check_token(stack: &Stack) -> Check {
    const NAME: &str = "token";
    let advice = "name one with --token or CALLBOARD_TOKEN; that of a local stack is found by itself if you started it";
    if stack.token().is_none() {
        return problem(NAME, "no token is known", advice);
    }
    match stack.get("/v1/calls").await {
        Ok(answer) if answer.status().is_success() => ok(NAME, "known and accepted"),
        Ok(answer) if answer.status().is_client_error() => {
            problem(NAME, format!("refused with {}", answer.status()), advice)
        }
        Ok(answer) => problem(NAME, format!("GET /v1/calls answers {}", answer.status()), "see the stack's log"),
        Err(error) => problem(NAME, format!("GET /v1/calls fails ({})", error.without_url()), "see the stack's log"),
    }
}

async fn check_socket(stack: &Stack) -> Check {
    const NAME: &str = "socket";
    let mut socket = match Socket::open(stack, &[]).await {
        Ok(socket) => socket,
        Err(refusal) => return problem(NAME, refusal.to_string(), "see the stack's log"),
    };
    if let Err(error) = socket.send(&ClientMessage::Ping {}).await {
        return problem(NAME, format!("opened, but a ping could not be sent ({error})"), "see the stack's log");
    }
    let pong = async {
        while let Some(incoming) = socket.incoming.recv().await {
            match incoming {
                Incoming::Text { text, .. } => {
                    if matches!(serde_json::from_str(&text), Ok(ServerMessage::Pong {})) {
                        return ok(NAME, "opens and answers");
                    }
                }
                Incoming::Closed(reason) => {
                    return problem(NAME, format!("opened and closed ({reason})"), "see the stack's log");
                }
            }
        }
        problem(NAME, "opened and ended", "see the stack's log")
    };
    let check = tokio::time::timeout(Duration::from_secs(10), pong).await;
    let check = check
        .unwrap_or_else(|_| problem(NAME, "opened, but a ping was not answered within 10 s", "see the stack's log"));
    socket.close().await;
    check
}

/// What a local stack says of its speech service. A deployed one does not tell.
async fn check_speech(stack: &Stack) -> Option<Check> {
    const NAME: &str = "speech";
    if !stack.is_local() {
        return None;
    }
    let answer = stack.get("/_local/status").await.ok().filter(|answer| answer.status().is_success());
    let Some(answer) = answer else {
        return Some(problem(NAME, "the stack does not tell its speech service", "see the stack's log"));
    };
    let status: serde_json::Value = answer.json().await.unwrap_or_default();
    let speech = &status["speech"];
    let Some(url) = speech["url"].as_str() else {
        return Some(problem(
            NAME,
            "the stack has no speech service",
            "restart it, or name a service with `callboard dev --speech URL`",
        ));
    };
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().ok()?;
    let health = client.get(format!("{}/health", url.trim_end_matches('/'))).send().await;
    Some(match health {
        Ok(answer) if answer.status().is_success() => {
            let engine = speech["engine"].as_str().unwrap_or("engine unknown");
            let notice = speech["notice"].as_str().map(|notice| format!("; {notice}")).unwrap_or_default();
            ok(NAME, format!("{url} answers ({engine}){notice}"))
        }
        // A cloud service, or another program with OpenAI's interface, need not have /health: it answers, that is enough.
        Ok(answer) if answer.status().is_client_error() => ok(NAME, format!("{url} answers")),
        Ok(answer) => problem(NAME, format!("{url}/health answers {}", answer.status()), "see the speech server's log"),
        Err(_) => problem(NAME, format!("{url} does not answer"), "restart `callboard dev`, or check --speech"),
    })
}

async fn check_python() -> Check {
    const NAME: &str = "python";
    let advice = "install Python 3.9 or later with its venv module (Debian: apt install python3 python3-venv)";
    let look = "import sys, venv, ensurepip; print('.'.join(map(str, sys.version_info[:3]))); sys.exit(sys.version_info < (3, 9))";
    match Command::new("python3").args(["-c", look]).kill_on_drop(true).output().await {
        Ok(output) if output.status.success() => {
            ok(NAME, format!("python3 {} with venv", String::from_utf8_lossy(&output.stdout).trim()))
        }
        Ok(_) => problem(NAME, "python3 is too old or lacks venv", advice),
        Err(_) => problem(NAME, "there is no python3", advice),
    }
}

/// Whether the data directory, or the one it would be made in, may be written and has space.
async fn check_data(data: &Path) -> Vec<Check> {
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let Some(existing) = absolute.ancestors().find(|path| path.exists()) else {
        return vec![problem(
            "data",
            format!("{} cannot be made", data.display()),
            "name another directory with --data",
        )];
    };
    let probe = existing.join(format!(".callboard-doctor-{}", std::process::id()));
    let writable = std::fs::File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe));
    let writing = match writable {
        Ok(()) => ok("data", format!("{} can be written", data.display())),
        Err(error) => problem(
            "data",
            format!("{} cannot be written ({error})", existing.display()),
            "mend its permissions, or name another directory with --data",
        ),
    };
    let mut checks = vec![writing];
    if let Some(free) = free_mib(existing).await {
        let advice = "make room, or name another directory with --data";
        let detail = format!("{free} MiB are free on the disk of {}", existing.display());
        checks.push(if free < LEAST_FREE_MIB { problem("disk", detail, advice) } else { ok("disk", detail) });
    }
    checks
}

/// Free space by `df`, whose output POSIX fixes; none where it does not exist.
async fn free_mib(path: &Path) -> Option<u64> {
    let output = Command::new("df").args(["-P", "-k"]).arg(path).kill_on_drop(true).output().await.ok()?;
    free_mib_of(&String::from_utf8_lossy(&output.stdout))
}

fn free_mib_of(df: &str) -> Option<u64> {
    let kib: u64 = df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib / 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_from_df() {
        let df =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 263174212 15000000 80738304 16% /\n";
        assert_eq!(free_mib_of(df), Some(78_846));
        assert_eq!(free_mib_of(""), None);
    }

    #[tokio::test]
    async fn a_data_directory_that_does_not_exist_yet_is_looked_for_above() {
        let directory = tempfile::tempdir().unwrap();
        let checks = check_data(&directory.path().join("new/data")).await;
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left behind");
    }
}
