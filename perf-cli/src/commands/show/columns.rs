//! The phases of a build as a tree.

use perf_history::{BuildStats, PhaseStats, Unattributed};

use crate::present::style::{ACCENT, DIM, NOTICE, PLAIN, STRONG};
use crate::present::{Cell, Column, Kind, Row, Table, tree, units};

/// Phases with a smaller share of the build's time and memory are dimmed.
const NEGLIGIBLE: f64 = 0.005;
/// A larger share of the build in no phase is highlighted.
const MUCH_UNATTRIBUTED: f64 = 0.2;
/// Deeper levels of the tree are not indented further.
const DEEPEST: usize = 24;

/// Makes the table.
pub(super) fn table(stats: &BuildStats) -> Table {
    let text = |least| Kind::Text { least };
    let columns = vec![
        Column::new("path", "phase", text(16), 0),
        Column::new("build_thread_ms", "own", Kind::Time, 0).grouped(2),
        Column::new("share", "share", Kind::Share, 1),
        Column::new("share_bar", "", Kind::Bar, 5),
        Column::new("self_ms", "self", Kind::Time, 7).grouped(2),
        Column::new("total_ms", "total", Kind::Time, 3).grouped(2),
        Column::new("threads", "threads", text(9), 4),
        Column::new("elapsed_ms", "window", Kind::Time, 10).grouped(2),
        Column::new("calls", "calls", Kind::Count, 4),
        Column::new("open_calls", "open", Kind::Count, 3),
        Column::new("panics", "panics", Kind::Count, 2),
        Column::new("cancelled", "cancelled", Kind::Count, 3),
        Column::new("min_ms", "min", Kind::Time, 13).grouped(1),
        Column::new("p50_ms", "p50", Kind::Time, 8).grouped(1),
        Column::new("p95_ms", "p95", Kind::Time, 8).grouped(1),
        Column::new("p99_ms", "p99", Kind::Time, 12).grouped(1),
        Column::new("max_ms", "max", Kind::Time, 11).grouped(1),
        Column::new("latency_ms", "latency", Kind::Time, 9),
        Column::new("polls", "polls", Kind::Count, 9),
        Column::new("items", "items", Kind::Count, 9),
        Column::new("items_per_s", "items/s", Kind::Rate, 6),
        Column::new("alloc_bytes", "allocated", Kind::Bytes, 2),
        Column::new("self_alloc_bytes", "self alloc.", Kind::Bytes, 15),
        Column::new("alloc_count", "allocations", Kind::Count, 14),
        Column::new("peak_bytes", "peak", Kind::Bytes, 5),
        Column::new("process_peak_bytes", "process peak", Kind::Bytes, 16),
        Column::new("net_bytes", "net", Kind::Bytes, 17),
        Column::new("retained_bytes", "retained", Kind::Bytes, 6),
        Column::data("retained_bytes_low", Kind::Bytes),
        Column::data("retained_bytes_high", Kind::Bytes),
        Column::data("started_ms", Kind::Time),
        Column::data("build_thread_self_ms", Kind::Time),
        Column::data("rss_delta_mb", Kind::Megabytes),
    ];
    let depths: Vec<usize> = stats.phases.iter().map(depth).collect();
    let lines = tree::branches(&depths);
    let phases = stats.phases.iter().zip(lines);
    let mut rows: Vec<Row> = phases.map(|(phase, lines)| row(stats, phase, lines)).collect();
    rows.extend(stats.unattributed.as_ref().map(|rest| unattributed(stats, rest, &columns)));
    Table { columns, rows }
}

fn depth(phase: &PhaseStats) -> usize {
    phase.path.matches('/').count().min(DEEPEST)
}

fn row(stats: &BuildStats, phase: &PhaseStats, lines: String) -> Row {
    let name = phase.path.rsplit('/').next().unwrap_or_default();
    let is_negligible = is_negligible(stats, phase);
    let style = if is_negligible { DIM } else { PLAIN };
    let name_style = if lines.is_empty() && !is_negligible { STRONG } else { style };
    let unless_zero = |count: u64| Cell::count((count > 0).then_some(count));
    let share = phase.build_thread_ms.map(|own| own / stats.build_time_ms);
    let finished = |time: Option<f64>| Cell::number(time);
    let cells = vec![
        Cell::in_tree(lines, name, &phase.path).styled(name_style),
        Cell::number(phase.build_thread_ms),
        Cell::number(share),
        Cell::number(share).styled(if is_negligible { DIM } else { ACCENT }),
        Cell::number(phase.self_ms),
        Cell::number(phase.total_ms),
        Cell::labelled(threads(phase), phase.threads.to_string()),
        Cell::number(phase.elapsed_ms),
        Cell::count(phase.calls),
        unless_zero(phase.open_calls).styled(NOTICE),
        unless_zero(phase.panics).styled(NOTICE),
        unless_zero(phase.cancelled),
        finished(phase.min_ms),
        finished(phase.p50_ms),
        finished(phase.p95_ms),
        finished(phase.p99_ms),
        finished(phase.max_ms),
        Cell::number(phase.latency_ms),
        unless_zero(phase.polls),
        unless_zero(phase.items),
        Cell::number(items_per_second(phase)),
        Cell::count(phase.alloc_bytes),
        Cell::count(phase.self_alloc_bytes),
        Cell::count(phase.alloc_count),
        Cell::count(phase.peak_bytes),
        Cell::count(phase.process_peak_bytes),
        #[expect(clippy::cast_precision_loss, reason = "fewer digits are shown")]
        Cell::number(phase.net_bytes.map(|bytes| bytes as f64)),
        Cell::count(phase.retained_bytes),
        Cell::count(phase.retained_bytes_low),
        Cell::count(phase.retained_bytes_high),
        Cell::number(phase.started_ms),
        Cell::number(phase.build_thread_self_ms),
        Cell::number(phase.rss_delta_mb),
    ];
    Row { cells, style }
}

/// The row of what was in no phase.
fn unattributed(stats: &BuildStats, rest: &Unattributed, columns: &[Column]) -> Row {
    let share = rest.build_thread_ms / stats.build_time_ms;
    let style = if share > MUCH_UNATTRIBUTED { NOTICE } else { DIM };
    let cell = |column: &Column| match column.key.as_str() {
        "path" => Cell::text("unattributed"),
        "build_thread_ms" => Cell::number(rest.build_thread_ms),
        "share" | "share_bar" => Cell::number(share),
        "alloc_bytes" => Cell::count(rest.alloc_bytes),
        "alloc_count" => Cell::count(rest.alloc_count),
        "retained_bytes" => Cell::count(rest.retained_bytes),
        "retained_bytes_low" => Cell::count(rest.retained_bytes_low),
        "retained_bytes_high" => Cell::count(rest.retained_bytes_high),
        #[expect(clippy::cast_precision_loss, reason = "fewer digits are shown")]
        "net_bytes" => Cell::number(rest.net_bytes.map(|bytes| bytes as f64)),
        _ => Cell::absent(),
    };
    Row { cells: columns.iter().map(cell).collect(), style }
}

fn is_negligible(stats: &BuildStats, phase: &PhaseStats) -> bool {
    let time = phase.total_ms.max(phase.build_thread_ms.unwrap_or(0.0));
    let all_bytes = units::float(stats.alloc_bytes.unwrap_or(0));
    time < stats.build_time_ms * NEGLIGIBLE
        && units::float(phase.alloc_bytes.unwrap_or(0)) <= all_bytes * NEGLIGIBLE
}

/// The average number of threads in the phase while it ran, and the number of threads that ever
/// were; `None` if it was one.
fn threads(phase: &PhaseStats) -> String {
    let average = phase.total_ms / phase.elapsed_ms;
    match phase.threads {
        0 | 1 => String::new(),
        // 0 is a phase that did not run.
        all if average < 0.05 => format!("<0.1 of {all}"),
        all if average.is_finite() => format!("{average:.1} of {all}"),
        all => all.to_string(),
    }
}

/// Items per second: of the elapsed time if the phase ran on several threads at once, else of its
/// total.
fn items_per_second(phase: &PhaseStats) -> Option<f64> {
    let ms = if phase.threads > 1 { phase.elapsed_ms } else { phase.total_ms };
    (phase.items > 0 && ms > 0.0).then(|| units::float(phase.items) * 1000.0 / ms)
}
