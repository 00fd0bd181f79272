//! The newest builds of one series as a chart. Builds of other series are not comparable.

use std::collections::BTreeMap;

use perf_history::{BuildStats, HistoryError};

use crate::context::Invocation;
use crate::failure::Result;
use crate::present::chart::{self, ChartData, Layer, MemoryLevel};
use crate::present::style::{DIM, STRONG};
use crate::present::{
    Block, Cell, Column, Fact, Format, Json, Kind, Report, Row, Span, Table, units,
};
use crate::select::{Selection, SeriesKey, is_typical};

/// How many builds are drawn without a date or a number.
const BUILDS: usize = 100;
/// How many builds are then searched.
const WINDOW: usize = 5_000;
/// The width of the chart in Markdown.
const WIDTH_OF_PAGES: usize = 80;
/// The most phases with a layer of their own,
const LAYERS: usize = 5;
/// if they take at least this share of the time.
const LEAST_SHARE: f64 = 0.01;

/// The builds to draw, oldest first, and how many are left out.
#[derive(Default)]
struct Series {
    key: Option<SeriesKey>,
    /// With their top-level phases.
    builds: Vec<BuildStats>,
    others: u64,
    untypical: u64,
}

/// The time of a phase on the build thread.
fn time_of(build: &BuildStats, phase: &str) -> Option<f64> {
    build.phase(phase)?.build_thread_ms
}

pub(super) fn run(invocation: &mut Invocation<'_, '_>, last: Option<usize>) -> Result {
    let is_limited = last.is_none() && invocation.common.since.is_none();
    let limit = last.unwrap_or(if is_limited { BUILDS } else { usize::MAX });
    let mut selection = invocation.selection();
    let series =
        Series::gather(&mut selection, limit, if is_limited { WINDOW } else { usize::MAX });
    invocation.report_unreadable(selection.unreadable());
    let series = series?;
    let table = series.table();
    let Some(key) = series.key.as_ref() else {
        if invocation.common.format.is_for_programs() {
            invocation.write(&Report { blocks: vec![Block::Data(table)], json: Json::Rows })?;
        }
        return Err(super::no_builds(invocation, &selection));
    };
    let title = vec![
        Span::new(key.tool.clone(), STRONG),
        Span::plain(series.described()),
        Span::new(invocation.history().dir().display().to_string(), DIM),
    ];
    let data = series.chart_data();
    let console = &invocation.console;
    // Markdown has neither the width of a terminal nor colours.
    let (width, color) = match invocation.common.format {
        Format::Table => (console.width, console.color),
        _ => (WIDTH_OF_PAGES, false),
    };
    let picture = chart::draw(&data, width, color, &console.now);
    let blocks = vec![
        Block::Title(title),
        Block::Data(table),
        Block::Drawing(picture),
        Block::Facts(series.not_drawn()),
    ];
    invocation.write(&Report { blocks, json: Json::Rows })
}

impl Series {
    fn gather(
        selection: &mut Selection,
        limit: usize,
        window: usize,
    ) -> Result<Self, HistoryError> {
        let mut series = Self::default();
        for stats in selection.builds().take(window) {
            let mut stats = stats?;
            if !is_typical(&stats) {
                series.untypical += 1;
                continue;
            }
            let key = SeriesKey::from_build(&stats);
            if *series.key.get_or_insert_with(|| key.clone()) != key {
                series.others += 1;
                continue;
            }
            stats.phases.retain(|phase| !phase.path.contains('/'));
            series.builds.push(stats);
            if series.builds.len() == limit {
                break;
            }
        }
        series.builds.reverse();
        Ok(series)
    }

    fn described(&self) -> String {
        let number = units::counted(self.builds.len(), "build");
        let mode = self.key.as_ref().and_then(|key| key.mode);
        mode.map_or(number.clone(), |mode| format!("{number}, {mode}"))
    }

    /// The top-level phases with their total times, longest first.
    fn phases(&self) -> Vec<(String, f64)> {
        let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
        for phase in self.builds.iter().flat_map(|build| &build.phases) {
            if let Some(ms) = phase.build_thread_ms {
                *sums.entry(&phase.path).or_default() += ms;
            }
        }
        let mut names: Vec<(&str, f64)> = sums.into_iter().collect();
        names.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        names.into_iter().map(|(name, sum)| (name.to_owned(), sum)).collect()
    }

    fn chart_data(&self) -> ChartData {
        let builds = || self.builds.iter();
        let all: f64 = builds().map(|build| build.build_time_ms).sum();
        let large = self.phases().into_iter().filter(|(_, sum)| *sum >= all * LEAST_SHARE);
        let layers: Vec<Layer> = large
            .take(LAYERS)
            .map(|(name, _)| {
                let ms = builds().map(|build| time_of(build, &name).unwrap_or(0.0));
                Layer { ms: ms.collect(), name }
            })
            .collect();
        let in_layers = |build: usize| layers.iter().map(|layer| layer.ms[build]).sum::<f64>();
        let rest = builds().enumerate();
        let rest = rest.map(|(place, build)| (build.build_time_ms - in_layers(place)).max(0.0));
        let line = |name: &str, of: fn(&BuildStats) -> Option<f64>| MemoryLevel {
            name: name.to_owned(),
            bytes: builds().map(|build| of(build).map(units::mebibytes)).collect(),
        };
        ChartData {
            moments: builds().map(BuildStats::started_at).collect(),
            rest: Layer { name: "other".to_owned(), ms: rest.collect() },
            memory: vec![
                line("peak heap", |build| build.memory_peak_mb),
                line("RSS", |build| build.memory_rss_mb),
            ],
            layers,
        }
    }

    fn table(&self) -> Table {
        let text = Kind::Text { least: 0 };
        let phases = self.phases();
        let mut columns = vec![
            Column::data("build_id", text),
            Column::data("timestamp", text),
            Column::data("commit", text),
            Column::data("build_time_ms", Kind::Time),
            Column::data("memory_peak_mb", Kind::Megabytes),
            Column::data("memory_rss_mb", Kind::Megabytes),
        ];
        let phase =
            |(name, _): &(String, f64)| Column::data(format!("phases.{name}_ms"), Kind::Time);
        columns.extend(phases.iter().map(phase));
        let row = |build: &BuildStats| {
            let mut cells = vec![
                Cell::text(&build.build_id),
                Cell::text(&build.timestamp),
                Cell::known(build.git.as_ref().and_then(|git| git.commit.as_ref())),
                Cell::number(build.build_time_ms),
                Cell::number(build.memory_peak_mb),
                Cell::number(build.memory_rss_mb),
            ];
            let phase = |(name, _): &(String, f64)| time_of(build, name);
            cells.extend(phases.iter().map(phase).map(Cell::number));
            Row { cells, ..Row::default() }
        };
        Table { columns, rows: self.builds.iter().map(row).collect() }
    }

    fn not_drawn(&self) -> Vec<Fact> {
        let some = |number: u64, what: &str| {
            (number > 0).then(|| format!("{} {what}", units::counted(number, "build")))
        };
        let fact = Fact::new("not drawn")
            .known(some(self.others, "of other series (see --mode, --tool)"))
            .known(some(self.untypical, "that failed, were skipped, or have a suspect clock"));
        vec![fact]
    }
}
