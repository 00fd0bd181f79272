//! The command `buildperf`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use perf_cli::{PerfArgs, Program};

/// Reads the history of a tool's builds: how long each took, how much memory it used, what changed
#[derive(Debug, Parser)]
#[command(name = "buildperf", version, after_help = EXAMPLES)]
struct Buildperf {
    #[command(flatten)]
    args: PerfArgs,
}

const EXAMPLES: &str = "\
Examples:
  buildperf                          the newest 20 builds
  buildperf list --chart --since 2w  time and memory over two weeks
  buildperf list --mode full --last 5
                                     the newest 5 full builds
  buildperf show                     where the newest build spent its time and memory
  buildperf compare -2 -1            the newest build against the one before
  buildperf run -- my-site build     five builds, and how much they differ
  buildperf ab --base-dir ../main --head-dir . -- cargo run --release
                                     which of two checkouts builds faster
  buildperf --format csv > b.csv     for a spreadsheet
  buildperf export flamegraph -o flame.svg
                                     a picture of where the newest build spent its time

Exit codes: 0 success, 1 a regression, 2 usage, 3 not enough data (with --strict),
            4 the history cannot be read or written, 5 another error, 130 interrupted";

fn main() -> ExitCode {
    let Buildperf { args } = Buildperf::parse();
    perf_cli::run(&args, &Program::new("buildperf", Buildperf::command())).into()
}
