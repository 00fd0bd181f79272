//! What the list needs of each build, so that long lists take little memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use anstyle::Style;
use perf_history::{BuildStats, HistoryError, Outcome};

use crate::commands::describe;
use crate::judge::median;
use crate::select::{Mode, Selection, SeriesKey, is_typical};

/// The median of fewer builds is not shown.
const LEAST_FOR_MEDIAN: usize = 3;

/// The listed builds, newest first, and their series.
pub(super) struct Listed {
    pub(super) builds: Vec<ListedBuild>,
    pub(super) series: Vec<Series>,
}

/// What the list shows of a build.
pub(super) struct ListedBuild {
    pub(super) build_id: String,
    pub(super) timestamp: String,
    pub(super) started: Option<SystemTime>,
    pub(super) tool: String,
    pub(super) ended: (&'static str, Style),
    pub(super) outcome: Outcome,
    pub(super) skipped: Option<bool>,
    pub(super) is_typical: bool,
    pub(super) time_ms: f64,
    pub(super) memory_peak_mb: Option<f64>,
    pub(super) memory_rss_mb: Option<f64>,
    pub(super) alloc_count: Option<u64>,
    pub(super) alloc_bytes: Option<u64>,
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) mode: Option<Mode>,
    pub(super) commit: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) dirty: Option<bool>,
    pub(super) run: Option<String>,
    /// The index of its series.
    pub(super) series: usize,
}

/// Builds that may be compared with each other.
pub(super) struct Series {
    pub(super) key: SeriesKey,
    /// The times of the typical builds that were read, newest first.
    times: Vec<f64>,
    /// Their median, if there are enough.
    pub(super) median_ms: Option<f64>,
}

impl Listed {
    /// Reads the newest `limit` builds, or `window` builds for the medians if that is more.
    pub(super) fn gather(
        selection: &mut Selection,
        limit: usize,
        window: usize,
    ) -> Result<Self, HistoryError> {
        let mut listed = Self { builds: Vec::new(), series: Vec::new() };
        for stats in selection.builds().take(limit.max(window)) {
            let stats = stats?;
            let series = listed.series_of(&stats);
            if is_typical(&stats) {
                listed.series[series].times.push(stats.build_time_ms);
            }
            if listed.builds.len() < limit {
                listed.builds.push(ListedBuild::of(stats, series));
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
    pub(super) fn change(&self, build: &ListedBuild) -> Option<f64> {
        let median = self.series[build.series].median_ms.filter(|median| *median > 0.0)?;
        build.is_typical.then(|| build.time_ms / median - 1.0)
    }

    /// The tools whose builds are listed.
    pub(super) fn tools(&self) -> Vec<String> {
        let tools: BTreeSet<&str> = self.builds.iter().map(|build| build.tool.as_str()).collect();
        tools.into_iter().map(str::to_owned).collect()
    }
}

impl ListedBuild {
    fn of(stats: BuildStats, series: usize) -> Self {
        let git = stats.git.clone().unwrap_or_default();
        Self {
            started: stats.started_at(),
            ended: describe::outcome(&stats),
            is_typical: is_typical(&stats),
            mode: Mode::from_build(&stats),
            run: stats.labels.get("run").cloned(),
            commit: git.commit,
            branch: git.branch,
            dirty: git.dirty,
            build_id: stats.build_id,
            timestamp: stats.timestamp,
            tool: stats.tool,
            outcome: stats.outcome,
            skipped: stats.skipped,
            time_ms: stats.build_time_ms,
            memory_peak_mb: stats.memory_peak_mb,
            memory_rss_mb: stats.memory_rss_mb,
            alloc_count: stats.alloc_count,
            alloc_bytes: stats.alloc_bytes,
            counts: stats.counts,
            series,
        }
    }
}
