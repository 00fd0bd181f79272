//! Lists the newest builds, or draws them as a chart.

mod chart;

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use jiff::ZonedDateTime;
use perf_history::{BuildStats, HistoryError};

use crate::commands::describe::{self, change_style, short_commit};
use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::judge::median;
use crate::present::sparkline::sparkline;
use crate::present::style::{ACCENT, DIM, PLAIN, STRONG};
use crate::present::{
    Block, Cell, Column, Fact, Json, Kind, Report, Row, Span, Table, moment, units,
};
use crate::select::{Mode, Selection, SeriesKey, is_typical};

/// How many builds are listed without a date or a number.
const BUILDS: usize = 20;
/// The median of a series is that of its builds among this many of the newest, or among all listed
/// builds if they are more.
const WINDOW: usize = 100;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "The list")]
pub(crate) struct ListArgs {
    /// List the newest N builds [default: 20, or all since the date of --since]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) last: Option<u64>,
    /// Draw a chart of time and memory instead, phases stacked [of the newest 100 builds]
    #[arg(long)]
    pub(crate) chart: bool,
}

impl ListArgs {
    /// The first given option.
    pub(crate) fn given(&self) -> Option<&'static str> {
        self.last.map(|_| "--last").or(self.chart.then_some("--chart"))
    }
}

/// Lists or draws the newest builds.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &ListArgs) -> Result {
    let last = args.last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
    if args.chart {
        return chart::run(invocation, last);
    }
    let limit = match (last, invocation.common.since) {
        (Some(last), _) => last,
        (None, Some(_)) => usize::MAX,
        (None, None) => BUILDS,
    };
    let mut selection = invocation.selection();
    let listed = Listed::gather(&mut selection, limit, WINDOW);
    invocation.report_unreadable(selection.unreadable());
    let listed = listed?;
    let table = table(&listed, &invocation.console.now);
    if table.is_empty() {
        let report = Report { blocks: vec![Block::Table(table)], json: Json::Rows };
        if invocation.common.format.is_for_programs() {
            invocation.write(&report)?;
        }
        return Err(no_builds(invocation, &selection));
    }
    let title = vec![
        Span::new(listed.tools().join(", "), STRONG),
        Span::new(invocation.history().dir().display().to_string(), DIM),
    ];
    let series = facts(&listed, invocation.console.width);
    invocation.write(&Report {
        blocks: vec![Block::Title(title), Block::Table(table), Block::Facts(series)],
        json: Json::Rows,
    })
}

/// The error if there is nothing to list.
fn no_builds(invocation: &Invocation<'_, '_>, selection: &Selection) -> Failure {
    let path = invocation.history().path();
    Failure::NoData(format!("there are no builds{} in {}", selection.filter(), path.display()))
}

/// The median of fewer builds is not shown.
const LEAST_FOR_MEDIAN: usize = 3;

/// The listed builds, newest first, and their series.
struct Listed {
    builds: Vec<ListedBuild>,
    series: Vec<Series>,
}

/// A build without its phases, so that long lists take little memory.
struct ListedBuild {
    stats: BuildStats,
    is_typical: bool,
    /// The index of its series.
    series: usize,
}

/// Builds that may be compared with each other.
struct Series {
    key: SeriesKey,
    /// The times of the typical builds that were read, newest first.
    times: Vec<f64>,
    /// Their median, if there are enough.
    median_ms: Option<f64>,
}

impl Listed {
    /// Reads the newest `limit` builds, or `window` builds for the medians if that is more.
    fn gather(
        selection: &mut Selection,
        limit: usize,
        window: usize,
    ) -> Result<Self, HistoryError> {
        let mut listed = Self { builds: Vec::new(), series: Vec::new() };
        for stats in selection.builds().take(limit.max(window)) {
            let mut stats = stats?;
            let (series, is_typical) = (listed.series_of(&stats), is_typical(&stats));
            if is_typical {
                listed.series[series].times.push(stats.build_time_ms);
            }
            if listed.builds.len() < limit {
                stats.phases = Vec::new();
                listed.builds.push(ListedBuild { stats, is_typical, series });
            }
        }
        for series in &mut listed.series {
            if series.times.len() >= LEAST_FOR_MEDIAN {
                series.median_ms = median(series.times.iter().copied());
            }
        }
        Ok(listed)
    }

    fn series_of(&mut self, stats: &BuildStats) -> usize {
        let key = SeriesKey::from_build(stats);
        let known = self.series.iter().position(|series| series.key == key);
        known.unwrap_or_else(|| {
            self.series.push(Series { key, times: Vec::new(), median_ms: None });
            self.series.len() - 1
        })
    }

    /// The change of a build's time against the median of its series.
    fn change(&self, build: &ListedBuild) -> Option<f64> {
        let median = self.series[build.series].median_ms.filter(|median| *median > 0.0)?;
        build.is_typical.then(|| build.stats.build_time_ms / median - 1.0)
    }

    /// The tools whose builds are listed.
    fn tools(&self) -> Vec<String> {
        let tools: BTreeSet<&str> = self.builds.iter().map(|build| &*build.stats.tool).collect();
        tools.into_iter().map(str::to_owned).collect()
    }
}

/// The rank of all counts after the first: a narrow terminal drops them before all other columns.
const OTHER_COUNTS: u8 = 20;

fn table(listed: &Listed, now: &ZonedDateTime) -> Table {
    let counts = counts(listed);
    let text = |least| Kind::Text { least };
    let several_tools = listed.tools().len() > 1;
    let all_succeeded =
        listed.builds.iter().all(|build| describe::outcome(&build.stats).0 == "success");
    let rank = |shown: bool, rank| if shown { rank } else { Column::DATA };
    let mut columns = vec![
        Column::new("number", "build", Kind::Count, 0),
        Column::data("build_id", text(0)),
        Column::new("timestamp", "when", text(10), 1),
        Column::new("tool", "tool", text(8), rank(several_tools, 2)),
        Column::new("build_time_ms", "time", Kind::Time, 0),
        Column::new("change", "change", Kind::Change, 1),
        Column::new("outcome", "outcome", text(8), rank(!all_succeeded, 1)),
        Column::data("skipped", text(0)),
        Column::new("memory_peak_mb", "peak", Kind::Megabytes, 2),
        Column::new("memory_rss_mb", "RSS", Kind::Megabytes, 6),
        Column::new("alloc_bytes", "allocated", Kind::Bytes, 8),
        Column::new("alloc_count", "allocations", Kind::Count, 9),
        Column::new("mode", "mode", text(11), 3),
        Column::new("commit", "commit", text(10), 4),
        Column::data("dirty", text(0)),
        Column::new("branch", "branch", text(8), 7),
        Column::new("label", "label", text(8), 5),
    ];
    for (place, name) in counts.iter().enumerate() {
        let place = u8::try_from(place).unwrap_or(OTHER_COUNTS).min(OTHER_COUNTS);
        let rank = if place == 0 { 5 } else { OTHER_COUNTS + place };
        // Counts never have the names of record fields.
        let is_taken = columns.iter().any(|column| column.key == *name);
        let key = if is_taken { format!("counts.{name}") } else { name.clone() };
        columns.push(Column::new(key, heading_of_count(name), Kind::Count, rank));
    }
    let rows = listed.builds.iter().enumerate();
    let rows = rows.map(|(place, build)| row(listed, place, build, &counts, now)).collect();
    Table { columns, rows }
}

fn row(
    listed: &Listed,
    place: usize,
    build: &ListedBuild,
    counts: &[String],
    now: &ZonedDateTime,
) -> Row {
    let ListedBuild { stats, is_typical, .. } = build;
    let started = stats.started_at();
    let when = started.map_or_else(|| "?".to_owned(), |started| moment::ago(started, now));
    let change = listed.change(build);
    let (ended, ended_style) = describe::outcome(stats);
    let git = stats.git.clone().unwrap_or_default();
    let commit = git.commit.as_ref().map(|commit| {
        let dirty = if git.dirty == Some(true) { "*" } else { "" };
        Cell::labelled(short_commit(commit) + dirty, commit)
    });
    let mut cells = vec![
        Cell::number(-units::float(place as u64 + 1)),
        Cell::text(&stats.build_id),
        Cell::labelled(when, &stats.timestamp),
        Cell::text(&stats.tool),
        Cell::number(stats.build_time_ms).styled(if *is_typical { STRONG } else { PLAIN }),
        Cell::number(change).styled(change_style(change)),
        Cell::labelled(ended, stats.outcome.name()).styled(ended_style),
        Cell::flag(stats.skipped),
        Cell::number(stats.memory_peak_mb),
        Cell::number(stats.memory_rss_mb),
        Cell::count(stats.alloc_bytes),
        Cell::count(stats.alloc_count),
        Cell::known(Mode::from_build(stats).map(Mode::name)),
        commit.unwrap_or_else(Cell::absent),
        Cell::flag(git.dirty),
        Cell::known(git.branch),
        Cell::known(stats.labels.get("run")),
    ];
    cells.extend(counts.iter().map(|name| Cell::count(stats.counts.get(name).copied())));
    // Failed and skipped builds are dimmed.
    Row { cells, style: if *is_typical { PLAIN } else { DIM } }
}

/// The counts of all builds: totals first, then by the number of builds that have them.
fn counts(listed: &Listed) -> Vec<String> {
    let mut builds_with: BTreeMap<&str, usize> = BTreeMap::new();
    for name in listed.builds.iter().flat_map(|build| build.stats.counts.keys()) {
        *builds_with.entry(name).or_default() += 1;
    }
    let mut names: Vec<_> = builds_with.into_iter().collect();
    names.sort_by_key(|(name, builds)| (!name.starts_with(TOTAL), usize::MAX - builds));
    // The totals of the Python model.
    names.sort_by_key(|(name, _)| *name != "total_pages");
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

const TOTAL: &str = "total_";

fn heading_of_count(name: &str) -> String {
    name.strip_prefix(TOTAL).filter(|rest| !rest.is_empty()).unwrap_or(name).to_owned()
}

/// Further series are only counted.
const MOST: usize = 6;

/// A line for each series, that of the newest build first.
fn facts(listed: &Listed, width: usize) -> Vec<Fact> {
    let present: Vec<usize> = (0..listed.series.len())
        .filter(|place| listed.builds.iter().any(|build| build.series == *place))
        .collect();
    let varying = varying(&present.iter().map(|place| &listed.series[*place]).collect::<Vec<_>>());
    let mut facts: Vec<Fact> = present
        .iter()
        .take(MOST)
        .map(|&place| {
            let builds = || listed.builds.iter().filter(move |build| build.series == place);
            let times: Vec<Option<f64>> = builds()
                .take(width / 3)
                .map(|build| build.is_typical.then_some(build.stats.build_time_ms))
                .collect();
            let times: Vec<Option<f64>> = times.into_iter().rev().collect();
            let series = &listed.series[place];
            let fact = Fact::new(name(series, &varying));
            let fact = match times.iter().flatten().count() {
                0 => fact,
                _ => fact.and(Span::new(sparkline(&times), ACCENT)),
            };
            let fact = fact.and(units::counted(builds().count(), "build"));
            fact.known(series.median_ms.map(|median| format!("median {}", units::time(median))))
        })
        .collect();
    if present.len() > MOST {
        let more = units::count(present.len() - MOST);
        facts.push(Fact::new(format!("{more} more series")).and(Span::dim("not drawn")));
    }
    facts
}

/// The indices of the facts in [`SeriesKey::facts`] in which the series differ.
///
/// [`SeriesKey::facts`]: crate::select::SeriesKey::facts
fn varying(series: &[&Series]) -> Vec<usize> {
    let Some(first) = series.first().map(|series| series.key.facts()) else {
        return Vec::new();
    };
    let differs =
        |place: &usize| series.iter().any(|other| other.key.facts()[*place].1 != first[*place].1);
    (0..first.len()).filter(differs).collect()
}

fn name(series: &Series, varying: &[usize]) -> String {
    let facts = series.key.facts();
    let known: Vec<&str> = varying.iter().filter_map(|place| facts[*place].1.as_deref()).collect();
    if known.is_empty() { "time".to_owned() } else { known.join(", ") }
}
