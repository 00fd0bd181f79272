//! What a project says of how its builds are judged: `buildperf.toml`.
//!
//! ```toml
//! default-branch = "main"            # or a list; where it is not said: main and master
//! workload = "total_pages"           # the count that says how much work a build is
//!
//! [thresholds]                       # what a change must exceed; these are the defaults
//! time-percent = 5
//! build-ms = 5                       # of builds in sessions of 3 and more, and in pairs
//! phase-ms = 2
//! single-build-ms = 50               # of one or two builds
//! single-phase-ms = 20
//! memory-percent = 5
//! memory-mb = 1
//! allocations-percent = 0.45
//! z = 3.5                            # in robust σ of the builds before
//! session-p = 0.05                   # the highest p of a session (Mann–Whitney)
//! pairs-p = 0.0025                   # the same of builds run in turn, at all looks together
//! false-discovery-rate = 0.05        # the share of false findings among all findings
//! least-builds = 5                   # with fewer to compare with, no time nor peak is judged
//! enough-builds = 10                 # with fewer (for a session: sessions) it is `suspect` at most
//! session-builds = 3                 # with fewer that ran together, the same
//! baseline-sessions = 30             # the newest so many are compared with
//!
//! [[phase]]                          # the last that matches a phase says what it says
//! path = "render/*"                  # `*` is one name, `**` any number of them
//! time-percent = 10
//! time-ms = 20
//! z = 5                              # and session-p, memory-…, allocations-percent
//!
//! [[phase]]
//! path = "network/**"
//! ignore = true                      # not judged at all
//! ```

mod allowed;
mod reading;
mod thresholds;

use std::path::{Path, PathBuf};

use crate::judge;
pub(crate) use reading::ConfigurationError;
pub(crate) use thresholds::{Thresholds, ThresholdsOf};

/// The name of the file.
pub(crate) const FILE: &str = "buildperf.toml";

/// The branches that are taken for the default one where nobody says which it is.
const DEFAULT_BRANCHES: [&str; 2] = ["main", "master"];

/// What `buildperf.toml` says, or what holds where there is none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Configuration {
    /// Where it was read; `None` where there is no file.
    pub(crate) path: Option<PathBuf>,
    /// The branches whose builds are a measure for others.
    pub(crate) default_branches: Vec<String>,
    /// The count that says how much work a build is.
    pub(crate) workload: Option<String>,
    /// What holds for the build, and for phases of which nothing else is said.
    pub(crate) thresholds: Thresholds,
    /// What is said of some phases, in the order of the file.
    pub(crate) phases: Vec<PhaseRule>,
}

/// What is said of the phases whose paths match.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PhaseRule {
    /// Which phases.
    pub(crate) path: glob::Pattern,
    /// Whether they are not judged.
    pub(crate) ignore: Option<bool>,
    /// What a change of theirs must exceed.
    pub(crate) thresholds: ThresholdsOf,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            path: None,
            default_branches: DEFAULT_BRANCHES.map(str::to_owned).to_vec(),
            workload: None,
            thresholds: Thresholds::default(),
            phases: Vec::new(),
        }
    }
}

impl Configuration {
    /// Reads the file that is named.
    ///
    /// # Errors
    ///
    /// It cannot be read, or something in it is wrong: the error names line and key.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigurationError> {
        reading::read(path)
    }

    /// Reads the file that belongs to a history: beside the history's directory, else in the
    /// current directory, else in the nearest directory above it that has one and is no higher
    /// than the checkout. Without any, the defaults hold.
    ///
    /// # Errors
    ///
    /// There is such a file, and it cannot be read or something in it is wrong.
    pub(crate) fn of_history(dir: &Path) -> Result<Self, ConfigurationError> {
        // What has no absolute form, as in a directory that was removed, has nothing beside it.
        let dir = std::path::absolute(dir).ok();
        let current = std::env::current_dir().ok();
        let beside = dir.as_deref().and_then(Path::parent).map(Path::to_owned);
        let above = current.iter().flat_map(|dir| up_to_checkout(dir)).map(Path::to_owned);
        let mut places = beside.into_iter().chain(above).map(|place| place.join(FILE));
        match places.find(|path| path.is_file()) {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    /// Whether a phase is judged.
    #[must_use]
    pub(crate) fn is_judged(&self, path: &str) -> bool {
        let said = self.rules_for(path).filter_map(|rule| rule.ignore).next_back();
        said != Some(true)
    }

    /// What a change of a phase must exceed.
    #[must_use]
    pub(crate) fn of_phase(&self, path: &str) -> Thresholds {
        self.rules_for(path).fold(self.thresholds, |before, rule| before.with(&rule.thresholds))
    }

    /// What the build is held against, for the rules of judging.
    #[must_use]
    pub(crate) fn rules(&self) -> judge::Thresholds {
        self.thresholds.rules()
    }

    /// What a phase is held against, for the rules of judging.
    #[must_use]
    pub(crate) fn rules_of_phase(&self, path: &str) -> judge::Thresholds {
        self.of_phase(path).rules()
    }

    fn rules_for(&self, path: &str) -> impl DoubleEndedIterator<Item = &PhaseRule> {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        self.phases.iter().filter(move |rule| rule.path.matches_with(path, options))
    }
}

/// The directory, and those above it up to that of the checkout; where it is in none, it alone.
fn up_to_checkout(dir: &Path) -> Vec<&Path> {
    let above: Vec<&Path> = dir.ancestors().collect();
    let root = above.iter().position(|dir| dir.join(".git").exists()).unwrap_or(0);
    above[..=root].to_vec()
}

#[cfg(test)]
mod tests;
