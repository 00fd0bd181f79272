//! What measuring costs, side by side with other tools: builds a program for each of them, runs the
//! programs in turn, and reports their costs as tables, as JSON, and as a picture.
#![forbid(unsafe_code)]

mod budgets;
mod checks;
mod contenders;
mod plot;
mod programs;
mod report;
mod rounds;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::checks::Extent;
use crate::programs::{Programs, workspace};
use crate::report::{Earlier, Report, short};

/// Measures what measuring costs, side by side with other tools
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent flag")]
struct Arguments {
    /// Measure for a few minutes only: fewer rounds, no instruction counts, no long history, no compile
    /// times
    #[arg(long)]
    quick: bool,
    /// Measure compile times in a quick run too
    #[arg(long)]
    compile_times: bool,
    /// How often everything is measured [default: 12, or 3 with --quick]
    #[arg(long, value_name = "N")]
    rounds: Option<NonZero<usize>>,
    /// Where to write results.json and results.svg [default: `results` in this workspace]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Also write the tables into this workspace's README
    #[arg(long)]
    publish: bool,
    /// Fail if a ratio of perf-runtime differs by more than 15 % from that in the JSON of an earlier run
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Fail if a budget is not met
    #[arg(long)]
    strict: bool,
    /// Report an earlier run from its JSON instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "compile_times", "rounds"])]
    from: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and reports. Returns whether what was asked for holds.
fn run(arguments: &Arguments) -> Result<bool> {
    // Read before the file is overwritten.
    let earlier = arguments.against.as_deref().map(report::read::<Earlier>).transpose()?;
    let report = match &arguments.from {
        Some(file) => report::read(file)?,
        None => measure(arguments)?,
    };

    let tables = report::tables(&report);
    println!("{tables}");
    let results = arguments.results.clone().unwrap_or_else(|| workspace().join("results"));
    std::fs::create_dir_all(&results).with_context(|| format!("creating {}", results.display()))?;
    report::write(&report, &results.join("results.json"))?;
    std::fs::write(results.join("results.svg"), plot::svg(&report.figures))?;
    if arguments.publish {
        report::publish(&tables, &workspace().join("README.md"))?;
    }

    let mut holds = true;
    if let Some(earlier) = earlier {
        let disagreements = rounds::disagreements(&earlier.figures, &report.figures);
        for found in &disagreements {
            let (before, now) = (short(found.before), short(found.now));
            println!("{}, {}: {before} before, {now} now", found.contender, found.workload.name());
        }
        println!("{} ratios of perf-runtime differ by more than 15 %", disagreements.len());
        holds &= disagreements.is_empty();
    }
    if arguments.strict {
        holds &= report.budgets.iter().all(|budget| budget.is_met() != Some(false));
    }
    Ok(holds)
}

fn measure(arguments: &Arguments) -> Result<Report> {
    let start = Instant::now();
    let progress = |what: &str| eprintln!("{:>4} s  {what}", start.elapsed().as_secs());
    let (rounds, milliseconds) = if arguments.quick { (3, 40) } else { (12, 80) };
    let extent = Extent {
        rounds: arguments.rounds.map_or(rounds, NonZero::get),
        milliseconds,
        full: !arguments.quick,
        compile_times: arguments.compile_times || !arguments.quick,
    };
    let scratch = tempfile::tempdir().context("creating a temporary folder")?;
    progress("building a program for each contender");
    let programs = Programs::build(scratch.path())?;
    progress("checking that each of them measures what it should");
    contenders::check(&programs)?;
    let figures = rounds::run(&programs, extent.rounds, extent.milliseconds, progress)?;
    let checks = checks::run(&programs, scratch.path(), extent, progress)?;
    progress("done");
    let budgets = budgets::all(&figures, &checks);
    Ok(Report { machine: report::machine(), rounds: extent.rounds, figures, checks, budgets })
}
