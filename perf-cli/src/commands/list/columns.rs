//! The columns of the list.

use std::collections::BTreeMap;

use jiff::ZonedDateTime;

use crate::commands::describe::{change_style, short_commit};
use crate::present::style::{DIM, PLAIN, STRONG};
use crate::present::{Cell, Column, Kind, Row, Table, moment, units};

use super::listed::{Listed, ListedBuild};

/// The rank of all counts after the first: a narrow terminal drops them before all other columns.
const OTHER_COUNTS: u8 = 20;

/// Makes the table.
pub(super) fn table(listed: &Listed, now: &ZonedDateTime) -> Table {
    let counts = counts(listed);
    let text = |least| Kind::Text { least };
    let several_tools = listed.tools().len() > 1;
    let all_succeeded = listed.builds.iter().all(|build| build.ended.0 == "success");
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
    let when = build.started.map_or_else(|| "?".to_owned(), |started| moment::ago(started, now));
    let change = listed.change(build);
    let (ended, ended_style) = build.ended;
    let name = |name: &Option<String>| name.clone().map_or_else(Cell::absent, Cell::text);
    let commit = build.commit.as_ref().map(|commit| {
        let dirty = if build.dirty == Some(true) { "*" } else { "" };
        Cell::labelled(short_commit(commit) + dirty, commit)
    });
    let mut cells = vec![
        Cell::number(-units::float(place as u64 + 1)),
        Cell::text(&build.build_id),
        Cell::labelled(when, &build.timestamp),
        Cell::text(&build.tool),
        Cell::number(build.time_ms).styled(if build.is_typical { STRONG } else { PLAIN }),
        Cell::number(change).styled(change_style(change)),
        Cell::labelled(ended, build.outcome.name()).styled(ended_style),
        Cell::flag(build.skipped),
        Cell::number(build.memory_peak_mb),
        Cell::number(build.memory_rss_mb),
        Cell::count(build.alloc_bytes),
        Cell::count(build.alloc_count),
        build.mode.map_or_else(Cell::absent, |mode| Cell::text(mode.name())),
        commit.unwrap_or_else(Cell::absent),
        Cell::flag(build.dirty),
        name(&build.branch),
        name(&build.run),
    ];
    cells.extend(counts.iter().map(|name| Cell::count(build.counts.get(name).copied())));
    // Failed and skipped builds are dimmed.
    Row { cells, style: if build.is_typical { PLAIN } else { DIM } }
}

/// The counts of all builds: totals first, then by the number of builds that have them.
fn counts(listed: &Listed) -> Vec<String> {
    let mut builds_with: BTreeMap<&str, usize> = BTreeMap::new();
    for name in listed.builds.iter().flat_map(|build| build.counts.keys()) {
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
