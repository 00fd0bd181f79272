//! How the builds of a project are judged: `buildperf.toml`.
//!
//! ```toml
//! default-branch = "main"            # or a list; by default main and master
//! workload = "total_pages"           # the count that measures the amount of work
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
//! least-builds = 5                   # with fewer to compare with, neither times nor peaks are judged
//! enough-builds = 10                 # with fewer (for a session: sessions) it is `suspect` at most
//! session-builds = 3                 # with fewer that ran together, the same
//! baseline-sessions = 30             # how many of the newest are compared with
//!
//! [[phase]]                          # the last rule that matches a phase wins
//! path = "render/*"                  # `*` is one name, `**` any number of names
//! time-percent = 10
//! time-ms = 20
//! z = 5                              # and session-p, memory-…, allocations-percent
//!
//! [[phase]]
//! path = "network/**"
//! ignore = true                      # not judged at all
//! ```

mod reading;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use reading::pattern;
use serde::Deserialize;
use toml::{Table, Value};

use crate::judge::Thresholds;
use crate::judge::thresholds::{not_negative, probability, sigmas};

pub(crate) use reading::ConfigurationError;

pub(crate) const FILE: &str = "buildperf.toml";

/// The default branches of a project that does not name one.
const DEFAULT_BRANCHES: [&str; 2] = ["main", "master"];

/// The contents of `buildperf.toml`, or the defaults.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Configuration {
    /// The file; `None` if there is none.
    pub(crate) path: Option<PathBuf>,
    /// The branches whose builds are the baseline.
    pub(crate) default_branches: Vec<String>,
    /// The count that measures the amount of work.
    pub(crate) workload: Option<String>,
    /// The thresholds of the build, and of phases without a rule.
    pub(crate) thresholds: Thresholds,
    /// The rules for phases, in the order of the file.
    pub(crate) phases: Vec<PhaseRule>,
}

/// The thresholds of the phases whose paths match.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PhaseRule {
    #[serde(deserialize_with = "pattern")]
    path: glob::Pattern,
    ignore: Option<bool>,
    #[serde(default, deserialize_with = "not_negative")]
    time_percent: Option<f64>,
    /// Holds however many builds there are.
    #[serde(default, deserialize_with = "not_negative")]
    time_ms: Option<f64>,
    #[serde(default, deserialize_with = "not_negative")]
    memory_percent: Option<f64>,
    #[serde(default, deserialize_with = "not_negative")]
    memory_mb: Option<f64>,
    #[serde(default, deserialize_with = "not_negative")]
    allocations_percent: Option<f64>,
    #[serde(default, deserialize_with = "sigmas")]
    z: Option<f64>,
    #[serde(default, deserialize_with = "probability")]
    session_p: Option<f64>,
}

impl PhaseRule {
    fn apply(&self, thresholds: Thresholds) -> Thresholds {
        Thresholds {
            time_percent: self.time_percent.unwrap_or(thresholds.time_percent),
            phase_ms: self.time_ms.unwrap_or(thresholds.phase_ms),
            single_phase_ms: self.time_ms.unwrap_or(thresholds.single_phase_ms),
            memory_percent: self.memory_percent.unwrap_or(thresholds.memory_percent),
            memory_mb: self.memory_mb.unwrap_or(thresholds.memory_mb),
            allocations_percent: self.allocations_percent.unwrap_or(thresholds.allocations_percent),
            z: self.z.unwrap_or(thresholds.z),
            session_p: self.session_p.unwrap_or(thresholds.session_p),
            ..thresholds
        }
    }
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
    /// Reads the file that belongs to a history: beside the history's directory, else in the
    /// current directory, else in the nearest directory above it that has one and is no higher
    /// than the checkout. Without any, the defaults hold.
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

    pub(crate) fn is_judged(&self, path: &str) -> bool {
        let ignore = self.rules_for(path).filter_map(|rule| rule.ignore).next_back();
        ignore != Some(true)
    }

    pub(crate) fn of_phase(&self, path: &str) -> Thresholds {
        self.rules_for(path).fold(self.thresholds, |thresholds, rule| rule.apply(thresholds))
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

/// The keys, what their values are, and their help.
const OPTIONS: [(&str, &str, &str); 16] = [
    ("time-percent", "PERCENT", "Smallest change of time"),
    ("build-ms", "MS", "Smallest change of the build's time (sessions of 3 builds and more)"),
    ("phase-ms", "MS", "Smallest change of a phase's self time (sessions of 3 builds and more)"),
    ("single-build-ms", "MS", "The same as --build-ms, for one build or two"),
    ("single-phase-ms", "MS", "The same as --phase-ms, for one build or two"),
    ("memory-percent", "PERCENT", "Smallest change of a memory peak"),
    ("memory-mb", "MB", "Smallest change of a memory peak"),
    ("allocations-percent", "PERCENT", "Smallest change of allocations that hardly vary"),
    ("z", "SIGMAS", "Smallest change in robust σ of the builds before"),
    ("session-p", "P", "Highest p of a session that is a regression"),
    ("pairs-p", "P", "The same of builds run in turn, at all looks together"),
    ("false-discovery-rate", "SHARE", "Share of false findings among all findings"),
    ("least-builds", "N", "With fewer builds to compare with, neither times nor peaks are judged"),
    ("enough-builds", "N", "With fewer builds (or sessions) to compare with, nothing is certain"),
    ("session-builds", "N", "With fewer builds that ran together, nothing is certain"),
    ("baseline-sessions", "N", "How many of the newest sessions to compare with"),
];

/// The thresholds that were given on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct ThresholdArgs(Table);

impl ThresholdArgs {
    /// The thresholds with those of the command line in place of the others.
    pub(crate) fn apply(&self, thresholds: Thresholds) -> Result<Thresholds, String> {
        let thresholds = replace(thresholds, &self.0)?;
        thresholds.validate()?;
        Ok(thresholds)
    }
}

fn replace(thresholds: Thresholds, given: &Table) -> Result<Thresholds, String> {
    let mut table = Table::try_from(thresholds).map_err(|error| error.to_string())?;
    table.extend(given.clone());
    table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// Reads a number, and checks that it is one that the threshold may be.
fn parse(key: &str, text: &str) -> Result<Value, String> {
    let number = text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Float));
    let number = number.map_err(|_| "expected a number".to_owned())?;
    let given = Table::from_iter([(key.to_owned(), number.clone())]);
    replace(Thresholds::default(), &given).map(|_| number)
}

impl Args for ThresholdArgs {
    fn augment_args(command: Command) -> Command {
        let defaults = Table::try_from(Thresholds::default()).unwrap_or_default();
        let option = |(key, value, help): (&'static str, &'static str, &str)| {
            let default = match defaults.get(key) {
                Some(Value::Float(number)) => number.to_string(),
                Some(Value::Integer(number)) => number.to_string(),
                _ => String::new(),
            };
            Arg::new(key)
                .long(key)
                .value_name(value)
                .help(format!("{help} [default: {default}]"))
                .allow_hyphen_values(true)
                .value_parser(move |text: &str| parse(key, text))
        };
        command.next_help_heading("Thresholds").args(OPTIONS.map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ThresholdArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for (key, ..) in OPTIONS {
            let value = matches.get_one::<Value>(key);
            self.0.extend(value.map(|value| (key.to_owned(), value.clone())));
        }
        Ok(())
    }
}
