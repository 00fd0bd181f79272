//! Whether a check of the newest session would have anything to judge by.

use super::CheckArgs;
use super::against::Trial;
use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::present::units;
use crate::select::Selection;

/// How well the gate is armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Armed {
    /// A regression would be told.
    Fully(String),
    /// Only what is plain would be told, and not surely.
    Partly(String),
    /// Nothing would be judged.
    Not(String),
}

/// Looks for what the newest session would be judged against.
pub(in crate::commands) fn armed(
    selection: &mut Selection,
    configuration: &Configuration,
) -> Result<Armed, Failure> {
    let trial = Trial::find(selection, &CheckArgs::default(), configuration)?;
    let rules = configuration.thresholds;
    let (builds, sessions) = (trial.baseline_builds().count(), trial.standing.baseline.len());
    let there = format!(
        "{} in {} to compare with",
        units::counted(builds as u64, "build"),
        units::counted(sessions as u64, "session")
    );
    if trial.was_run_in_turn() {
        return Ok(Armed::Fully(format!("{there}, run in turn")));
    }
    Ok(if builds < rules.least_builds {
        Armed::Not(trial.why_nothing(configuration))
    } else if sessions < rules.enough_builds || trial.candidate.len() < rules.session_builds {
        let candidate = units::counted(trial.candidate.len() as u64, "build");
        Armed::Partly(format!("{there}, but the newest session has {candidate}"))
    } else {
        Armed::Fully(there)
    })
}
