//! The command: builds a site, and shows how long the build took.
#![forbid(unsafe_code)]

mod summary;

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use perf_cli::{PerfArgs, Program};
use perf_runtime::{PerformanceCollector, TrackingAllocator};
use static_site::Options;

use crate::summary::Summary;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// Builds a static site from Markdown, and records the time and memory of each phase.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// A folder of Markdown [default: the packages of the current Cargo workspace]
    source: Option<PathBuf>,
    /// The output folder [default: static-site in Cargo's target folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A folder of templates that replace the built-in ones of the same name
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Rebuild only what changed since the last build into the same folder
    #[arg(long)]
    incremental: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows recorded builds: their times, their memory, and how these changed
    Perf(Box<PerfArgs>),
}

const EXAMPLES: &str = "\
Examples:
  static-site                          READMEs and changelogs of your dependencies
  static-site docs --out public        a folder of Markdown
  static-site docs --out public --incremental
                                       rebuild only what changed
  BUILD_METRICS=off static-site        without measuring
  static-site perf --last 20           the last 20 builds";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Perf(arguments)) = arguments.command {
        return perf(&arguments);
    }
    let options = Options {
        source: arguments.source,
        out: arguments.out.unwrap_or_else(default_out),
        templates: arguments.templates,
        incremental: arguments.incremental,
    };
    let mut collector = PerformanceCollector::from_env("static-site", env!("CARGO_PKG_VERSION"));
    collector.start_build();
    let result = static_site::start_threads().and_then(|()| static_site::build(&options));
    let stats = collector.end_build_with(&result);
    collector.save(&stats);

    if let Err(error) = result {
        let _ = writeln!(anstream::stderr(), "error: {error}");
        return ExitCode::FAILURE;
    }
    let history = collector.dir().join("history.jsonl");
    let summary = Summary { stats: &stats, site: &options.out, history: &history };
    // The build succeeds even if nobody reads its summary.
    let _ = write!(anstream::stdout(), "{summary}");
    ExitCode::SUCCESS
}

/// Reads this tool's own history.
fn perf(arguments: &PerfArgs) -> ExitCode {
    let program = Program::new("static-site perf", Arguments::command()).with_tool("static-site");
    perf_cli::run(arguments, &program).into()
}

/// A folder in Cargo's target folder: it can be deleted, and is not searched for sources.
fn default_out() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    target.map_or_else(|| PathBuf::from("target"), PathBuf::from).join("static-site")
}
