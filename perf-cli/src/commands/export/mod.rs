//! Builds for other programs: trace viewers, flame graphs, spreadsheets, monitoring.

mod csv;
mod folded;
mod gauges;
mod sums;
mod traces;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use perf_history::BuildStats;

use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::present::Format;
use crate::select::BuildRef;

pub(crate) use csv::CsvArgs;
pub(crate) use folded::StacksArgs;

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

pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &ExportArgs) -> Result {
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

fn build(invocation: &mut Invocation<'_, '_>, build: &BuildRef) -> Result<BuildStats> {
    let mut selection = invocation.selection();
    let stats = selection.newest(build);
    invocation.report_unreadable(selection.unreadable());
    Ok(stats?)
}

fn name_of(stats: &BuildStats) -> String {
    format!("{} {}", stats.tool, stats.timestamp)
}

/// Calls `write` with the target. A file is replaced once it is complete, so that readers see the old
/// one or the new one. If anything fails, the old one stays.
fn write_to(
    invocation: &mut Invocation<'_, '_>,
    args: &OutputArgs,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result {
    invocation.reading.clear();
    match args.output.as_deref() {
        None => Ok(write(invocation.console.out)?),
        Some(path) if path == Path::new("-") => Ok(write(invocation.console.out)?),
        Some(path) => to_file(path, write)
            .map_err(|source| Failure::OutputFile { path: path.to_owned(), source }),
    }
}

fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let before = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // Pipes and devices are written to, not replaced. A directory is an error.
    if before.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        let mut target = BufWriter::new(File::options().write(true).open(path)?);
        return write(&mut target).and_then(|()| target.flush());
    }
    let path = if before.is_some() { path.canonicalize()? } else { path.to_owned() };
    // In the same directory, as renaming is atomic only within one file system. The textfile
    // collector of Prometheus ignores this name.
    let mut builder = tempfile::Builder::new();
    builder.prefix(".buildperf-").suffix(".tmp");
    leave_permissions_to_the_mask(&mut builder);
    let file = builder.tempfile_in(parent(&path))?;
    if let Some(before) = before {
        file.as_file().set_permissions(before.permissions())?;
    }
    let mut target = BufWriter::with_capacity(1 << 16, file);
    write(&mut target)?;
    let file = target.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.persist(&path)?;
    Ok(())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A new file has the permissions of the user's mask: the collector that reads it is another user.
#[cfg(unix)]
fn leave_permissions_to_the_mask(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn leave_permissions_to_the_mask(_: &mut tempfile::Builder<'_, '_>) {}
