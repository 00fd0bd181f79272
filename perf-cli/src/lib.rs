//! Reads histories of builds: the command `buildperf`, and the same as a library, so that a tool
//! can mount it as a subcommand of its own (see [`PerfArgs`]).
//!
//! There are three layers: `select` finds the records that the user named, [`judge`] decides whether
//! their numbers changed, `present` shows the result. A command takes from the first and gives to the
//! last; each has a file of its own in `commands`.
//!
//! Data goes to standard output, all else to standard error. The exit code is an [`Exit`].
#![forbid(unsafe_code)]

mod args;
mod commands;
pub mod configuration;
mod failure;
pub mod judge;
mod launch;
mod present;
mod program;
mod progress;
mod run;
mod select;

pub use args::{Command, CommonArgs, PerfArgs};
pub use commands::ab::AbArgs;
pub use commands::accept::AcceptArgs;
pub use commands::check::{CheckArgs, FailOn};
pub use commands::compare::CompareArgs;
pub use commands::completions::CompletionsArgs;
pub use commands::export::{
    BuildArgs, CsvArgs, ExportArgs, ExportFormat, OutputArgs, StacksArgs, Value as ExportedValue,
};
pub use commands::list::ListArgs;
pub use commands::prune::PruneArgs;
pub use commands::run::RunArgs;
pub use commands::show::ShowArgs;
pub use commands::trend::TrendArgs;
pub use failure::Exit;
pub use launch::{Label, LabelError};
pub use program::{Console, Program};
pub use run::{run, run_on};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
