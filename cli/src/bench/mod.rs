//! `callboard bench`: measurements that a person can repeat, each printed as one object for programs to compare.

mod child;
mod cost;
mod encode;
mod ledger;
mod meter;
mod recorded;
mod speech;
mod stages;
mod talk;
mod uploads;

use std::process::ExitCode;

/// The measurements.
#[derive(clap::Subcommand)]
pub(crate) enum BenchCommand {
    Uploads(uploads::UploadsArgs),
    Recorded(recorded::RecordedArgs),
}

/// Measures.
///
/// # Errors
/// Says why it could not.
pub(crate) async fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Uploads(args) => uploads::run(args).await,
        BenchCommand::Recorded(args) => recorded::run(args).await,
    }
}
