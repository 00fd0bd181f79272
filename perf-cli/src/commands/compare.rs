//! Two builds, or the medians of two sets of builds, side by side.

use std::collections::BTreeSet;

use anstyle::Style;
use clap::Args;
use perf_history::BuildStats;
use serde_json::{Value, json};

use crate::commands::describe::{change_style, short_commit};
use crate::commands::paired::{PairedMedians, PhasePair, pair_phases};
use crate::commands::verdicts::{self, Judged};
use crate::configuration::Configuration;
use crate::context::Invocation;
use crate::failure::{Failure, Result};
use crate::judge::Verdict;
use crate::present::style::{DIM, PLAIN, STRONG};
use crate::present::{
    Block, Cell, Column, Fact, Json, Kind, Report, Row, Span, Table, tree, units,
};
use crate::select::{BuildRef, SelectError, SeriesKey, group_sessions};

#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A set is compared by its medians. A label, a branch or a commit selects its newest builds on one
commit. Builds of different machines or modes are shown without their changes.

Examples (after the program's name):
  compare -2 latest                  the newest build against the one before
  compare 1f3c9ab latest             against the builds of a commit
  compare label:before label:after   two sets
  compare branch:main latest         against the newest commit of a branch")]
pub(crate) struct CompareArgs {
    /// The old builds: latest, -3 (third newest), an id, a commit, label:NAME or branch:NAME
    #[arg(value_name = "A", allow_negative_numbers = true)]
    pub(crate) old: BuildRef,
    /// The new builds
    #[arg(value_name = "B", allow_negative_numbers = true)]
    pub(crate) new: BuildRef,
}

/// Compares two sets of builds.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>, args: &CompareArgs) -> Result {
    let mut selection = invocation.selection();
    let mut both = || -> Result<_, SelectError> {
        Ok((selection.named(&args.old)?, selection.named(&args.new)?))
    };
    let sets = both();
    invocation.report_unreadable(selection.unreadable());
    let ((old, not_old), (new, not_new)) = sets?;
    invocation.warn_of_passed_over(&args.old, &not_old);
    invocation.warn_of_passed_over(&args.new, &not_new);

    let names = [described(&args.old, &old), described(&args.new, &new)];
    let Comparison { mut report, obstacles } = Comparison::new(names, &old, &new);
    if obstacles.is_empty() {
        let configuration = invocation.configuration()?;
        add_judgement(&mut report, &judged(old, new, &configuration));
    }
    invocation.write(&report)?;
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(Failure::NoData(format!("these builds cannot be compared: {}", obstacles.join("; "))))
}

/// Judges two sets, each newest first.
fn judged(
    mut old: Vec<BuildStats>,
    mut new: Vec<BuildStats>,
    configuration: &Configuration,
) -> Vec<Judged> {
    new.reverse();
    if verdicts::were_run_in_turn(old.iter(), &new) {
        old.reverse();
        return verdicts::judge_pairs(&old, &new, configuration);
    }
    verdicts::judge(&new, &group_sessions(old), configuration)
}

/// How many changes are listed before the table. `check` lists all.
const MAX_CHANGES: usize = 6;

/// Adds whether the differences are noise.
fn add_judgement(report: &mut Report, judged: &[Judged]) {
    let verdict = verdicts::overall(judged);
    let build = verdicts::of_build_time(judged);
    let mut facts = Vec::new();
    let noise =
        |text, build: &Judged| Fact::new("noise").and(Span::plain(text)).and_all(&build.why);
    match (verdict, build) {
        (Verdict::Insufficient, Some(build)) => {
            facts.push(noise("too few builds to tell changes from noise", build));
        }
        (Verdict::Unchanged, Some(build)) => {
            facts.push(noise("nothing differs by more than noise", build));
        }
        _ => facts.extend(judged.iter().filter(|judged| judged.is_change()).take(MAX_CHANGES).map(
            |judged| {
                let change = judged.change().map_or_else(String::new, units::change);
                Fact::new(judged.verdict.word())
                    .and(Span::new(format!("{} {change}", judged.what()), STRONG))
                    .and_all(&judged.why)
            },
        )),
    }
    // After the title and the totals, before the phases.
    let place = report.blocks.len().min(2);
    report.blocks.insert(place, Block::Facts(facts));
    if let Json::RowsWithin { before, .. } = &mut report.json {
        before.push(("verdict", verdict.word().into()));
        before.push((
            "findings",
            judged.iter().filter(|judged| judged.is_change()).map(finding).collect(),
        ));
    }
}

fn finding(judged: &Judged) -> Value {
    json!({
        "verdict": judged.verdict,
        "phase": judged.phase,
        "measure": judged.measure.key(),
        "old": judged.old,
        "new": judged.new,
        "p": judged.p,
        "why": judged.why.join("; "),
    })
}

/// Two sets of builds side by side.
pub(super) struct Comparison {
    pub(super) report: Report,
    /// Why they are not comparable; empty if they are.
    pub(super) obstacles: Vec<String>,
}

impl Comparison {
    /// Compares two sets with their names, each of at least one build.
    pub(super) fn new(
        [old_name, new_name]: [Span; 2],
        old: &[BuildStats],
        new: &[BuildStats],
    ) -> Self {
        let obstacles = obstacles(old, new);
        let are_comparable = obstacles.is_empty();
        let table = phases(old, new, &Coloring::of(old, new, are_comparable));
        let json = Json::RowsWithin {
            before: vec![
                ("old", ids(old)),
                ("new", ids(new)),
                ("comparable", are_comparable.into()),
                ("obstacles", obstacles.clone().into()),
            ],
            rows: "phases",
        };
        let blocks = vec![
            Block::Title(vec![old_name, Span::dim("→"), new_name]),
            Block::Facts(totals(old, new, are_comparable)),
            Block::Table(table),
        ];
        Self { report: Report { blocks, json }, obstacles }
    }
}

fn ids(builds: &[BuildStats]) -> Value {
    builds.iter().map(|stats| stats.build_id.as_str()).collect()
}

/// The name of a set, its commit, and its number of builds.
fn described(reference: &BuildRef, builds: &[BuildStats]) -> Span {
    let commit = builds[0].git.as_ref().and_then(|git| git.commit.as_deref());
    let at = commit.map_or_else(String::new, |commit| format!(" at {}", short_commit(commit)));
    let number = match builds.len() {
        1 => String::new(),
        n => format!(" ({})", units::counted(n, "build")),
    };
    Span::new(format!("{reference}{at}{number}"), STRONG)
}

/// Why the two sets are not comparable.
fn obstacles(old: &[BuildStats], new: &[BuildStats]) -> Vec<String> {
    let series = |builds: &[BuildStats]| -> BTreeSet<SeriesKey> {
        builds.iter().map(SeriesKey::from_build).collect()
    };
    let (old, new) = (series(old), series(new));
    let mut obstacles: Vec<String> = [("old", &old), ("new", &new)]
        .iter()
        .filter(|(_, series)| series.len() > 1)
        .map(|(name, series)| {
            format!("the {name} builds are of {} series", units::count(series.len()))
        })
        .collect();
    if let (true, Some(old), Some(new)) = (obstacles.is_empty(), old.first(), new.first()) {
        let differences = old.differences(new).into_iter();
        obstacles.extend(
            differences.map(|fact| {
                format!("the {} differs ({} → {})", fact.what, fact.first, fact.second)
            }),
        );
    }
    obstacles
}

/// The numbers of whole builds.
fn totals(old: &[BuildStats], new: &[BuildStats], are_comparable: bool) -> Vec<Fact> {
    let fact = |label: &str, shown: fn(f64) -> String, of: fn(&BuildStats) -> Option<f64>| {
        let pair = PairedMedians::from_builds(old, new, of);
        let side = |number: Option<f64>| number.map_or_else(|| "unknown".to_owned(), shown);
        let fact = Fact::new(label);
        if pair == PairedMedians::default() {
            return fact;
        }
        let fact = fact.and(format!("{} → {}", side(pair.old), side(pair.new)));
        match pair.change().filter(|_| are_comparable) {
            Some(change) => fact.and(Span::new(units::change(change), change_style(Some(change)))),
            None => fact,
        }
    };
    let mebibytes = |size| units::bytes(units::mebibytes(size));
    let whole = |number: f64| units::Scale::count().with_unit(number);
    vec![
        fact("time", units::time, |stats| Some(stats.build_time_ms)),
        fact("processor", units::time, |stats| Some(stats.cpu_user_ms? + stats.cpu_system_ms?)),
        fact("peak heap", mebibytes, |stats| stats.memory_peak_mb),
        fact("RSS", mebibytes, |stats| stats.memory_rss_mb),
        fact("allocated", units::bytes, |stats| stats.alloc_bytes.map(units::float)),
        fact("allocations", whole, |stats| stats.alloc_count.map(units::float)),
    ]
}

/// The phases as a tree, and what was in none.
fn phases(old: &[BuildStats], new: &[BuildStats], coloring: &Coloring) -> Table {
    let pairs = pair_phases(old, new);
    let depths: Vec<usize> = pairs.iter().map(|pair| pair.path.matches('/').count()).collect();
    let lines = tree::branches(&depths);
    let mut rows: Vec<Row> = pairs
        .iter()
        .zip(lines)
        .map(|(pair, lines)| {
            let name = pair.path.rsplit('/').next().unwrap_or_default();
            row(Cell::in_tree(lines, name, &pair.path), pair, coloring, PLAIN)
        })
        .collect();
    let unattributed = PhasePair {
        path: "unattributed".to_owned(),
        build_thread_ms: PairedMedians::from_builds(old, new, |stats| {
            Some(stats.unattributed.as_ref()?.build_thread_ms)
        }),
        alloc_bytes: PairedMedians::from_builds(old, new, |stats| {
            stats.unattributed.as_ref()?.alloc_bytes.map(units::float)
        }),
        ..PhasePair::default()
    };
    if unattributed.build_thread_ms != PairedMedians::default() {
        rows.push(row(Cell::text("unattributed"), &unattributed, coloring, DIM));
    }
    Table { columns: columns(), rows }
}

fn columns() -> Vec<Column> {
    let mut columns = vec![Column::new("path", "phase", Kind::Text { least: 16 }, 0)];
    let groups: [(&str, &str, &str, Kind, [u8; 3]); 7] = [
        ("build_thread", "_ms", "own", Kind::Time, [1, 0, 0]),
        ("total", "_ms", "total", Kind::Time, [6, 5, 5]),
        ("self", "_ms", "self", Kind::Time, [12, 11, 10]),
        ("alloc", "_bytes", "alloc.", Kind::Bytes, [3, 2, 2]),
        ("peak", "_bytes", "peak", Kind::Bytes, [9, 8, 7]),
        ("calls", "", "calls", Kind::Count, [14, 13, 13]),
        ("items", "", "items", Kind::Count, [16, 15, 15]),
    ];
    for (group, (key, unit, heading, kind, ranks)) in (1..).zip(groups) {
        columns.extend([
            Column::new(format!("{key}_old{unit}"), format!("{heading} old"), kind, ranks[0])
                .grouped(group),
            Column::new(format!("{key}_new{unit}"), format!("{heading} new"), kind, ranks[1])
                .grouped(group),
            Column::new(format!("{key}_change"), "change", Kind::Change, ranks[2]),
        ]);
    }
    columns
}

/// Changes of phases with a smaller share of the build are dimmed.
const NEGLIGIBLE: f64 = 0.01;

/// Which changes are shown, and how large a number must be for its change to be coloured.
struct Coloring {
    are_comparable: bool,
    least_ms: f64,
    least_bytes: f64,
}

impl Coloring {
    fn of(old: &[BuildStats], new: &[BuildStats], are_comparable: bool) -> Self {
        let time = PairedMedians::from_builds(old, new, |stats| Some(stats.build_time_ms));
        let bytes =
            PairedMedians::from_builds(old, new, |stats| stats.alloc_bytes.map(units::float));
        let least = |pair: PairedMedians| pair.new.or(pair.old).unwrap_or(0.0) * NEGLIGIBLE;
        Self { are_comparable, least_ms: least(time), least_bytes: least(bytes) }
    }
}

fn row(name: Cell, pair: &PhasePair, coloring: &Coloring, style: Style) -> Row {
    let mut cells = vec![name];
    let Coloring { are_comparable, least_ms, least_bytes } = *coloring;
    let pairs = [
        (pair.build_thread_ms, least_ms),
        (pair.total_ms, least_ms),
        (pair.self_ms, least_ms),
        (pair.alloc_bytes, least_bytes),
        (pair.peak_bytes, least_bytes),
        (pair.calls, 0.0),
        (pair.items, 0.0),
    ];
    for (pair, least) in pairs {
        let is_nothing = pair.old.unwrap_or(0.0) == 0.0 && pair.new.unwrap_or(0.0) == 0.0;
        let change = pair.change().filter(|_| are_comparable && !is_nothing);
        let largest = pair.old.unwrap_or(0.0).max(pair.new.unwrap_or(0.0));
        let change_style = if largest < least { DIM } else { change_style(change) };
        cells.extend([
            Cell::number(pair.old),
            Cell::number(pair.new),
            Cell::number(change).styled(change_style),
        ]);
    }
    Row { cells, style }
}
