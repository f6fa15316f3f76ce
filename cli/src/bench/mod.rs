//! `callboard bench`: measurements that a person can repeat, each printed as one object for programs to compare.

mod child;
mod cold_start;
mod cost;
mod encode;
mod ledger;
mod live;
mod meter;
mod recorded;
mod speech;
mod stages;
mod talk;
mod uploads;

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// The measurements.
#[derive(clap::Subcommand)]
pub(crate) enum BenchCommand {
    Uploads(uploads::UploadsArgs),
    Recorded(recorded::RecordedArgs),
    ColdStart(cold_start::ColdStartArgs),
    Cost(cost::CostArgs),
    Live(live::LiveArgs),
}

/// Measures.
///
/// # Errors
/// Says why it could not.
pub(crate) async fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let measured = async {
        match command {
            BenchCommand::Uploads(args) => uploads::run(args).await,
            BenchCommand::Recorded(args) => recorded::run(args).await,
            BenchCommand::ColdStart(args) => cold_start::run(args).await,
            BenchCommand::Cost(args) => cost::run(args).await,
            BenchCommand::Live(args) => live::run(args).await,
        }
    };
    // Ended here, so that what was started and written goes with it.
    tokio::select! {
        done = measured => done,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
        _ = terminate.recv() => Ok(ExitCode::from(143)),
    }
}
