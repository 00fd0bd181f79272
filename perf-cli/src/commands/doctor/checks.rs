//! Checks of the environment, the configuration and the newest build.

use jiff::ZonedDateTime;
use perf_history::{BuildStats, Profile};

use super::Check;
use crate::commands::check::GateReadiness;
use crate::commands::describe;
use crate::configuration::{Configuration, ConfigurationError};
use crate::failure::with_causes;
use crate::present::{moment, units};
use crate::program::Program;
use crate::select::is_typical;

/// If a larger share of the build is in no phase, the phases do not explain the build.
const MUCH_UNATTRIBUTED: f64 = 0.2;

/// Whether tracking is switched off in this environment.
pub(super) fn tracking(program: &Program) -> Check {
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
pub(super) fn configuration(read: Result<&Configuration, &ConfigurationError>) -> Check {
    const WHAT: &str = "config";
    match read {
        Ok(Configuration { path: Some(path), .. }) => Check::fine(WHAT, path.display().to_string()),
        Ok(_) => Check::fine(WHAT, "no buildperf.toml: defaults are used"),
        Err(error) => Check::bad(WHAT, with_causes(error), "fix it: no build is judged until then"),
    }
}

/// Whether `check` has a baseline.
pub(super) fn gate(readiness: GateReadiness) -> Check {
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
    let number = units::counted(stats.phases.len() as u64, "phase");
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
