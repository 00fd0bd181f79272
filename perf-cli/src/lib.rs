//! Reads histories of builds: the command line of `buildperf` as a library, so that a tool can
//! mount it as a subcommand of its own (see [`PerfArgs`]).
//!
//! There are three layers, and each imports only those below it: `select` finds the records that the
//! user named, `judge` decides whether their numbers changed, `present` shows the result. A command
//! selects, judges and presents; each has a file or folder of its own in `commands`.
//!
//! Data goes to standard output, everything else to standard error. The exit code is an
//! [`ExitStatus`].
#![forbid(unsafe_code)]

mod commands;
mod configuration;
mod context;
mod failure;
#[allow(
    unreachable_pub,
    clippy::must_use_candidate,
    reason = "`internals` publishes it only to tests"
)]
mod judge;
mod labels;
mod launch;
mod present;
mod program;
mod progress;
mod select;

pub use failure::ExitStatus;
pub use program::{Console, Program};

use commands::{Command, list::ListArgs};
use context::{CommonArgs, Invocation};
use program::with_stdio;
use progress::{Drawn, Progress};

/// What the project's own tests and simulations use. Not part of the API.
#[doc(hidden)]
pub mod internals {
    pub use crate::judge::*;
}

/// The command line: reads the history of a tool's builds.
///
/// A tool mounts it as a subcommand of its own:
///
/// ```
/// use clap::{CommandFactory, Parser};
/// use perf_cli::{PerfArgs, Program};
///
/// #[derive(Parser)]
/// enum MySite {
///     /// Builds the site
///     Build,
///     /// Shows how the builds of this site performed
///     Perf(PerfArgs),
/// }
///
/// # if false {
/// match MySite::parse() {
///     MySite::Build => println!("…"),
///     MySite::Perf(args) => {
///         let program = Program::new("my-site perf", MySite::command()).with_tool("my-site");
///         std::process::exit(perf_cli::run(&args, &program) as i32);
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, clap::Args)]
#[command(subcommand_help_heading = "Commands")]
pub struct PerfArgs {
    /// `list` without its name.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs the command line on the streams of this process.
#[must_use]
pub fn run(args: &PerfArgs, program: &Program) -> ExitStatus {
    with_stdio(args.common.color.as_choice(), |console, progress| {
        run_with(args, program, console, progress)
    })
}

/// Runs the command line on streams and with a clock of the caller's.
pub fn run_on(args: &PerfArgs, program: &Program, console: &mut Console<'_>) -> ExitStatus {
    run_with(args, program, console, Progress::Off)
}

fn run_with(
    args: &PerfArgs,
    program: &Program,
    console: &mut Console<'_>,
    progress: Progress,
) -> ExitStatus {
    let (common, reading) = (&args.common, Drawn::default());
    let mut invocation = Invocation { program, common, console, progress, reading };
    let result = commands::run(&mut invocation, args.command.as_ref(), &args.list);
    invocation.finish(result)
}

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
