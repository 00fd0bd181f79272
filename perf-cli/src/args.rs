//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::commands::{
    ab, accept, check, compare, completions, export, list, prune, run, show, trend,
};
use crate::present::Format;
use crate::select::{Mode, Since};

/// Reads the history of a tool's builds: how long each took, how much memory, and what changed.
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
///     /// Shows how the builds of this site did
///     Perf(PerfArgs),
/// }
///
/// # if false {
/// match MySite::parse() {
///     MySite::Build => println!("…"),
///     MySite::Perf(args) => {
///         let program = Program {
///             name: "my-site perf".to_owned(),
///             tool: Some("my-site".to_owned()),
///             ..Program::new("my-site", MySite::command())
///         };
///         let exit = perf_cli::run(&args, &program);
///         std::process::exit(exit as i32);
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, Args)]
#[command(subcommand_help_heading = "Commands")]
pub struct PerfArgs {
    /// What to do; to list the newest builds where it is not said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For the list.
    #[command(flatten)]
    pub list: list::ListArgs,
    /// For all commands.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A subcommand.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Show one build: its phases, and where time and memory went
    Show(show::ShowArgs),
    /// Compare two builds, or the medians of two sets of builds
    Compare(compare::CompareArgs),
    /// Judge the newest builds against those before them, and fail where they got worse
    Check(check::CheckArgs),
    /// Find where the level of a series shifted for good, and which commits did it
    Trend(trend::TrendArgs),
    /// Accept a change: from a build on, its level is the new normal
    Accept(accept::AcceptArgs),
    /// Write builds for other programs: traces, flame graphs, spreadsheets, monitoring
    Export(export::ExportArgs),
    /// Run a build command several times, and show its builds
    Run(run::RunArgs),
    /// Build two versions in turn until it is sure which is faster, and judge all that changed
    Ab(ab::AbArgs),
    /// Look whether all is in order: tracking, allocator, history
    Doctor,
    /// Move the lines that cannot be read out of the history
    Repair,
    /// Remove old records for good
    Prune(prune::PruneArgs),
    /// Print what makes a shell complete this command
    Completions(completions::CompletionsArgs),
}

/// What all commands take.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which builds")]
pub struct CommonArgs {
    /// Where the history is [default: .build-metrics, or as the program says]
    #[arg(long, global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Only builds of this tool
    #[arg(long, global = true, value_name = "NAME")]
    pub tool: Option<String>,
    /// Only builds on this branch
    #[arg(long, global = true, value_name = "NAME")]
    pub branch: Option<String>,
    /// Only builds of this mode
    #[arg(long, global = true, value_enum)]
    pub mode: Option<Mode>,
    /// Only builds since then: a date, or how long ago (2w, 3d, 12h)
    #[arg(long, global = true, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<Since>,
    /// Thresholds and more [default: buildperf.toml beside the history, or here or above]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How to write what was found
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub format: Format,
    /// ExitStatus with 3 where there is too little to show or to compare
    #[arg(long, global = true, help_heading = "Output")]
    pub strict: bool,
    /// When to use colors.
    #[command(flatten, next_help_heading = "Output")]
    pub color: colorchoice_clap::Color,
}
