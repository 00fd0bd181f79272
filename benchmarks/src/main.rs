//! What measuring costs, side by side with peers: builds a program for each contender, runs them in
//! turn, and tells what they took, in a table, as JSON, and as a picture.
#![forbid(unsafe_code)]

mod attribution;
mod budgets;
mod checks;
mod contenders;
mod documents;
mod error;
mod machine;
mod programs;
mod repeatability;
mod report;
mod rounds;
mod sight;
mod statistics;

use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::attribution::Finding;
use crate::checks::Depth;
use crate::contenders::ALL;
use crate::error::Error;
use crate::machine::Machine;
use crate::programs::{Form, Programs, workspace};
use crate::report::{Part, Report, Style};
use crate::rounds::{Extent, Measured};

/// Measures what measuring costs, side by side with peers.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Arguments {
    /// Six minutes instead of twenty: fewer and shorter rounds, no site under valgrind, no times to
    /// compile
    #[arg(long)]
    quick: bool,
    /// Measure what the libraries take to compile although it is to be quick: five minutes
    #[arg(long)]
    compile_times: bool,
    /// How many rounds, instead of 7, or of 3 where it is to be quick
    #[arg(long, value_name = "N")]
    rounds: Option<NonZero<usize>>,
    /// Where `results.json` and `results.svg` go [default: `results` in this workspace]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Also write the tables into this workspace's README
    #[arg(long)]
    publish: bool,
    /// Fail where a ratio is off by more than 15 % from that in the JSON of an earlier run
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Fail where a budget is not met, or a phase's time or memory not its own
    #[arg(long)]
    strict: bool,
    /// Something else: whose time and memory it is, by perf-runtime and by hotpath, in programs of
    /// which that is known
    #[arg(long, conflicts_with_all = ["quick", "compile_times", "rounds", "against"])]
    situations: bool,
}

impl Arguments {
    /// The folder for results, which is there afterwards.
    fn results(&self) -> Result<PathBuf, Error> {
        let results = self.results.clone().unwrap_or_else(|| workspace().join("results"));
        std::fs::create_dir_all(&results).map_err(Error::file("making", &results))?;
        Ok(results)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let all_holds = if arguments.situations { attribute(&arguments) } else { run(&arguments) };
    match all_holds {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all that was asked for holds.
fn run(arguments: &Arguments) -> Result<bool, Error> {
    // Read before it is overwritten.
    let earlier = arguments.against.as_deref().map(report::read_figures).transpose()?;
    let report = measure(arguments)?;

    let mut output = std::io::stdout().lock();
    // A reader that has gone away is no reason to fail.
    let _ = report::print(&report, Style::Terminal, &mut output);
    let results = arguments.results()?;
    report::write(&report, &results.join("results.json"))?;
    report::draw(&report, &results.join("results.svg"))?;
    if arguments.publish {
        let mut tables = Vec::new();
        // Writing to memory does not fail.
        let _ = report::print(&report, Style::Markdown, &mut tables);
        publish(&tables, Part::COST)?;
    }

    let mut holds = true;
    if let Some(earlier) = earlier {
        let agreement = repeatability::compare(&earlier, &report.figures);
        let _ = writeln!(
            output,
            "\n{} ratios beside those of {}: the farthest is off by {:.1} %, but for {} without one \
             value, whose ranges meet",
            agreement.compared,
            arguments.against.as_deref().unwrap_or(Path::new("")).display(),
            agreement.worst * 100.0,
            agreement.ranges,
        );
        for it in &agreement.disagreements {
            let [before, now] = [&it.before, &it.now].map(report::ratio);
            let _ = writeln!(
                output,
                "{}, {}: {before}, then {now}",
                it.now.contender,
                it.now.workload.name()
            );
        }
        holds &= agreement.disagreements.is_empty();
    }
    if arguments.strict {
        holds &= report.budgets.iter().all(|it| it.is_met() != Some(false));
    }
    Ok(holds)
}

/// Asks whose time and memory it is. Whether perf-runtime was right, where that was asked for.
fn attribute(arguments: &Arguments) -> Result<bool, Error> {
    let attribution = attribution::run(|what| eprintln!("{what}"))?;
    let mut output = std::io::stdout().lock();
    // A reader that has gone away is no reason to fail.
    let _ = report::print_attribution(&attribution, Style::Terminal, &mut output);
    report::write(&attribution, &arguments.results()?.join("situations.json"))?;
    if arguments.publish {
        let mut tables = Vec::new();
        // Writing to memory does not fail.
        let _ = report::print_attribution(&attribution, Style::Markdown, &mut tables);
        publish(&tables, Part::ATTRIBUTION)?;
    }
    Ok(!arguments.strict || attribution.findings.iter().all(Finding::ours_is_right))
}

fn publish(tables: &[u8], part: Part) -> Result<(), Error> {
    report::publish(&String::from_utf8_lossy(tables), part, &workspace().join("README.md"))
}

fn measure(arguments: &Arguments) -> Result<Report, Error> {
    let start = Instant::now();
    let progress = |what: &str| eprintln!("{:>4} s  {what}", start.elapsed().as_secs());
    let (mut extent, depth) = if arguments.quick {
        (Extent { rounds: 3, milliseconds: 40 }, Depth::Quick)
    } else {
        (Extent { rounds: 7, milliseconds: 80 }, Depth::Full)
    };
    extent.rounds = arguments.rounds.map_or(extent.rounds, NonZero::get);
    let compile_times = arguments.compile_times || depth == Depth::Full;
    progress("building a program for each contender, to see whether it measures");
    let sights = sight::run(&ALL)?;
    progress("building those that are timed");
    let programs = Programs::build(&ALL, Form::ToBeTimed)?;
    let scratch = tempfile::tempdir().map_err(Error::file("making", "a folder"))?;
    let list = scratch.path().join("readmes");
    let documents = documents::write_list(workspace(), &list)?;
    let Measured { figures, pace } = rounds::run(&ALL, &programs, &list, extent, |round| {
        progress(&format!("round {} of {}", round + 1, extent.rounds));
    })?;
    let checks =
        checks::run(&ALL, &programs, scratch.path(), pace, depth, compile_times, progress)?;
    progress("done");
    let budgets = budgets::all(&figures, &checks);
    Ok(Report {
        machine: Machine::here(),
        rounds: extent.rounds,
        documents,
        sights,
        pace,
        figures,
        checks,
        budgets,
    })
}
