//! `callboard dev`: the whole system on this machine, from `template.yaml`, until it is told to stop.

mod page;
pub(crate) mod seed;
mod settings;
mod speech;

use std::{
    fs::{File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use callboard_local::{
    events::Clock as EventClock,
    registry,
    stack::{Stack, StackOptions},
};
use callboard_runtime::Clock;
use clap::{Args, ValueEnum};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};

use crate::local_state;

/// Run the whole system on this machine
#[derive(Args)]
pub(crate) struct DevArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Where calls are kept
    #[arg(long, value_name = "DIR", default_value = ".callboard")]
    data: PathBuf,
    /// The transcription service: `auto` starts the one in infra/speech unless SPEECH_URL or SPEECH_API_KEY is set
    #[arg(long, value_name = "auto|URL", default_value = "auto")]
    speech: String,
    /// How event sources are polled: at once, or as AWS polls them
    #[arg(long, value_enum, default_value = "snappy")]
    clock: ClockArg,
    /// Where template.yaml, dashboard and infra are
    #[arg(long, value_name = "DIR", env = "CALLBOARD_PROJECT", hide_env_values = true)]
    project: Option<PathBuf>,
    /// Open the page in a browser
    #[arg(long)]
    open: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ClockArg {
    Snappy,
    Aws,
}

/// Runs until SIGINT or SIGTERM.
pub(crate) async fn run(args: DevArgs) -> anyhow::Result<()> {
    let project = project(args.project)?;
    std::fs::create_dir_all(&args.data).with_context(|| format!("{} cannot be made", args.data.display()))?;
    let _held = hold(&args.data)?;
    let settings = settings::read(&project)?;
    let template = project.join("template.yaml");
    let mut overrides = settings.overrides(&template)?;
    overrides.entry("AnonymousCaptureOrg".into()).or_insert_with(|| seed::ORG.into());
    // Whoever registers first sees what the key of this machine made.
    overrides.entry("FirstOrganization".into()).or_insert_with(|| seed::ORG.into());
    overrides.entry("RedactionKey".into()).or_insert(seed::secret(&args.data, "redaction-key")?);
    overrides.entry("SigningKeySecret".into()).or_insert(seed::secret(&args.data, "signing-key-secret")?);
    if matches!(args.clock, ClockArg::Snappy) {
        // Who tries a call here hears it soon.
        overrides.entry("KeepWindowSeconds".into()).or_insert_with(|| "2".into());
    }

    let speech = speech::start(&args.speech, &settings, &project).await?;
    overrides.extend(speech.overrides());

    let status = page::Status {
        speech: speech.description(),
        clock: if matches!(args.clock, ClockArg::Aws) { "aws" } else { "snappy" },
        version: env!("CARGO_PKG_VERSION"),
    };
    let policy = page::policy(settings.get("OIDC_TOKEN_ORIGIN"))?;
    let token = seed::secret(&args.data, "token")?;
    let options = StackOptions {
        overrides,
        data_dir: Some(args.data.clone()),
        address: SocketAddr::from(([127, 0, 0, 1], args.port)),
        clock: match args.clock {
            ClockArg::Snappy => EventClock::Snappy,
            ClockArg::Aws => EventClock::Aws,
        },
        registry: registry::functions(&Clock::system()),
        extra: page::routes(&project.join("dashboard/dist"), token.clone(), status, policy),
        ..StackOptions::new(template)
    };
    // Listen for the end from the beginning: a signal during start-up stops it, too.
    let mut terminate = signal(SignalKind::terminate())?;
    let stack = Box::pin(Stack::start(options)).await.map_err(settings::name_variable)?;
    seed::accounts(&stack.sdk_config(), stack.template(), &token, Clock::system().now_ms()).await?;

    let url = format!("http://{}", stack.address());
    let (aws, door) = serve_aws(&stack).await?;
    local_state::write(stack.address().port(), &url, &token, &aws)
        .context("the token could not be left for other commands")?;
    announce(&url);
    if args.open {
        open(&url);
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    eprintln!("callboard: stopping");
    door.abort();
    stack.stop().await;
    speech.stop().await;
    Ok(())
}

/// Holds the data for this process alone, for as long as the file is open.
fn hold(data: &Path) -> anyhow::Result<File> {
    let path = data.join("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another `callboard dev` uses {}: stop it, or name another folder with --data", data.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("{} cannot be locked", path.display())),
    }
}

/// Opens the stack's AWS services to other commands of this machine; returns their address.
async fn serve_aws(stack: &Stack) -> anyhow::Result<(String, JoinHandle<io::Result<()>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = stack.aws().router();
    Ok((address, tokio::spawn(async move { axum::serve(listener, router).await })))
}

#[expect(clippy::print_stdout, reason = "the one line that scripts wait for")]
fn announce(url: &str) {
    println!("callboard is ready on {url}");
}

/// The project's folder: where it was said to be, here, or where this program was built.
pub(crate) fn project(stated: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let built = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let candidates = stated.map_or_else(|| vec![PathBuf::from("."), built], |stated| vec![stated]);
    let found = candidates.iter().find(|candidate| candidate.join("template.yaml").is_file());
    found.cloned().with_context(|| {
        format!("there is no template.yaml in {}: name the project with --project", candidates[0].display())
    })
}

fn open(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if let Err(error) = std::process::Command::new(program).arg(url).spawn() {
        eprintln!("callboard: no browser was opened ({program}: {error}): open {url} yourself");
    }
}
