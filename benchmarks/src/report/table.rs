//! The report as tables, for a terminal and for a page.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};
use workloads::{Kind, Workload};

use super::Report;
use crate::contenders::{ALL, ALLOCATOR_ONLY, BARE, Contender, FULL};
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
        "{}, {} processors, {}, {}; medians over {} rounds, of the {:.0} % of \
         batches around which ordinary instructions ran at full pace; a range where half of the \
         batches lie too far apart for one value alone. {} marks what is better than perf-runtime.",
        machine.processor,
        machine.processors,
        machine.system,
        machine.compiler,
        report.rounds,
        report.pace.full * 100.0,
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
    heading(to, "Work handed off, × two reads of the counter on the same thread")?;
    writeln!(to, "{}", workloads_of(Kind::HandedOff, report, style))?;
    heading(to, "Memory allocated and freed, × the bare program")?;
    writeln!(to, "{}", workloads_of(Kind::Allocations, report, style))?;
    heading(to, "What each counted of 1,000 calls, and of 1,000 blocks of 8 bytes")?;
    writeln!(to, "{}", sights(report, style))?;
    heading(to, "What comes with it")?;
    writeln!(to, "{}", beside(report, style))?;
    heading(to, "Before anything is done, and when all is done")?;
    writeln!(to, "{}", ends(report, style))?;
    heading(to, "The example site, × measuring compiled out")?;
    writeln!(to, "{}", site(report, style))
}

pub(super) fn table(style: Style, header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(match style {
        Style::Terminal => presets::UTF8_HORIZONTAL_ONLY,
        Style::Markdown => presets::ASCII_MARKDOWN,
    });
    table.set_header(header);
    table
}

pub(super) fn number(text: String) -> Cell {
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
                |it| format!("{} ({} ns){}", ratio(it), short(it.ns), mark(report, contender, it)),
            );
            row.push(number(text));
        }
        table.add_row(row);
    }
    table
}

/// A ratio, and from where to where it lies where it has no one value.
pub(crate) fn ratio(figure: &Figure) -> String {
    match figure.range {
        None => short(figure.ratio),
        Some([low, high]) => {
            format!("{}, {}–{}", short(figure.ratio), short(low), short(high))
        }
    }
}

fn sights(report: &Report, style: Style) -> Table {
    let mut table = table(style, ["", "calls", "blocks", "bytes"].map(String::from).into());
    for it in &report.sights {
        let mut row = vec![Cell::new(&it.contender)];
        let figures = [it.seen.calls, it.seen.blocks, it.seen.bytes];
        row.extend(figures.map(|it| number(it.map_or_else(|| "–".into(), |it| it.to_string()))));
        table.add_row(row);
    }
    table
}

/// Whether a peer's figure is better than ours, said behind it.
fn mark(report: &Report, contender: &Contender, theirs: &Figure) -> &'static str {
    let ours = figure(&report.figures, &FULL, theirs.workload);
    if is_peer(contender) && ours.is_some_and(|it| theirs.ratio < it.ratio) { BETTER } else { "" }
}

fn is_peer(contender: &Contender) -> bool {
    !contender.is_ours() && *contender != BARE
}

type FigureOf<'report> = dyn Fn(&Contender) -> Option<f64> + 'report;

/// What there is to say of a contender beside how fast it is.
struct Beside<'report> {
    heading: String,
    figure: Box<FigureOf<'report>>,
    text: fn(f64) -> String,
}

impl<'report> Beside<'report> {
    fn new(
        heading: impl Into<String>,
        text: fn(f64) -> String,
        figure: impl Fn(&Contender) -> Option<f64> + 'report,
    ) -> Self {
        Self { heading: heading.into(), figure: Box::new(figure), text }
    }

    /// The figure of a contender, marked where it is a peer's and better than ours. Peers that
    /// measure no phases are beside what measures none either.
    fn cell(&self, contender: &Contender) -> String {
        let Some(theirs) = (self.figure)(contender) else { return String::from("–") };
        let ours = if contender.kinds.contains(&Kind::Phases) { FULL } else { ALLOCATOR_ONLY };
        let ours = (self.figure)(&ours).or_else(|| (self.figure)(&FULL));
        let better = is_peer(contender) && ours.is_some_and(|it| theirs < it);
        format!("{}{}", (self.text)(theirs), if better { BETTER } else { "" })
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for readers")]
fn beside(report: &Report, style: Style) -> Table {
    let checks = &report.checks;
    let whole = |it: f64| format!("{it:.0}");
    let counted = |contender: &Contender| {
        checks.instructions.iter().flatten().find(|it| it.contender == contender.name)
    };
    let columns = [
        Beside::new(format!("{} READMEs, × bare", report.documents), short, |contender| {
            figure(&report.figures, contender, Workload::Readmes).map(|it| it.ratio)
        }),
        Beside::new("bytes kept a call", short, |contender| {
            Some(checks.kept.iter().find(|it| it.contender == contender.name)?.per_call())
        }),
        Beside::new("before anything is done, + µs", whole, |contender| {
            Some(checks.start(contender)?.together.median)
        }),
        Beside::new("instructions a call", whole, |it| counted(it)?.call),
        Beside::new("instructions a block of 8 B", whole, |it| counted(it)?.block),
        Beside::new("program, + KiB", whole, |contender| {
            let of_it = checks.footprints.iter().find(|it| it.contender == contender.name)?;
            Some(of_it.program_bytes as f64 / 1024.0)
        }),
        Beside::new("to compile, + s of CPU", short, |contender| {
            let times = checks.compile_times.iter().flatten();
            Some(times.clone().find(|it| it.contender == contender.name)?.cpu_s)
        }),
        Beside::new("crates", whole, |contender| {
            let of_it = checks.dependencies.iter().find(|it| it.contender == contender.name)?;
            Some(of_it.crates as f64)
        }),
    ];
    let mut header = vec![String::new()];
    header.extend(columns.iter().map(|it| it.heading.clone()));
    let mut table = table(style, header);
    for contender in &ALL {
        let mut row = vec![Cell::new(contender.name)];
        row.extend(columns.iter().map(|it| number(it.cell(contender))));
        table.add_row(row);
    }
    table
}

fn ends(report: &Report, style: Style) -> Table {
    let end = &report.checks.end_of_build;
    let header = ["", "lower quartile", "median", "upper quartile"].map(String::from);
    let mut table = table(style, header.into());
    let start = report.checks.start(&FULL).map(|it| {
        [
            ("before `main`, + µs", it.before_main),
            ("first `start_build`, + µs", it.begin),
            ("both, + µs", it.together),
            ("to start a thread in the bare program, µs", it.bare_spawn),
        ]
    });
    let end = [
        ("`end_build`, 200 paths × 8 threads, ms", end.end_build),
        ("`save`, ms", end.save),
        ("both, ms", end.together),
    ];
    for (what, it) in start.into_iter().flatten().chain(end) {
        let figures = [it.lower_quartile, it.median, it.upper_quartile];
        let mut row = vec![Cell::new(what)];
        row.extend(figures.map(|it| number(short(it))));
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
