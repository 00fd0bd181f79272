//! The report as tables, for a terminal and for a page.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};
use workloads::{Kind, Workload};

use super::Report;
use crate::contenders::{ALL, BARE, Contender, FULL};
use crate::rounds::{Figure, figure};

/// Where the tables are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Terminal,
    Markdown,
}

/// Behind figures that are better than perf-runtime's.
const BETTER: &str = " ▲";

/// Writes all tables.
pub(crate) fn print(report: &Report, style: Style, to: &mut impl Write) -> io::Result<()> {
    let machine = &report.machine;
    writeln!(
        to,
        "{}, {} processors, {}, {}; medians over {} rounds. {} marks what is better than perf-runtime.",
        machine.processor,
        machine.processors,
        machine.system,
        machine.compiler,
        report.rounds,
        BETTER.trim(),
    )?;
    let heading = |to: &mut dyn Write, text: &str| match style {
        Style::Terminal => writeln!(to, "\n{text}\n"),
        Style::Markdown => writeln!(to, "\n### {text}\n"),
    };
    heading(to, "What was promised")?;
    writeln!(to, "{}", budgets(report, style))?;
    heading(to, "A phase entered and exited, × two reads of the counter in the same process")?;
    writeln!(to, "{}", workloads_of(Kind::Phases, report, style))?;
    heading(to, "Memory allocated and freed, × the bare program")?;
    writeln!(to, "{}", workloads_of(Kind::Allocations, report, style))?;
    heading(to, "What comes with it")?;
    writeln!(to, "{}", beside(report, style))?;
    heading(to, "The example site, × measuring compiled out")?;
    writeln!(to, "{}", site(report, style))
}

fn table(style: Style, header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(match style {
        Style::Terminal => presets::UTF8_HORIZONTAL_ONLY,
        Style::Markdown => presets::ASCII_MARKDOWN,
    });
    table.set_header(header);
    table
}

fn number(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn budgets(report: &Report, style: Style) -> Table {
    let header = ["what", "budget", "measured", ""].map(String::from);
    let mut table = table(style, header.into());
    for budget in &report.budgets {
        let verdict = match budget.is_met() {
            Some(true) => "met",
            Some(false) => "**not met**",
            None => "not measured",
        };
        table.add_row(vec![
            Cell::new(&budget.what),
            number(format!("≤ {} {}", budget.limit, budget.unit).trim_end().to_owned()),
            number(budget.measured.map_or_else(String::new, short)),
            Cell::new(if style == Style::Markdown {
                verdict.into()
            } else {
                verdict.replace('*', "")
            }),
        ]);
    }
    table
}

fn workloads_of(kind: Kind, report: &Report, style: Style) -> Table {
    let all: Vec<_> = Workload::ALL.into_iter().filter(|it| it.kind() == kind).collect();
    let mut header = vec![String::new()];
    header.extend(all.iter().map(|it| it.name().replace('-', " ")));
    let mut table = table(style, header);
    for contender in ALL.iter().filter(|it| it.kinds.contains(&kind)) {
        let mut row = vec![Cell::new(contender.name)];
        for workload in &all {
            let text = figure(&report.figures, contender, *workload).map_or_else(
                || String::from(contender.lack(*workload).unwrap_or("–")),
                |it| {
                    format!(
                        "{} ({} ns){}",
                        short(it.ratio),
                        short(it.ns),
                        mark(report, contender, it)
                    )
                },
            );
            row.push(number(text));
        }
        table.add_row(row);
    }
    table
}

/// Whether a peer's figure is better than ours, said behind it.
fn mark(report: &Report, contender: &Contender, theirs: &Figure) -> &'static str {
    let ours = figure(&report.figures, &FULL, theirs.workload);
    let is_peer = !contender.is_ours() && *contender != BARE;
    if is_peer && ours.is_some_and(|it| theirs.ratio < it.ratio) { BETTER } else { "" }
}

#[expect(clippy::cast_precision_loss, reason = "figures for readers")]
fn beside(report: &Report, style: Style) -> Table {
    let header = [
        "",
        &format!("{} READMEs, × bare", report.documents),
        "bytes kept a call",
        "instructions a call",
        "instructions a block of 8 B",
        "program, + KiB",
        "to compile, + s of CPU",
        "crates",
    ]
    .map(String::from);
    let mut table = table(style, header.into());
    let checks = &report.checks;
    for contender in &ALL {
        let name = |it: &str| it == contender.name;
        let readmes = figure(&report.figures, contender, Workload::Readmes)
            .map(|it| format!("{}{}", short(it.ratio), mark(report, contender, it)));
        let kept = checks.kept.iter().find(|it| name(&it.contender)).map(|it| short(it.per_call()));
        let counts = checks.instructions.iter().flatten().find(|it| name(&it.contender));
        let footprint = checks.footprints.iter().find(|it| name(&it.contender));
        let crates = checks.dependencies.iter().find(|it| name(&it.contender));
        let cells = [
            readmes,
            kept,
            counts.and_then(|it| it.call).map(|it| format!("{it:.0}")),
            counts.and_then(|it| it.block).map(|it| format!("{it:.0}")),
            footprint.map(|it| format!("{:.0}", it.program_bytes as f64 / 1024.0)),
            footprint.and_then(|it| it.compile_cpu_s).map(|it| format!("{it:.0}")),
            crates.map(|it| it.crates.to_string()),
        ];
        let mut row = vec![Cell::new(contender.name)];
        row.extend(cells.map(|it| number(it.unwrap_or_else(|| String::from("–")))));
        table.add_row(row);
    }
    table
}

fn site(report: &Report, style: Style) -> Table {
    let site = &report.checks.site;
    let header = ["", "time", "instructions"].map(String::from);
    let mut table = table(style, header.into());
    let measuring = site.instructions.map_or_else(|| String::from("–"), |it| format!("{it:.4}"));
    let rows = [
        ("measuring", format!("{:.3}", site.time), measuring),
        ("switched off", format!("{:.3}", site.time_off), String::from("–")),
        ("compiled out", format!("1 ({:.0} ms)", site.compiled_out_ms), String::from("1")),
    ];
    for (form, time, instructions) in rows {
        table.add_row(vec![Cell::new(form), number(time), number(instructions)]);
    }
    table
}

/// A figure with three digits that count.
fn short(value: f64) -> String {
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
    fn figures_have_three_digits_that_count() {
        let figures = [0.0, 0.000_4, 0.0312, 1.7639, 36.66, 581.2];
        assert_eq!(figures.map(short), ["0", "< 0.001", "0.031", "1.76", "36.7", "581"]);
    }
}
