//! Whether builds are measured, and what the newest one says of it.

use jiff::ZonedDateTime;
use perf_history::{BuildStats, Profile};

use super::Check;
use crate::commands::check::Armed;
use crate::commands::facts;
use crate::configuration::{Configuration, ConfigurationError};
use crate::present::{moment, units};
use crate::select::is_typical;

/// More of a build than this in no phase leaves too much in the dark.
const MUCH_UNATTRIBUTED: f64 = 0.2;

/// Whether measuring is switched off around here.
pub(super) fn switched_on(switch: Option<&str>) -> Check {
    match switch {
        Some(value) if value.eq_ignore_ascii_case("off") => Check::bad(
            "tracking",
            "BUILD_METRICS=off is set in this environment",
            "unset BUILD_METRICS to record builds",
        ),
        _ => Check::fine("tracking", "not switched off in this environment"),
    }
}

/// Whether what the project says of judging can be read.
pub(super) fn configuration(read: Result<&Configuration, &ConfigurationError>) -> Check {
    const WHAT: &str = "config";
    match read {
        Ok(Configuration { path: Some(path), .. }) => Check::fine(WHAT, path.display().to_string()),
        Ok(_) => Check::fine(WHAT, "no buildperf.toml: the defaults hold"),
        Err(error) => Check::bad(WHAT, error.to_string(), "mend it: nothing is judged until then"),
    }
}

/// Whether a check would have anything to judge by.
pub(super) fn gate(armed: Armed) -> Check {
    const WHAT: &str = "gate";
    match armed {
        Armed::Fully(found) => Check::fine(WHAT, format!("armed: {found}")),
        Armed::Partly(found) => Check::notice(
            WHAT,
            format!("armed for what is plain: {found}"),
            "a sure answer takes sessions of 5 (`run --runs 5 --label ci`) against 10 of them, or `ab`",
        ),
        Armed::Not(found) => Check::notice(
            WHAT,
            format!("not armed: {found}"),
            "record builds of the default branch, and keep the history from job to job",
        ),
    }
}

/// What the newest build says.
pub(super) fn of_newest(stats: &BuildStats, now: &ZonedDateTime) -> Vec<Check> {
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
    let (outcome, _) = facts::outcome(stats);
    let found = format!("{}, {when}: {outcome}", stats.tool);
    if is_typical(stats) {
        return Check::fine("newest build", found);
    }
    Check::notice("newest build", found, "its times say little of how long such builds take")
}

fn allocator(stats: &BuildStats) -> Check {
    const WHAT: &str = "allocator";
    match stats.alloc_count {
        Some(count) if count > 0 => {
            Check::fine(WHAT, format!("{} counted", units::counted(count, "allocation")))
        }
        Some(_) => Check::notice(
            WHAT,
            "there is one, but it saw no allocation",
            "check that it is the #[global_allocator] of the program that builds",
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
    let number = units::counted(stats.phases.len() as u64, "phase");
    let rest = stats.unattributed.as_ref().map(|rest| rest.build_thread_ms / stats.build_time_ms);
    match rest.filter(|rest| rest.is_finite()) {
        Some(rest) if rest > MUCH_UNATTRIBUTED => Check::notice(
            WHAT,
            format!("{number}; {} of the build is in none", units::share(rest)),
            "annotate what takes that time with #[tracked_phase]",
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
            format!("{}, with changes", facts::short_commit(&commit)),
            "commit first where a build should count for later comparisons",
        ),
        (Some(commit), _) => Check::fine(WHAT, facts::short_commit(&commit)),
        (None, _) => Check::notice(
            WHAT,
            "the commit is not known",
            "build inside a checkout, or let CI say the commit",
        ),
    }
}

fn profile(stats: &BuildStats) -> Check {
    const WHAT: &str = "profile";
    match stats.profile {
        Some(Profile::Debug) => Check::notice(
            WHAT,
            "the tool was compiled with debug assertions",
            "measure a release build of the tool: others are several times slower",
        ),
        Some(profile) => Check::fine(WHAT, profile.name()),
        None => Check::fine(WHAT, "the record does not say"),
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
            "measure while the machine does nothing else",
        ),
        (Some(load), Some(cores)) => {
            Check::fine(WHAT, format!("load {load:.1} on {}", units::counted(cores, "core")))
        }
        _ => Check::fine(WHAT, "the record does not say"),
    }
}
