//! The subcommands, one file or folder each: they select, judge, and present.

mod ab;
mod accept;
mod check;
mod compare;
mod completions;
mod describe;
mod doctor;
mod export;
pub(crate) mod list;
mod maintenance;
mod paired;
mod run;
mod show;
mod trend;
mod verdicts;

use clap::Subcommand;

use crate::context::Invocation;
use crate::failure::{ExitStatus, Failure, Result};

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// List the newest builds (the default)
    List(list::ListArgs),
    /// Show one build: its phases, and where time and memory went
    Show(show::ShowArgs),
    /// Compare two builds, or the medians of two sets of builds
    Compare(compare::CompareArgs),
    /// Judge the newest builds against those before them, and fail if they got worse
    Check(check::CheckArgs),
    /// Find where the level of a series shifted for good, and which commits did it
    Trend(trend::TrendArgs),
    /// Accept a change: from a build on, its level is the new normal
    Accept(accept::AcceptArgs),
    /// Write builds for other programs: traces, flame graphs, spreadsheets, monitoring
    Export(export::ExportArgs),
    /// Run a build command several times, and show its builds
    Run(run::RunArgs),
    /// Build two versions in turn until it is clear which is faster, and judge all that changed
    Ab(ab::AbArgs),
    /// Check the setup: tracking, allocator, history, gate
    Doctor,
    /// Move unreadable lines out of the history
    Repair,
    /// Remove old records for good
    Prune(maintenance::PruneArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Runs a command; without one, lists builds.
pub(crate) fn run(
    invocation: &mut Invocation<'_, '_>,
    command: Option<&Command>,
    without_command: &list::ListArgs,
) -> Result<ExitStatus> {
    let Some(command) = command else {
        list::run(invocation, without_command)?;
        return Ok(ExitStatus::Success);
    };
    if let Some(option) = without_command.given() {
        return Err(Failure::Usage(format!(
            "{option} is an option of `list`: write it after that command"
        )));
    }
    match command {
        Command::List(args) => list::run(invocation, args)?,
        Command::Show(args) => show::run(invocation, args)?,
        Command::Compare(args) => compare::run(invocation, args)?,
        Command::Check(args) => return check::run(invocation, args),
        Command::Trend(args) => trend::run(invocation, args)?,
        Command::Accept(args) => accept::run(invocation, args)?,
        Command::Export(args) => export::run(invocation, args)?,
        Command::Run(args) => return run::run(invocation, args),
        Command::Ab(args) => return ab::run(invocation, args),
        Command::Doctor => doctor::run(invocation)?,
        Command::Repair => maintenance::repair(invocation)?,
        Command::Prune(args) => maintenance::prune(invocation, args)?,
        Command::Completions(args) => completions::run(invocation, args)?,
    }
    Ok(ExitStatus::Success)
}
