//! Runs a build command several times, and shows the builds that it made.

use std::ffi::OsString;
use std::num::NonZeroU32;

use clap::Args;
use indicatif::ProgressBar;
use perf_history::BuildStats;

use crate::commands::describe::{self, change_style};
use crate::context::Invocation;
use crate::failure::{ExitStatus, Result};
use crate::judge::median;
use crate::launch::{BuildCommand, Label, LaunchError, Launcher};
use crate::present::style::{DIM, PLAIN, STRONG};
use crate::present::{Block, Cell, Column, Fact, Json, Kind, Report, Row, Span, Table, units};
use crate::select::is_typical;

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The command must record its builds. The records go to the history of --dir, with the label `run`
and one label `session` for all of them. The output of the command is shown if it fails, or with
--show-output. Ctrl-C is forwarded: the running build finishes or aborts on its own. A second
Ctrl-C kills it.

Examples (after the program's name):
  run -- my-site build                               five builds, and their median
  run --runs 10 --warmup 1 --label before -- make    with a label, after one that is not recorded
  compare label:before label:after                   compare two such runs")]
pub(crate) struct RunArgs {
    /// How many builds to record
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) runs: NonZeroU32,
    /// How many builds to run first without recording them
    #[arg(long, value_name = "N", default_value_t)]
    pub(crate) warmup: u32,
    /// The label `run` of the builds, to select them as `label:L`
    #[arg(long, value_name = "L")]
    pub(crate) label: Option<Label>,
    /// Show the output of the command on standard error
    #[arg(long)]
    pub(crate) show_output: bool,
    /// The build command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command, and shows the builds that it made.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &RunArgs) -> Result<ExitStatus> {
    let mut launcher = invocation.launcher(args.show_output)?;
    let command = BuildCommand::of_words(args.command.clone());
    let runs = args.runs.get();
    let steps = u64::from(runs) + u64::from(args.warmup);
    let progress = invocation.builds_progress(steps, args.show_output);
    let mut builds = Vec::new();
    let made = make(&mut launcher, args, &command, &mut builds, &progress);
    progress.finish_and_clear();
    let is_interrupted = launcher.is_interrupted() || matches!(made, Err(LaunchError::Interrupted));
    let failure = match made {
        Ok(()) | Err(LaunchError::Interrupted) => None,
        Err(error) => Some(invocation.launch_failure(error)),
    };
    if !builds.is_empty() || invocation.common.format.is_for_programs() {
        invocation.write(&report(&builds, args.label.as_ref(), launcher.session()))?;
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    if is_interrupted {
        invocation.note(&format!(
            "interrupted: {} of {} recorded",
            units::count(builds.len()),
            units::counted(runs, "build")
        ));
        return Ok(ExitStatus::Interrupted);
    }
    if builds.len() as u64 > u64::from(runs) {
        invocation.note(&format!(
            "{} left {}: each run makes several builds",
            units::counted(runs, "run"),
            units::counted(builds.len(), "record")
        ));
    }
    Ok(ExitStatus::Success)
}

/// Warms up and builds. If it fails, `builds` has those made until then.
fn make(
    launcher: &mut Launcher,
    args: &RunArgs,
    command: &BuildCommand,
    builds: &mut Vec<BuildStats>,
    progress: &ProgressBar,
) -> Result<(), LaunchError> {
    for _ in 0..args.warmup {
        progress.set_message("warming up");
        launcher.warm_up(command)?;
        progress.inc(1);
    }
    progress.set_message("");
    for _ in 0..args.runs.get() {
        builds.extend(launcher.build(command, args.label.as_ref())?);
        if let Some(median) = median(builds.iter().map(|stats| stats.build_time_ms)) {
            progress.set_message(format!("median {}", units::time(median)));
        }
        progress.inc(1);
    }
    Ok(())
}

/// The builds, oldest first, and what they have in common.
fn report(builds: &[BuildStats], label: Option<&Label>, session: &str) -> Report {
    let median = typical_median(builds);
    let label = label.map(Label::as_str);
    let mut tools: Vec<&str> = builds.iter().map(|stats| stats.tool.as_str()).collect();
    tools.dedup();
    let mut title = vec![Span::new(tools.join(", "), STRONG)];
    title.extend(label.map(|label| Span::plain(format!("label:{label}"))));
    let json = Json::RowsWithin {
        before: vec![
            ("label", label.into()),
            ("session", session.into()),
            ("median_ms", median.into()),
        ],
        rows: "builds",
    };
    let blocks = vec![
        Block::Title(title),
        Block::Table(table(builds, median)),
        Block::Facts(totals(builds)),
    ];
    Report { blocks, json }
}

fn typical_median(builds: &[BuildStats]) -> Option<f64> {
    median(builds.iter().filter(|stats| is_typical(stats)).map(|stats| stats.build_time_ms))
}

fn table(builds: &[BuildStats], median: Option<f64>) -> Table {
    let text = |least| Kind::Text { least };
    let all_succeeded = builds.iter().all(|stats| describe::outcome(stats).0 == "success");
    let several_tools = builds.iter().any(|stats| stats.tool != builds[0].tool);
    let rank = |shown: bool, rank| if shown { rank } else { Column::DATA };
    let columns = vec![
        Column::new("number", "run", Kind::Count, 0),
        Column::new("build_id", "build", text(8), 4),
        Column::new("tool", "tool", text(8), rank(several_tools, 1)),
        Column::new("build_time_ms", "time", Kind::Time, 0),
        Column::new("change", "against median", Kind::Change, 0),
        Column::new("outcome", "outcome", text(8), rank(!all_succeeded, 1)),
        Column::new("memory_peak_mb", "peak", Kind::Megabytes, 2),
        Column::new("alloc_bytes", "allocated", Kind::Bytes, 3),
        Column::new("alloc_count", "allocations", Kind::Count, 5),
    ];
    let rows = (1..).zip(builds).map(|(number, stats)| {
        let is_typical = is_typical(stats);
        let median = median.filter(|median| is_typical && *median > 0.0);
        let change = median.map(|median| stats.build_time_ms / median - 1.0);
        let (ended, ended_style) = describe::outcome(stats);
        let cells = vec![
            Cell::count(number),
            Cell::text(&stats.build_id),
            Cell::text(&stats.tool),
            Cell::number(stats.build_time_ms).styled(if is_typical { STRONG } else { PLAIN }),
            Cell::number(change).styled(change_style(change)),
            Cell::labelled(ended, stats.outcome.name()).styled(ended_style),
            Cell::number(stats.memory_peak_mb),
            Cell::count(stats.alloc_bytes),
            Cell::count(stats.alloc_count),
        ];
        Row { cells, style: if is_typical { PLAIN } else { DIM } }
    });
    Table { columns, rows: rows.collect() }
}

/// The median and the range of times and memory.
fn totals(builds: &[BuildStats]) -> Vec<Fact> {
    let typical: Vec<&BuildStats> = builds.iter().filter(|stats| is_typical(stats)).collect();
    let fact = |label: &str, shown: fn(f64) -> String, of: fn(&BuildStats) -> Option<f64>| {
        let numbers: Vec<f64> = typical.iter().filter_map(|stats| of(stats)).collect();
        let fact = Fact::new(label);
        let Some(middle) = median(numbers.iter().copied()) else { return fact };
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let fact = fact.and(Span::new(format!("median {}", shown(middle)), STRONG));
        if least >= most {
            return fact;
        }
        let fact = fact.and(format!("from {} to {}", shown(least), shown(most)));
        match middle {
            middle if middle > 0.0 => {
                fact.and(Span::dim(format!("range {}", units::share((most - least) / middle))))
            }
            _ => fact,
        }
    };
    vec![
        fact("time", units::time, |stats| Some(stats.build_time_ms)),
        fact(
            "peak heap",
            |size| units::bytes(units::mebibytes(size)),
            |stats| stats.memory_peak_mb,
        ),
        fact("allocated", units::bytes, |stats| stats.alloc_bytes.map(units::float)),
    ]
}
