//! What commands say of a build in the same words.

use anstyle::Style;
use perf_history::{BuildStats, Clock, Outcome};

use crate::present::style::{BAD, DIM, GOOD, NOTICE, PLAIN};

/// How many characters of a commit are shown.
const COMMIT: usize = 9;

/// The commit, as long as one needs it.
pub(super) fn short_commit(commit: &str) -> String {
    commit.chars().take(COMMIT).collect()
}

/// The commits that lie between two builds, as `git log` takes them; `None` where there are none.
pub(super) fn commits_between(
    old: Option<&BuildStats>,
    new: Option<&BuildStats>,
) -> Option<String> {
    let commit = |stats: Option<&BuildStats>| stats?.git.as_ref()?.commit.clone();
    let (old, new) = (commit(old)?, commit(new)?);
    (old != new).then(|| format!("{}..{}", short_commit(&old), short_commit(&new)))
}

/// How the build ended: as in the record, unless its times say nothing for another reason.
pub(super) fn outcome(stats: &BuildStats) -> (&'static str, Style) {
    match stats.outcome {
        Outcome::Success if stats.skipped == Some(true) => ("skipped", DIM),
        Outcome::Success if stats.clock == Some(Clock::Suspect) => ("suspect", NOTICE),
        Outcome::Success => ("success", PLAIN),
        outcome => (outcome.name(), BAD),
    }
}

/// How a change of time or memory looks that nobody has judged: small ones step back, large ones
/// can be seen.
pub(super) fn change_style(change: Option<f64>) -> Style {
    match change {
        Some(change) if change > 0.2 => BAD,
        Some(change) if change < -0.2 => GOOD,
        Some(change) if change.abs() < 0.05 => DIM,
        _ => PLAIN,
    }
}
