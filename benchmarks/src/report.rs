//! The report as tables, which are Markdown everywhere, and as JSON.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use comfy_table::{CellAlignment, Table, presets};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use workloads::{Kind, Workload};

use crate::budgets::Budget;
use crate::checks::{Checks, Process, TRACING};
use crate::contenders::{ALL, FULL};
use crate::rounds::{Figure, figure};

/// The results of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The machine and the compiler.
    pub(crate) machine: String,
    pub(crate) rounds: usize,
    pub(crate) figures: Vec<Figure>,
    pub(crate) checks: Checks,
    pub(crate) budgets: Vec<Budget>,
}

/// The part of a report that later runs are compared with.
#[derive(Debug, Deserialize)]
pub(crate) struct Earlier {
    pub(crate) figures: Vec<Figure>,
}

/// Reads a report, or a part of it.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let report = fs::read(path).map_err(anyhow::Error::new).and_then(|text| {
        serde_json::from_slice(&text).context("it is not a report of this version")
    });
    report.with_context(|| format!("reading {}", path.display()))
}

/// Writes a report.
pub(crate) fn write(report: &Report, path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
}

/// This machine and its compiler.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let compiler = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    format!(
        "{}, {} processors, {} {}, {}",
        model(&cpuinfo).unwrap_or("unknown processor"),
        std::thread::available_parallelism().map_or(1, usize::from),
        std::env::consts::OS,
        std::env::consts::ARCH,
        compiler.unwrap_or_else(|_| String::from("unknown compiler")),
    )
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

const BEGIN: &str = "<!-- begin: measured -->";
const END: &str = "<!-- end: measured -->";

/// Puts the tables between the marks on a page.
pub(crate) fn publish(tables: &str, page: &Path) -> Result<()> {
    let text = fs::read_to_string(page)?;
    let text = between_marks(&text, tables)
        .with_context(|| format!("{} lacks the line {BEGIN} or {END}", page.display()))?;
    Ok(fs::write(page, text)?)
}

fn between_marks(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", tables.trim()))
}

/// All tables.
pub(crate) fn tables(report: &Report) -> String {
    let sections = [
        ("Budgets", budgets(report)),
        (
            "A phase entered and exited, × two reads of the counter in the same process",
            costs(report, |kind| kind != Kind::Allocations),
        ),
        (
            "Memory allocated and freed, × the bare program",
            costs(report, |kind| kind == Kind::Allocations),
        ),
        ("What a process pays", processes(report)),
        ("What a dependency costs", dependencies(report)),
    ];
    let mut text = format!(
        "{}; lower quartiles of {} rounds. ▲ marks a peer that costs less than perf-runtime.\n",
        report.machine, report.rounds,
    );
    for (heading, table) in sections {
        // Writing to a string does not fail.
        let _ = write!(text, "\n### {heading}\n\n{table}\n");
    }
    text
}

/// A table whose columns are numbers, but for the first one.
fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn budgets(report: &Report) -> Table {
    let row = |budget: &Budget| {
        let verdict = match budget.is_met() {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "not measured",
        };
        let limit = format!("≤ {} {}", budget.limit, budget.unit);
        let measured = budget.measured.map(short).unwrap_or_default();
        [budget.what.clone(), limit.trim_end().to_owned(), measured, verdict.to_owned()]
    };
    table(["what", "budget", "measured", ""], report.budgets.iter().map(row).collect())
}

fn costs(report: &Report, is_shown: fn(Kind) -> bool) -> Table {
    let workloads: Vec<_> =
        Workload::ALL.into_iter().filter(|workload| is_shown(workload.kind())).collect();
    let mut table = Table::new();
    let names = workloads.iter().map(|workload| workload.name().replace('-', " "));
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([String::new()].into_iter().chain(names));
    for contender in &ALL {
        let costs: Vec<_> = workloads
            .iter()
            .map(|workload| figure(&report.figures, contender, *workload))
            .collect();
        if costs.iter().all(Option::is_none) {
            continue;
        }
        let texts = costs.into_iter().map(|cost| {
            let Some(Figure { ratio, ns, workload, .. }) = cost else { return "–".to_owned() };
            let ours = figure(&report.figures, &FULL, *workload);
            let is_better = contender.is_peer() && ours.is_some_and(|ours| *ratio < ours.ratio);
            format!("{} ({} ns){}", short(*ratio), short(*ns), if is_better { " ▲" } else { "" })
        });
        table.add_row([contender.name.to_owned()].into_iter().chain(texts));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn processes(report: &Report) -> Table {
    let row = |process: &Process| {
        [
            process.contender.clone(),
            format!("{:.0}", process.before_main_us),
            format!("{:.0}", process.begin_us),
            process.bytes_per_call.map_or_else(|| "–".to_owned(), short),
        ]
    };
    let header = ["", "before `main`, + µs", "start of measuring, + µs", "bytes kept a call"];
    table(header, report.checks.processes.iter().map(row).collect())
}

fn dependencies(report: &Report) -> Table {
    let all = &report.checks.dependencies;
    let tracing = all.iter().find(|dependency| dependency.name == TRACING);
    let tracing = tracing.and_then(|tracing| tracing.compile_s);
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), short);
    let rows = all.iter().map(|dependency| {
        let ratio = dependency.compile_s.zip(tracing).map(|(ours, tracing)| ours / tracing);
        [
            dependency.name.clone(),
            dependency.crates.to_string(),
            shown(dependency.compile_s),
            shown(ratio),
        ]
    });
    table(["", "crates below", "to compile, s of processor time", "× tracing"], rows.collect())
}

/// A figure with three significant digits.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        0.0 => String::from("0"),
        size if size < 0.001 => String::from("< 0.001"),
        size if size < 0.1 => format!("{value:.3}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_significant_digits() {
        let figures = [0.0, 0.000_4, 0.0312, 1.7639, 36.66, 581.2];
        assert_eq!(figures.map(short), ["0", "< 0.001", "0.031", "1.76", "36.7", "581"]);
    }

    #[test]
    fn only_the_text_between_the_marks_is_replaced() {
        let page = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nText.\n");
        let new = format!("# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nText.\n");
        assert_eq!(between_marks(&page, "new\n"), Some(new.clone()));
        assert_eq!(between_marks(&new, "new"), Some(new));
        assert_eq!(between_marks(BEGIN, "new"), None);
        assert_eq!(between_marks(END, "new"), None);
    }

    #[test]
    fn the_processor_is_named_as_the_kernel_names_it() {
        let cpuinfo = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz\t\t: 2445.428\n";
        assert_eq!(model(cpuinfo), Some("AMD EPYC"));
        assert_eq!(model("processor\t: 0\n"), None);
    }
}
