//! The change points of a series: where its level shifted for good, which commits did it, and which
//! were accepted.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use clap::Args;
use perf_history::{Accepted, BuildStats};

use crate::commands::describe::{builds_of, short_commit};
use crate::commands::verdicts::Measure;
use crate::configuration::Configuration;
use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::judge::e_divisive::{ChangePoint, Options, change_points};
use crate::judge::median;
use crate::present::sparkline::sparkline;
use crate::present::style::{ACCENT, BAD, GOOD, PLAIN, STRONG};
use crate::present::{Block, Cell, Column, Fact, Json, Kind, Report, Row, Span, Table, units};
use crate::select::{Mode, SeriesKey, Session};

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Looks at the series of the newest build, on the default branch (--branch; else main and master). A
change point is where the level shifted by 5 % or more and stayed there, with at least 3 builds on
either side. Builds that ran together count once. Accepted changes (`accept`) are marked.

Examples (after the program's name):
  trend                        the build, and its phases
  trend --mode full --last 1000
  trend --phase render/html    one phase")]
pub(crate) struct TrendArgs {
    /// How many builds to look back; builds that ran together count once
    #[arg(long, value_name = "N", default_value = "200")]
    pub(crate) last: NonZeroUsize,
    /// Only this phase, by its path
    #[arg(long, value_name = "PATH")]
    pub(crate) phase: Option<String>,
}

/// A change point needs this many sessions.
const MIN_SESSIONS: usize = 6;

/// A number in each session, oldest first.
struct TimeSeries {
    phase: Option<String>,
    measure: Measure,
    numbers: Vec<f64>,
}

impl TimeSeries {
    fn of(
        sessions: &[Session],
        phase: Option<&str>,
        measure: Measure,
        of: impl Fn(&BuildStats) -> Option<f64>,
    ) -> Self {
        let number =
            |session: &Session| median(session.builds.iter().filter_map(&of)).unwrap_or(f64::NAN);
        let numbers = sessions.iter().map(number).collect();
        Self { phase: phase.map(str::to_owned), measure, numbers }
    }

    /// Whether it is large enough for its changes to matter.
    fn is_above(&self, floor: f64) -> bool {
        median(self.numbers.iter().copied()).is_some_and(|level| level > floor)
    }
}

/// Finds and shows the change points.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &TrendArgs) -> Result {
    let mut configuration = invocation.configuration()?;
    if let Some(branch) = &invocation.common.branch {
        configuration.default_branches = vec![branch.clone()];
    }
    let mut selection = invocation.selection_on_all_branches();
    let found = selection.newest_session().map_err(Failure::from).and_then(|(newest, _)| {
        // There is at least one.
        let newest = newest.builds.into_iter().next_back().unwrap_or_default();
        let key = SeriesKey::from_build(&newest);
        let branches = &configuration.default_branches;
        Ok((newest, selection.recent_sessions(&key, branches, args.last.get())?))
    });
    invocation.report_unreadable(selection.unreadable());
    let (newest, sessions) = found?;
    let accepted = invocation.accepted()?;
    let series = series(&sessions, args.phase.as_deref(), &configuration)?;
    let shifts = shifts(&series, &sessions, &accepted);
    invocation.write(&report(&newest, &sessions, &series, &shifts))?;
    if sessions.len() < MIN_SESSIONS {
        return Err(Failure::NoData(format!(
            "{} on {}: at least {MIN_SESSIONS} are needed for a change point",
            units::counted(sessions.len(), "session"),
            configuration.default_branches.join(" or "),
        )));
    }
    if shifts.is_empty() {
        invocation
            .note(&format!("no level shifted among {}", units::counted(sessions.len(), "session")));
    }
    Ok(())
}

/// The time series to search for change points.
fn series(
    sessions: &[Session],
    only: Option<&str>,
    configuration: &Configuration,
) -> Result<Vec<TimeSeries>> {
    let newest = sessions.last().and_then(Session::last);
    let phases = newest.map_or(&[][..], |stats| &stats.phases);
    let self_time = |path: &str| {
        TimeSeries::of(sessions, Some(path), Measure::Time, |stats| {
            Some(stats.phase(path)?.self_ms)
        })
    };
    if let Some(path) = only {
        let series = self_time(path);
        if newest.is_some() && series.numbers.iter().all(|number| number.is_nan()) {
            let near = |known: &&str| strsim::jaro_winkler(path, known);
            let known = phases.iter().map(|phase| phase.path.as_str());
            let nearest = known.max_by(|a, b| near(a).total_cmp(&near(b)));
            let hint = nearest.map_or_else(String::new, |path| format!("; did you mean {path:?}?"));
            return Err(Failure::Usage(format!("no build has a phase {path:?}{hint}")));
        }
        return Ok(vec![series]);
    }
    let mut series = vec![
        TimeSeries::of(sessions, None, Measure::Time, |stats| Some(stats.build_time_ms)),
        TimeSeries::of(sessions, None, Measure::Allocations, |stats| {
            stats.alloc_count.map(units::float)
        }),
        TimeSeries::of(sessions, None, Measure::Peak, |stats| {
            stats.memory_peak_mb.map(units::mebibytes)
        }),
    ];
    let judged = phases.iter().filter(|phase| configuration.is_judged(&phase.path));
    series.extend(judged.map(|phase| self_time(&phase.path)).filter(|series| {
        let path = series.phase.as_deref().unwrap_or_default();
        series.is_above(configuration.of_phase(path).single_phase_ms)
    }));
    Ok(series)
}

/// A change point of a time series.
struct Shift<'a> {
    series: &'a TimeSeries,
    point: ChangePoint,
    /// The accepted change that covers the new level.
    accepted: Option<&'a Accepted>,
}

/// All change points: newest first, the build before its phases.
fn shifts<'a>(
    series: &'a [TimeSeries],
    sessions: &[Session],
    accepted: &'a [Accepted],
) -> Vec<Shift<'a>> {
    let accepted = AcceptedIn::sessions(sessions, accepted);
    let mut shifts = Vec::new();
    for series in series {
        let points = change_points(&series.numbers, &Options::default());
        let ends: Vec<usize> = points.iter().skip(1).map(|point| point.index).collect();
        let ends = ends.into_iter().chain([sessions.len()]);
        shifts.extend(points.into_iter().zip(ends).map(|(point, end)| Shift {
            series,
            point,
            accepted: accepted.covering(point.index, end),
        }));
    }
    // The sort is stable: the phases stay behind their build.
    shifts.sort_by_key(|shift| std::cmp::Reverse(shift.point.index));
    shifts
}

fn report(
    newest: &BuildStats,
    sessions: &[Session],
    series: &[TimeSeries],
    shifts: &[Shift<'_>],
) -> Report {
    let mut title = vec![Span::new(&newest.tool, STRONG)];
    title.extend(Mode::from_build(newest).map(|mode| Span::plain(mode.name())));
    title.push(Span::plain(builds_of(sessions)));
    let drawn = series.first().map(|series| {
        let numbers: Vec<Option<f64>> = series
            .numbers
            .iter()
            .map(|number| Some(*number).filter(|number| number.is_finite()))
            .collect();
        let newest = numbers.len().saturating_sub(60);
        sparkline(&numbers[newest..])
    });
    let fact = Fact::new("time");
    let fact = match drawn.filter(|line| !line.is_empty()) {
        Some(line) => fact.and(Span::new(line, ACCENT)),
        None => fact,
    };
    let mut blocks = vec![Block::Title(title), Block::Facts(vec![fact])];
    let table = table(shifts, sessions);
    blocks.push(if table.is_empty() { Block::Data(table) } else { Block::Table(table) });
    let mut changes: Vec<&Accepted> = Vec::new();
    for change in shifts.iter().filter_map(|shift| shift.accepted) {
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    blocks.push(Block::Facts(changes.into_iter().map(describe).collect()));
    Report { blocks, json: Json::Rows }
}

fn table(shifts: &[Shift<'_>], sessions: &[Session]) -> Table {
    let text = |least| Kind::Text { least };
    let columns = vec![
        Column::new("timestamp", "since", text(10), 1),
        Column::new("commits", "commits", text(20), 0),
        Column::new("build_id", "first build", text(13), 4),
        Column::data("phase", text(0)),
        Column::data("measure", text(0)),
        Column::new("what", "what", text(24), 0),
        Column::data("old", Kind::Rate),
        Column::data("new", Kind::Rate),
        Column::new("was", "was", text(8), 3),
        Column::new("is", "is", text(8), 2),
        Column::new("change", "change", Kind::Change, 0),
        Column::data("p", Kind::Rate),
        Column::new("accepted", "accepted", text(10), 0),
        Column::data("accepted_build_id", text(0)),
        Column::data("accepted_reason", text(0)),
    ];
    Table { columns, rows: shifts.iter().filter_map(|shift| row(shift, sessions)).collect() }
}

fn row(shift: &Shift<'_>, sessions: &[Session]) -> Option<Row> {
    let Shift { series, point, accepted } = shift;
    let first = sessions.get(point.index)?.first()?;
    let before = sessions.get(point.index.checked_sub(1)?)?.last()?;
    let commit = |stats: &BuildStats| stats.git.as_ref()?.commit.as_deref().map(short_commit);
    let commits = match (commit(before), commit(first)) {
        (Some(old), Some(new)) if old != new => Cell::text(format!("{old}..{new}")),
        (_, Some(new)) => Cell::text(new),
        _ => Cell::absent(),
    };
    let change = point.ratio().map(|ratio| ratio - 1.0);
    let style = match accepted {
        Some(_) => PLAIN,
        None if point.new > point.old => BAD,
        None => GOOD,
    };
    let what = series.measure.of(series.phase.as_deref());
    let cells = vec![
        Cell::labelled(day(&first.timestamp), &first.timestamp),
        commits,
        Cell::text(&first.build_id),
        Cell::known(series.phase.as_ref()),
        Cell::text(series.measure.key()),
        Cell::text(what),
        Cell::number(point.old),
        Cell::number(point.new),
        Cell::text(series.measure.shown(point.old)),
        Cell::text(series.measure.shown(point.new)),
        Cell::number(change).styled(style),
        Cell::number(point.p),
        accepted.map_or_else(Cell::absent, |change| {
            Cell::labelled(day(&change.timestamp), &change.timestamp)
        }),
        Cell::known(accepted.map(|change| &change.build_id)),
        Cell::known(accepted.and_then(|change| change.reason.as_ref())),
    ];
    Some(Row { cells, ..Row::default() })
}

/// The accepted changes of builds in some sessions.
struct AcceptedIn<'a> {
    /// Each with the index of its session, sorted by it. Within a session, the last accepted change
    /// comes first.
    changes: Vec<(usize, &'a Accepted)>,
}

impl<'a> AcceptedIn<'a> {
    fn sessions(sessions: &[Session], accepted: &'a [Accepted]) -> Self {
        let builds = sessions.iter().enumerate().flat_map(|(place, session)| {
            session.builds.iter().map(move |stats| (stats.build_id.as_str(), place))
        });
        let places: HashMap<&str, usize> = builds.collect();
        let known = |change: &'a Accepted| Some((*places.get(change.build_id.as_str())?, change));
        let mut changes: Vec<_> = accepted.iter().rev().filter_map(known).collect();
        changes.sort_by_key(|(place, _)| *place);
        Self { changes }
    }

    /// The change that accepted the level of the sessions `from..until`. Accepting any build of a
    /// level accepts the level.
    fn covering(&self, from: usize, until: usize) -> Option<&'a Accepted> {
        let within = self.changes.iter().find(|(place, _)| (from..until).contains(place));
        within.map(|(_, change)| *change)
    }
}

fn day(timestamp: &str) -> String {
    timestamp.chars().take(10).collect()
}

/// When a change was accepted, since which build, and why.
fn describe(change: &Accepted) -> Fact {
    let from = change.commit.as_deref().map_or_else(|| change.build_id.clone(), short_commit);
    let from = Span::plain(format!("{}, since {from}", day(&change.timestamp)));
    Fact::new("accepted").and(from).known(change.reason.clone())
}

#[cfg(test)]
mod tests {
    use perf_history::BuildStats;

    use super::*;

    /// Twenty sessions of two builds each: `0-a`, `0-b`, `1-a` …
    fn sessions() -> Vec<Session> {
        let build = |session: u32, name: &str| {
            let mut stats = BuildStats::default();
            stats.build_id = format!("{session}-{name}");
            stats
        };
        (0..20).map(|n| Session { builds: vec![build(n, "a"), build(n, "b")] }).collect()
    }

    fn accepted(build_id: &str, reason: &str) -> Accepted {
        let mut accepted = Accepted::new(build_id, "2026-11-24T01:00:00Z", "site");
        accepted.reason = Some(reason.to_owned());
        accepted
    }

    fn covering(changes: &[Accepted], from: usize, until: usize) -> Option<&str> {
        let found = AcceptedIn::sessions(&sessions(), changes).covering(from, until);
        found.and_then(|change| change.reason.as_deref())
    }

    #[test]
    fn a_level_is_accepted_by_any_of_its_builds() {
        let changes = [accepted("12-b", "later")];
        assert_eq!(covering(&changes, 12, 20), Some("later"));
        assert_eq!(covering(&changes, 10, 20), Some("later"));
        assert_eq!(covering(&changes, 13, 20), None, "that is of the level before");
        assert_eq!(covering(&changes, 5, 12), None, "that is of the level after");
    }

    #[test]
    fn of_several_the_nearest_counts_and_of_one_build_what_was_said_last() {
        let changes =
            [accepted("14-a", "far"), accepted("12-a", "near"), accepted("12-a", "again")];
        assert_eq!(covering(&changes, 11, 20), Some("again"));
        assert_eq!(covering(&changes, 13, 20), Some("far"));
    }

    #[test]
    fn a_build_that_is_not_there_covers_nothing() {
        assert_eq!(covering(&[accepted("21-a", "other series")], 0, 20), None);
    }
}
