//! One build: its phases, and where time and memory went.

mod allocators;

use allocators::Places;
use clap::Args;
use jiff::ZonedDateTime;
use perf_history::{BuildStats, Noise, PhaseStats, System, Unattributed};

use crate::commands::describe;
use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::present::style::{ACCENT, DIM, NOTICE, PLAIN, STRONG};
use crate::present::{
    Block, Cell, Column, Fact, Json, Kind, Report, Row, Span, Table, moment, tree, units,
};
use crate::select::{BuildRef, Mode};

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Own time is that on the build thread. With what is unattributed it adds up to
the build's time. Total time is that on all threads.

Examples (after the program's name):
  show                    the newest build
  show -3                 the third newest
  show 0192b6e4           by the beginning of its id, or of its commit
  show label:nightly      the newest of that label
  show --allocators       where memory was allocated (recorded with BUILD_METRICS_ALLOCATORS=1)
  show --format json      the record itself")]
pub(crate) struct ShowArgs {
    /// latest, -3 (third newest), an id, a commit, label:NAME or branch:NAME
    #[arg(value_name = "BUILD", default_value = "latest", allow_negative_numbers = true)]
    pub(crate) build: BuildRef,
    /// Show only the code locations that allocated most, and all of them
    #[arg(long)]
    pub(crate) allocators: bool,
}

/// The phases of a build as a table.
pub(super) fn phases(stats: &BuildStats) -> Table {
    table(stats)
}

pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &ShowArgs) -> Result {
    let mut selection = invocation.selection();
    let stats = selection.newest(&args.build);
    invocation.report_unreadable(selection.unreadable());
    let stats = stats?;
    if args.allocators {
        return show_allocators(invocation, &stats);
    }
    let places = Places::most(&stats);
    let mut blocks = vec![
        Block::Title(title(&stats)),
        Block::Facts(facts(&stats, &invocation.console.now)),
        Block::Table(phases(&stats)),
    ];
    if !places.is_empty() {
        blocks.push(Block::Table(places.table()));
    }
    blocks.push(Block::Facts(places.facts()));
    invocation.write(&Report { blocks, json: Json::Record(Box::new(stats)) })
}

/// Shows all locations of the record.
fn show_allocators(invocation: &mut Invocation<'_, '_>, stats: &BuildStats) -> Result {
    let places = Places::all(stats);
    let is_for_programs = invocation.common.format.is_for_programs();
    if is_for_programs || !places.is_empty() {
        let blocks = vec![
            Block::Title(title(stats)),
            Block::Table(places.table()),
            Block::Facts(places.facts()),
        ];
        invocation.write(&Report { blocks, json: Json::Rows })?;
    }
    if places.is_empty() {
        return Err(Failure::NoData(match stats.allocators {
            None => "the build sampled no allocations (BUILD_METRICS_ALLOCATORS=1 does)".to_owned(),
            Some(_) => "the build has no samples of allocations".to_owned(),
        }));
    }
    Ok(())
}

fn title(stats: &BuildStats) -> Vec<Span> {
    let version = stats.tool_version.as_ref().map(|version| format!(" {version}"));
    let tool = stats.tool.clone() + &version.unwrap_or_default();
    vec![Span::new(tool, STRONG), Span::new(stats.build_id.clone(), DIM)]
}

fn facts(stats: &BuildStats, now: &ZonedDateTime) -> Vec<Fact> {
    vec![
        when(stats, now),
        kind(stats),
        time(stats),
        memory(stats),
        allocations(stats),
        counts(stats),
        commit(stats),
        machine(stats),
        noise(stats),
        timeline(stats),
        labels(stats),
    ]
}

fn when(stats: &BuildStats, now: &ZonedDateTime) -> Fact {
    let Some(started) = stats.started_at() else {
        return Fact::new("started").and(stats.timestamp.clone());
    };
    Fact::new("started").and(moment::full(started, now)).and(moment::ago(started, now))
}

fn kind(stats: &BuildStats) -> Fact {
    let (outcome, style) = describe::outcome(stats);
    let parallel = |parallel| if parallel { "parallel" } else { "sequential" };
    Fact::new("build")
        .and(Span::new(outcome, style))
        .known(Mode::from_build(stats).map(|mode| mode.name().to_owned()))
        .known(stats.profile.map(|profile| profile.name().to_owned()))
        .known(stats.parallel.map(|value| parallel(value).to_owned()))
}

fn time(stats: &BuildStats) -> Fact {
    let fact = Fact::new("time").and(Span::new(units::time(stats.build_time_ms), STRONG));
    let processor = stats.cpu_user_ms.zip(stats.cpu_system_ms).map(|(user, system)| {
        let busy = (user + system) / stats.build_time_ms;
        let cores = stats.system.as_ref().and_then(|system| system.cores);
        let of = cores.map_or_else(String::new, |cores| format!(" of {cores}"));
        let time = units::time(user + system);
        if busy.is_finite() {
            format!("{time} processor time, {busy:.1}{of} cores")
        } else {
            format!("{time} processor time")
        }
    });
    let fact = fact.known(processor);
    match stats.overhead_ms {
        Some(overhead) => {
            fact.and(Span::dim(format!("at least {} for measuring", units::time(overhead))))
        }
        None => fact,
    }
}

fn memory(stats: &BuildStats) -> Fact {
    let of = |mebibytes: Option<f64>, what: &str| {
        let size = units::bytes(units::mebibytes(mebibytes?));
        Some(format!("{size} {what}"))
    };
    let peak = match &stats.peak_phase {
        Some(path) => format!("peak heap in {path}"),
        None => "peak heap".to_owned(),
    };
    Fact::new("memory")
        .known(of(stats.memory_peak_mb, &peak))
        .known(of(stats.memory_heap_mb, "heap at the end"))
        .known(of(stats.memory_start_rss_mb, "RSS at the start"))
        .known(of(stats.memory_rss_mb, "RSS at the end"))
        .known(of(stats.memory_peak_rss_mb, "peak RSS"))
}

fn allocations(stats: &BuildStats) -> Fact {
    let fact = Fact::new("allocated").known(stats.alloc_bytes.zip(stats.alloc_count).map(
        |(bytes, count)| {
            let bytes = units::bytes(units::float(bytes));
            format!("{bytes} in {}", units::counted(count, "allocation"))
        },
    ));
    fact.known(stats.unclaimed.as_ref().map(|unclaimed| {
        let bytes = units::bytes(units::float(unclaimed.alloc_bytes));
        format!("{bytes} more belonged to none of the builds that were open")
    }))
}

fn counts(stats: &BuildStats) -> Fact {
    let counts = stats.counts.iter();
    counts.fold(Fact::new("counts"), |fact, (name, count)| {
        fact.and(format!("{name} {}", units::count(*count)))
    })
}

fn commit(stats: &BuildStats) -> Fact {
    let git = stats.git.clone().unwrap_or_default();
    let fact = Fact::new("commit")
        .known(git.commit.as_deref().map(describe::short_commit))
        .known(git.branch.map(|branch| format!("on {branch}")))
        .known(git.dirty.map(|dirty| if dirty { "dirty" } else { "clean" }.to_owned()));
    let ci = stats.ci.clone().unwrap_or_default();
    let run = ci.run_id.map_or_else(String::new, |run| format!(" run {run}"));
    fact.known(ci.provider.map(|provider| provider + &run))
        .known(ci.change_id.map(|change| format!("change {change}")))
        .known(ci.base_branch.map(|base| format!("into {base}")))
}

fn machine(stats: &BuildStats) -> Fact {
    let system: System = stats.system.clone().unwrap_or_default();
    let platform = match (system.os_version.or(system.os), system.arch) {
        (Some(os), Some(arch)) => Some(format!("{os}, {arch}")),
        (os, arch) => os.or(arch).or_else(|| stats.platform.clone()),
    };
    Fact::new("machine")
        .known(system.cpu_model)
        .known(system.cores.map(|cores| units::counted(cores, "core")))
        .known(system.memory_mb.map(|size| units::bytes(units::mebibytes(size))))
        .known(platform)
        .known(stats.rust_version.as_ref().map(|version| format!("rustc {version}")))
}

fn noise(stats: &BuildStats) -> Fact {
    let Noise { involuntary_context_switches, major_page_faults, load_average, .. } =
        stats.noise.clone().unwrap_or_default();
    Fact::new("noise")
        .known(load_average.map(|load| format!("load {load:.2}")))
        .known(involuntary_context_switches.map(|switches| {
            units::counted(switches, "involuntary switch").replace("switchs", "switches")
        }))
        .known(major_page_faults.map(|faults| units::counted(faults, "major fault")))
}

fn timeline(stats: &BuildStats) -> Fact {
    let fact = Fact::new("timeline");
    let Some(timeline) = &stats.timeline else { return fact };
    let fact = fact.and(units::counted(timeline.intervals, "interval"));
    match timeline.dropped {
        0 => fact,
        dropped => fact.and(Span::new(
            format!("{} did not fit", units::count(dropped)),
            crate::present::style::NOTICE,
        )),
    }
}

fn labels(stats: &BuildStats) -> Fact {
    stats.labels.iter().fold(Fact::new("labels"), |fact, (name, value)| {
        fact.and(Span::new(format!("{name}={value}"), PLAIN))
    })
}

/// Phases with a smaller share of the build's time and memory are dimmed.
const NEGLIGIBLE: f64 = 0.005;
/// A larger share of the build in no phase is highlighted.
const MUCH_UNATTRIBUTED: f64 = 0.2;
/// Deeper levels of the tree are not indented further.
const DEEPEST: usize = 24;

fn table(stats: &BuildStats) -> Table {
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
