//! Checks that tracking, history and gate work, and says how to fix what does not.

use std::path::Path;
use std::{fs, io};

use jiff::ZonedDateTime;
use perf_history::{BuildStats, History, HistoryError, HistoryLine, Profile, UnreadableLine};

use crate::commands::check::GateReadiness;
use crate::commands::{check, describe};
use crate::configuration::{Configuration, ConfigurationError};
use crate::context::Invocation;
use crate::failure::{Failure, Result, with_causes};
use crate::present::style::{BAD, GOOD, NOTICE};
use crate::present::{Block, Cell, Column, Json, Kind, Report, Row, Table, moment, units};
use crate::program::Program;
use crate::select::{BuildRef, SelectError, is_typical};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    /// It works, and could work better.
    Notice,
    /// It does not work.
    Bad,
}

#[derive(Debug)]
struct Check {
    what: &'static str,
    state: State,
    found: String,
    /// What to do about it; empty if it is fine.
    advice: String,
}

impl Check {
    fn fine(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, state: State::Fine, found: found.into(), advice: String::new() }
    }

    fn notice(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Notice, found: found.into(), advice: advice.into() }
    }

    fn bad(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Bad, found: found.into(), advice: advice.into() }
    }
}

/// Checks the environment, the history and the newest build.
pub(crate) fn run(invocation: &mut Invocation<'_, '_>) -> Result {
    let repair = format!("{} repair{}", invocation.program.name, invocation.dir_option());
    let mut checks = vec![tracking(invocation.program)];
    checks.extend(history_checks(&invocation.history(), &repair)?);
    let configuration = invocation.configuration();
    checks.push(configuration_check(configuration.as_ref()));
    let mut selection = invocation.selection();
    match selection.newest(&BuildRef::Latest) {
        Ok(newest) => {
            checks.extend(of_newest(&newest, &invocation.console.now));
            if let Ok(configuration) = &configuration {
                let mut selection = invocation.selection_on_all_branches();
                match check::gate_readiness(&mut selection, configuration) {
                    Ok(readiness) => checks.push(gate(readiness)),
                    // All builds failed, which is reported above.
                    Err(Failure::NoData(_)) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Err(SelectError::History(error)) => return Err(error.into()),
        Err(none) => checks.push(Check::bad(
            "newest build",
            none.to_string(),
            "annotate the build with #[tracked_build] and run it",
        )),
    }
    let table = table(&checks);
    invocation.write(&Report { blocks: vec![Block::Table(table)], json: Json::Rows })
}

fn table(checks: &[Check]) -> Table {
    let text = |least| Kind::Text { least };
    let columns = vec![
        Column::new("state", "", text(6), 0),
        Column::new("what", "", text(10), 0),
        Column::new("found", "found", Kind::Prose, 0),
        Column::new("advice", "what to do", Kind::Prose, 1),
    ];
    let row = |check: &Check| {
        let (state, style) = match check.state {
            State::Fine => ("ok", GOOD),
            State::Notice => ("notice", NOTICE),
            State::Bad => ("bad", BAD),
        };
        let advice = match check.advice.as_str() {
            "" => Cell::absent(),
            advice => Cell::text(advice),
        };
        let cells = vec![
            Cell::text(state).styled(style),
            Cell::text(check.what),
            Cell::text(&check.found),
            advice,
        ];
        Row { cells, ..Row::default() }
    };
    Table { columns, rows: checks.iter().map(row).collect() }
}

/// If a larger share of the build is in no phase, the phases do not explain the build.
const MUCH_UNATTRIBUTED: f64 = 0.2;

/// Whether tracking is switched off in this environment.
fn tracking(program: &Program) -> Check {
    match program.switched_off() {
        Some(value) => Check::bad(
            "tracking",
            format!("switched off: BUILD_METRICS={value} is set in this environment"),
            "unset BUILD_METRICS to record builds",
        ),
        None => Check::fine("tracking", "not switched off in this environment"),
    }
}

/// Whether the configuration can be read.
fn configuration_check(read: Result<&Configuration, &ConfigurationError>) -> Check {
    const WHAT: &str = "config";
    match read {
        Ok(Configuration { path: Some(path), .. }) => Check::fine(WHAT, path.display().to_string()),
        Ok(_) => Check::fine(WHAT, "no buildperf.toml: defaults are used"),
        Err(error) => Check::bad(WHAT, with_causes(error), "fix it: no build is judged until then"),
    }
}

/// Whether `check` has a baseline.
fn gate(readiness: GateReadiness) -> Check {
    const WHAT: &str = "gate";
    match readiness {
        GateReadiness::Ready(found) => Check::fine(WHAT, format!("ready: {found}")),
        GateReadiness::Partial(found) => Check::notice(
            WHAT,
            format!("ready for large changes: {found}"),
            "for certain answers record 10 sessions of 5 builds (`run --runs 5 --label ci`), or use `ab`",
        ),
        GateReadiness::NotReady(found) => Check::notice(
            WHAT,
            format!("not ready: {found}"),
            "record builds of the default branch, and keep the history between CI jobs",
        ),
    }
}

/// Checks of the newest build.
fn of_newest(stats: &BuildStats, now: &ZonedDateTime) -> Vec<Check> {
    vec![
        newest(stats, now),
        allocator(stats),
        phases(stats),
        git(stats),
        profile(stats),
        machine(stats),
    ]
}

fn newest(stats: &BuildStats, now: &ZonedDateTime) -> Check {
    let when = stats
        .started_at()
        .map_or_else(|| "at an unknown time".to_owned(), |started| moment::ago(started, now));
    let (outcome, _) = describe::outcome(stats);
    let found = format!("{}, {when}: {outcome}", stats.tool);
    if is_typical(stats) {
        return Check::fine("newest build", found);
    }
    Check::notice("newest build", found, "its times are not representative")
}

fn allocator(stats: &BuildStats) -> Check {
    const WHAT: &str = "allocator";
    match stats.alloc_count {
        Some(count) if count > 0 => {
            Check::fine(WHAT, format!("{} counted", units::counted(count, "allocation")))
        }
        Some(_) => Check::notice(
            WHAT,
            "installed, but it counted no allocation",
            "make it the #[global_allocator] of the program that builds",
        ),
        None => Check::notice(
            WHAT,
            "memory was not measured",
            "make TrackingAllocator::system() the tool's #[global_allocator]",
        ),
    }
}

fn phases(stats: &BuildStats) -> Check {
    const WHAT: &str = "phases";
    if stats.phases.is_empty() {
        return Check::notice(WHAT, "none", "annotate the build's functions with #[tracked_phase]");
    }
    let number = units::counted(stats.phases.len(), "phase");
    let rest = stats.unattributed.as_ref().map(|rest| rest.build_thread_ms / stats.build_time_ms);
    match rest.filter(|rest| rest.is_finite()) {
        Some(rest) if rest > MUCH_UNATTRIBUTED => Check::notice(
            WHAT,
            format!("{number}; {} of the build is in none", units::share(rest)),
            "annotate the functions that take this time with #[tracked_phase]",
        ),
        Some(rest) => Check::fine(WHAT, format!("{number}; {} is in none", units::share(rest))),
        None => Check::fine(WHAT, number),
    }
}

fn git(stats: &BuildStats) -> Check {
    const WHAT: &str = "git";
    let git = stats.git.clone().unwrap_or_default();
    match (git.commit, git.dirty) {
        (Some(commit), Some(true)) => Check::notice(
            WHAT,
            format!("{}, with changes", describe::short_commit(&commit)),
            "commit before a build that later builds are compared with",
        ),
        (Some(commit), _) => Check::fine(WHAT, describe::short_commit(&commit)),
        (None, _) => Check::notice(WHAT, "the commit is unknown", "build inside a git checkout"),
    }
}

fn profile(stats: &BuildStats) -> Check {
    const WHAT: &str = "profile";
    match stats.profile {
        Some(Profile::Debug) => Check::notice(
            WHAT,
            "the tool was compiled with debug assertions",
            "measure a release build: debug builds are several times slower",
        ),
        Some(profile) => Check::fine(WHAT, profile.name()),
        None => Check::fine(WHAT, "not recorded"),
    }
}

fn machine(stats: &BuildStats) -> Check {
    const WHAT: &str = "machine";
    let load = stats.noise.as_ref().and_then(|noise| noise.load_average);
    let cores = stats.system.as_ref().and_then(|system| system.cores);
    match (load, cores) {
        (Some(load), Some(cores)) if load > units::float(cores) * 1.5 => Check::notice(
            WHAT,
            format!("load {load:.1} on {}", units::counted(cores, "core")),
            "measure while the machine is idle",
        ),
        (Some(load), Some(cores)) => {
            Check::fine(WHAT, format!("load {load:.1} on {}", units::counted(cores, "core")))
        }
        _ => Check::fine(WHAT, "not recorded"),
    }
}

/// How many unreadable lines are named.
const NAMED: usize = 5;

/// The result of reading the whole history.
#[derive(Default)]
struct Scan {
    records: u64,
    unreadable: u64,
    named: Vec<UnreadableLine>,
    last_id: Option<String>,
}

/// Reads the whole history.
fn history_checks(history: &History, repair: &str) -> Result<Vec<Check>> {
    let scan = scan(history)?;
    let mut checks = vec![records(history, &scan), lines(&scan, repair)];
    checks.extend(latest(history, &scan));
    checks.extend(pending(history));
    Ok(checks)
}

fn scan(history: &History) -> Result<Scan, HistoryError> {
    let mut scan = Scan::default();
    for line in history {
        match line? {
            HistoryLine::Record(_) => scan.records += 1,
            HistoryLine::Unreadable(line) => {
                scan.unreadable += 1;
                if scan.named.len() < NAMED {
                    scan.named.push(line);
                }
            }
        }
    }
    scan.last_id = history.latest()?.map(|stats| stats.build_id);
    Ok(scan)
}

fn records(history: &History, scan: &Scan) -> Check {
    let path = history.path();
    let found = match fs::metadata(&path) {
        Ok(file) => {
            let size = units::bytes(units::float(file.len()));
            format!("{} in {size}: {}", units::counted(scan.records, "record"), path.display())
        }
        Err(_) => format!("{} does not exist", path.display()),
    };
    if scan.records > 0 {
        return Check::fine("history", found);
    }
    Check::bad("history", found, "run a build, or name the directory with --dir")
}

fn lines(scan: &Scan, repair: &str) -> Check {
    if scan.unreadable == 0 {
        return Check::fine("lines", "all are readable");
    }
    let named: Vec<String> = scan
        .named
        .iter()
        .map(|line| format!("line {}: {}", line.line.unwrap_or_default(), line.reason))
        .collect();
    let more = scan.unreadable - named.len() as u64;
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    Check::bad(
        "lines",
        format!("{} cannot be read ({}{more})", scan.unreadable, named.join("; ")),
        format!("`{repair}` moves them to history.rejected.jsonl"),
    )
}

/// Checks that `latest.json` is a copy of the newest record.
fn latest(history: &History, scan: &Scan) -> Option<Check> {
    const WHAT: &str = "latest.json";
    let newest = scan.last_id.as_ref()?;
    let text = match fs::read(history.dir().join("latest.json")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some(Check::notice(WHAT, "it does not exist", "the next build writes it"));
        }
        Err(error) => return Some(Check::bad(WHAT, error.to_string(), "make it readable")),
    };
    Some(match serde_json::from_slice::<BuildStats>(&text) {
        Ok(stats) if stats.build_id == *newest => Check::fine(WHAT, "it is the newest record"),
        _ => Check::notice(WHAT, "it is not the newest record", "the next build replaces it"),
    })
}

/// Reports records whose writers did not get the lock in time.
fn pending(history: &History) -> Option<Check> {
    let waiting = files(&history.dir().join("pending"));
    (waiting > 0).then(|| {
        Check::notice(
            "pending",
            format!("{} waiting for the lock of the history", units::counted(waiting, "record")),
            "the next build appends them to the history",
        )
    })
}

fn files(folder: &Path) -> u64 {
    fs::read_dir(folder).map_or(0, |entries| entries.flatten().count() as u64)
}
