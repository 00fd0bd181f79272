//! Facts of a build in the words that all commands share.

use anstyle::Style;
use perf_history::{BuildStats, Clock, Outcome};

use crate::present::style::{BAD, DIM, GOOD, NOTICE, PLAIN};
use crate::present::units;
use crate::select::Session;

/// The shown length of a commit.
const COMMIT: usize = 9;

/// The shown part of a commit.
pub(super) fn short_commit(commit: &str) -> String {
    commit.chars().take(COMMIT).collect()
}

/// The commits between two builds, in the notation of `git log`; `None` if there are none.
pub(super) fn commits_between(
    old: Option<&BuildStats>,
    new: Option<&BuildStats>,
) -> Option<String> {
    let commit = |stats: Option<&BuildStats>| stats?.git.as_ref()?.commit.clone();
    let (old, new) = (commit(old)?, commit(new)?);
    (old != new).then(|| format!("{}..{}", short_commit(&old), short_commit(&new)))
}

/// `60 builds in 12 sessions`, or `12 builds` if each ran alone.
pub(super) fn builds_of(sessions: &[Session]) -> String {
    let builds: usize = sessions.iter().map(|session| session.builds.len()).sum();
    let number = units::counted(builds, "build");
    if builds == sessions.len() {
        return number;
    }
    format!("{number} in {}", units::counted(sessions.len(), "session"))
}

/// A code location: `site::parse (src/parse.rs:17)`.
pub(super) fn location(function: &str, file: Option<&str>, line: Option<u64>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{function} ({file}:{line})"),
        (Some(file), None) => format!("{function} ({file})"),
        (None, _) => function.to_owned(),
    }
}

/// How the build ended, or another reason why its times are not representative.
pub(super) fn outcome(stats: &BuildStats) -> (&'static str, Style) {
    match stats.outcome {
        Outcome::Success if stats.skipped == Some(true) => ("skipped", DIM),
        Outcome::Success if stats.clock == Some(Clock::Suspect) => ("suspect", NOTICE),
        Outcome::Success => ("success", PLAIN),
        outcome => (outcome.name(), BAD),
    }
}

/// The style of a change that was not judged: small ones are dimmed, large ones coloured.
pub(super) fn change_style(change: Option<f64>) -> Style {
    match change {
        Some(change) if change > 0.2 => BAD,
        Some(change) if change < -0.2 => GOOD,
        Some(change) if change.abs() < 0.05 => DIM,
        _ => PLAIN,
    }
}
