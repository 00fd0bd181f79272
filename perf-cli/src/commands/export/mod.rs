//! Builds for other programs: trace viewers, flame graphs, spreadsheets, monitoring.

mod csv;
mod folded;
mod gauges;
mod output;
mod sums;
mod traces;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use perf_history::BuildStats;

use crate::context::Invocation;
use crate::failure::Failure;
use crate::present::Format;
use crate::select::BuildRef;

pub(crate) use csv::CsvArgs;
pub(crate) use folded::StacksArgs;

/// The options of `export`.
#[derive(Debug, Clone, Args)]
#[command(
    subcommand_value_name = "FORMAT",
    subcommand_help_heading = "Formats",
    after_help = "\
Examples (after the program's name):
  export chrome-trace -o trace.json      for ui.perfetto.dev
  export speedscope -3 -o speed.json     the third newest build, for speedscope.app
  export flamegraph -o time.svg          a picture for the browser
  export folded --value alloc            for inferno, by bytes allocated
  export csv --last 100 -o phases.csv    a row for each phase of 100 builds
  export prometheus -o /var/lib/node_exporter/my-site.prom

The file of -o is replaced atomically."
)]
pub(crate) struct ExportArgs {
    /// The format.
    #[command(subcommand)]
    pub(crate) format: ExportFormat,
}

/// Formats of other programs.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ExportFormat {
    /// The Trace Event format, for Perfetto and other trace viewers
    ///
    /// Each call of a phase at its time, thread by thread, where the build recorded a timeline
    /// (`BUILD_METRICS_TIMELINE=1`). Otherwise the sums of the phases laid out one after another:
    /// those of the build thread in one lane, those of all other threads in another. Then lengths
    /// are right and positions are not, and the names of the lanes say so.
    ChromeTrace(BuildArgs),
    /// One line per phase, with its stack and its self value, for inferno
    Folded(StacksArgs),
    /// A flame graph as a picture (SVG)
    Flamegraph(StacksArgs),
    /// The file format of speedscope
    ///
    /// Profiles of time, and of bytes allocated. With a timeline (`BUILD_METRICS_TIMELINE=1`) there
    /// is one over time for each thread.
    Speedscope(BuildArgs),
    /// A row for each phase of each build, for spreadsheets
    Csv(CsvArgs),
    /// Gauges in the text format of Prometheus, for the textfile collector
    ///
    /// In seconds and bytes. Labels name tool, mode and phase, never the build, so that a series
    /// continues from build to build.
    Prometheus(BuildArgs),
}

/// The options of a format that shows one build.
#[derive(Debug, Clone, Args)]
pub(crate) struct BuildArgs {
    /// latest, -3 (third newest), an id, a commit, label:NAME or branch:NAME
    #[arg(value_name = "BUILD", default_value = "latest", allow_negative_numbers = true)]
    pub(crate) build: BuildRef,
    /// Where to write.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Where an export goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Write to this file, replaced atomically, instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Writes the export.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &ExportArgs) -> Result<(), Failure> {
    if invocation.common.format != Format::Table {
        return Err(Failure::Usage(
            "--format does not apply to exports: name the format after `export`, as in `export csv`"
                .to_owned(),
        ));
    }
    match &args.format {
        ExportFormat::ChromeTrace(args) => traces::chrome_trace(invocation, args),
        ExportFormat::Folded(args) => folded::folded(invocation, args),
        ExportFormat::Flamegraph(args) => folded::flamegraph(invocation, args),
        ExportFormat::Speedscope(args) => traces::speedscope(invocation, args),
        ExportFormat::Csv(args) => csv::run(invocation, args),
        ExportFormat::Prometheus(args) => gauges::run(invocation, args),
    }
}

/// The selected build.
fn build(invocation: &mut Invocation<'_, '_>, build: &BuildRef) -> Result<BuildStats, Failure> {
    let mut selection = invocation.selection();
    let stats = selection.newest(build);
    invocation.report_unreadable(selection.unreadable());
    Ok(stats?)
}

/// The name of a build.
fn name_of(stats: &BuildStats) -> String {
    format!("{} {}", stats.tool, stats.timestamp)
}
