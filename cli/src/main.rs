//! `callboard`: the command line. Every command is a module of its own; here they are only told apart.

mod bench;
mod calls;
mod dev;
mod doctor;
mod failure;
mod local_state;
mod playbook;
mod reading;
mod redrive;
mod show;
mod socket;
mod stack;
mod stream;
mod times;
mod upload;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Live call transcription and coaching
#[derive(Parser)]
#[command(name = "callboard", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole system on this machine
    Dev(dev::DevArgs),
    Stream(stream::StreamArgs),
    Upload(upload::UploadArgs),
    WatchFolder(watch::WatchArgs),
    Calls(calls::CallsArgs),
    Show(show::ShowArgs),
    Doctor(doctor::DoctorArgs),
    Redrive(redrive::RedriveArgs),
    /// Measure a stack
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Check a playbook, or try it on a written transcript
    #[command(subcommand)]
    Playbook(playbook::PlaybookCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(problem) = start_logging() {
        eprintln!("callboard: CALLBOARD_LOG is no filter of logs ({problem}): use a level, as in info");
        return ExitCode::from(2);
    }
    // The HTTP and socket clients share this provider; a second installation would be refused, which is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match Cli::parse().command {
        Command::Dev(args) => dev::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Stream(args) => stream::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Upload(args) => upload::run(args).await,
        Command::WatchFolder(args) => watch::run(args).await,
        Command::Calls(args) => calls::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Show(args) => show::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Doctor(args) => doctor::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Redrive(args) => redrive::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Bench(command) => bench::run(command).await,
        Command::Playbook(command) => playbook::run(command),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("callboard: {error:#}");
            failure::exit_code(&error)
        }
    }
}

/// Logs go to stderr: what is printed is for programs to read.
fn start_logging() -> Result<(), tracing_subscriber::filter::FromEnvError> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .with_env_var("CALLBOARD_LOG")
        .from_env()?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}
