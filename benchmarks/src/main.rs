//! What measuring costs, side by side with peers: builds a program for each contender, runs them in
//! turn, and tells what they took, in a table, as JSON, and as a picture.
#![forbid(unsafe_code)]

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
mod statistics;

use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::checks::Depth;
use crate::contenders::ALL;
use crate::error::Error;
use crate::machine::Machine;
use crate::programs::{Programs, workspace};
use crate::report::{Report, Style};
use crate::rounds::Extent;

/// Measures what measuring costs, side by side with peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Two minutes instead of ten: fewer and shorter rounds, no site under valgrind, no compiling
    /// from nothing
    #[arg(long)]
    quick: bool,
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
    /// Fail where a budget is not met
    #[arg(long)]
    strict: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
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
    let earlier = arguments.against.as_deref().map(report::read).transpose()?;
    let report = measure(arguments.quick, arguments.rounds.map(NonZero::get))?;

    let mut output = std::io::stdout().lock();
    // A reader that has gone away is no reason to fail.
    let _ = report::print(&report, Style::Terminal, &mut output);
    let results = arguments.results.clone().unwrap_or_else(|| workspace().join("results"));
    std::fs::create_dir_all(&results).map_err(Error::file("making", &results))?;
    report::write(&report, &results.join("results.json"))?;
    report::draw(&report, &results.join("results.svg"))?;
    if arguments.publish {
        report::publish(&report, &workspace().join("README.md"))?;
    }

    let mut holds = true;
    if let Some(earlier) = earlier {
        let agreement = repeatability::compare(&earlier.figures, &report.figures);
        let _ = writeln!(
            output,
            "\n{} ratios beside those of {}: the farthest is off by {:.1} %",
            agreement.compared,
            arguments.against.as_deref().unwrap_or(Path::new("")).display(),
            agreement.worst * 100.0,
        );
        for it in &agreement.disagreements {
            let _ = writeln!(
                output,
                "{}, {}: {:.3}, then {:.3}",
                it.contender, it.workload, it.before, it.now
            );
        }
        holds &= agreement.disagreements.is_empty();
    }
    if arguments.strict {
        holds &= report.budgets.iter().all(|it| it.is_met() != Some(false));
    }
    Ok(holds)
}

fn measure(quick: bool, rounds: Option<usize>) -> Result<Report, Error> {
    let start = Instant::now();
    let progress = |what: &str| eprintln!("{:>4} s  {what}", start.elapsed().as_secs());
    let (mut extent, depth) = if quick {
        (Extent { rounds: 3, milliseconds: 40 }, Depth::Quick)
    } else {
        (Extent { rounds: 7, milliseconds: 80 }, Depth::Full)
    };
    extent.rounds = rounds.unwrap_or(extent.rounds);
    progress("building a program for each contender");
    let programs = Programs::build(&ALL)?;
    let scratch = tempfile::tempdir().map_err(Error::file("making", "a folder"))?;
    let list = scratch.path().join("readmes");
    let documents = documents::write_list(workspace(), &list)?;
    let figures = rounds::run(&ALL, &programs, &list, extent, |round| {
        progress(&format!("round {} of {}", round + 1, extent.rounds));
    })?;
    let checks = checks::run(&ALL, &programs, scratch.path(), depth, progress)?;
    progress("done");
    let budgets = budgets::all(&figures, &checks);
    Ok(Report {
        machine: Machine::here(),
        rounds: extent.rounds,
        documents,
        figures,
        checks,
        budgets,
    })
}
