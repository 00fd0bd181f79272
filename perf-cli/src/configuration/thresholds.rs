//! What a change must exceed to count: defaults, and what a file or the command line says instead.

use clap::Args;

use super::allowed::{self, Allowed, CHANCE, CHANCE_OF_PAIRS, SIGMAS};
use crate::judge;

/// What a change must exceed, and how many builds it takes to say so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Thresholds {
    /// Time, in percent of what it was.
    pub(crate) time_percent: f64,
    /// Time of the build in milliseconds: in sessions of three builds and more, and in pairs.
    pub(crate) build_ms: f64,
    /// The same of a phase's self time.
    pub(crate) phase_ms: f64,
    /// Time of the build in milliseconds: of one build or two.
    pub(crate) single_build_ms: f64,
    /// The same of a phase's self time.
    pub(crate) single_phase_ms: f64,
    /// Peaks of memory, in percent of what they were.
    pub(crate) memory_percent: f64,
    /// Peaks of memory, in 2^20 bytes.
    pub(crate) memory_mb: f64,
    /// Allocations of builds in which they hardly vary, in percent of what they were.
    pub(crate) allocations_percent: f64,
    /// How many robust σ of the builds before, of which there are thirty; with fewer it takes more, by
    /// Student's t. With fewer than [`enough_builds`](Self::enough_builds), and then more than 20 %,
    /// half a σ less.
    pub(crate) z: f64,
    /// The highest one-sided p of a session against sessions.
    pub(crate) session_p: f64,
    /// The highest one-sided p of builds run in turn: those of all looks added up. With one look, as
    /// it is with 8 pairs and fewer, 1.6 times as high.
    pub(crate) pairs_p: f64,
    /// The share of false findings among all findings of one judgement.
    pub(crate) false_discovery_rate: f64,
    /// With fewer builds to compare with, neither times nor peaks are judged.
    pub(crate) least_builds: usize,
    /// With fewer builds to compare with (for a session: sessions), nothing is more than `suspect`.
    pub(crate) enough_builds: usize,
    /// With fewer builds that ran together, nothing is more than `suspect`.
    pub(crate) session_builds: usize,
    /// The newest so many sessions are compared with.
    pub(crate) baseline_sessions: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        let rules = judge::Thresholds::default();
        Self {
            time_percent: 5.0,
            build_ms: 5.0,
            phase_ms: 2.0,
            single_build_ms: 50.0,
            single_phase_ms: 20.0,
            memory_percent: 5.0,
            memory_mb: 1.0,
            allocations_percent: 0.45,
            z: rules.z,
            session_p: rules.p,
            pairs_p: rules.pairs.p(),
            false_discovery_rate: rules.false_discovery_rate,
            least_builds: rules.least_builds,
            enough_builds: rules.enough_builds,
            session_builds: rules.session_builds,
            baseline_sessions: 30,
        }
    }
}

/// Some thresholds; `None` where nothing is said of one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Args)]
#[command(next_help_heading = "Thresholds")]
pub(crate) struct ThresholdsOf {
    /// A change of time must exceed this share [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = number)]
    pub(crate) time_percent: Option<f64>,
    /// A change of the build's time must exceed this (sessions of 3 builds and more) [default: 5]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub(crate) build_ms: Option<f64>,
    /// A change of a phase's self time must exceed this [default: 2]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub(crate) phase_ms: Option<f64>,
    /// The same as --build-ms, of one build or two [default: 50]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub(crate) single_build_ms: Option<f64>,
    /// The same as --phase-ms, of one build or two [default: 20]
    #[arg(long, value_name = "MS", value_parser = number)]
    pub(crate) single_phase_ms: Option<f64>,
    /// A change of a memory peak must exceed this share [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = number)]
    pub(crate) memory_percent: Option<f64>,
    /// A change of a memory peak must exceed this [default: 1]
    #[arg(long, value_name = "MB", value_parser = number)]
    pub(crate) memory_mb: Option<f64>,
    /// A change of allocations that hardly vary must exceed this share [default: 0.45]
    #[arg(long, value_name = "PERCENT", value_parser = number)]
    pub(crate) allocations_percent: Option<f64>,
    /// A change must exceed so many robust σ of the builds before [default: 3.5]
    #[arg(long, value_name = "SIGMAS", value_parser = |it: &str| SIGMAS.number(it))]
    pub(crate) z: Option<f64>,
    /// The highest p of a session that is a regression [default: 0.05]
    #[arg(long, value_name = "P", value_parser = |it: &str| CHANCE.number(it))]
    pub(crate) session_p: Option<f64>,
    /// The same of builds run in turn, at all looks together [default: 0.0025]
    #[arg(long, value_name = "P", value_parser = |it: &str| CHANCE_OF_PAIRS.number(it))]
    pub(crate) pairs_p: Option<f64>,
    /// The share of false findings among all findings [default: 0.05]
    #[arg(long, value_name = "SHARE", value_parser = |it: &str| CHANCE.number(it))]
    pub(crate) false_discovery_rate: Option<f64>,
    /// With fewer builds to compare with, neither times nor peaks are judged [default: 5]
    #[arg(long, value_name = "N", value_parser = allowed::builds)]
    pub(crate) least_builds: Option<usize>,
    /// With fewer builds to compare with (for a session: sessions), nothing is sure [default: 10]
    #[arg(long, value_name = "N", value_parser = allowed::builds)]
    pub(crate) enough_builds: Option<usize>,
    /// With fewer builds that ran together, nothing is sure [default: 3]
    #[arg(long, value_name = "N", value_parser = allowed::builds)]
    pub(crate) session_builds: Option<usize>,
    /// The newest so many sessions are compared with [default: 30]
    #[arg(long, value_name = "N", value_parser = allowed::builds)]
    pub(crate) baseline_sessions: Option<usize>,
}

/// A threshold on the command line.
fn number(text: &str) -> Result<f64, String> {
    Allowed::NotNegative.number(text)
}

impl Thresholds {
    /// The same, but for what is said of some.
    #[must_use]
    pub(crate) fn with(self, said: &ThresholdsOf) -> Self {
        Self {
            time_percent: said.time_percent.unwrap_or(self.time_percent),
            build_ms: said.build_ms.unwrap_or(self.build_ms),
            phase_ms: said.phase_ms.unwrap_or(self.phase_ms),
            single_build_ms: said.single_build_ms.unwrap_or(self.single_build_ms),
            single_phase_ms: said.single_phase_ms.unwrap_or(self.single_phase_ms),
            memory_percent: said.memory_percent.unwrap_or(self.memory_percent),
            memory_mb: said.memory_mb.unwrap_or(self.memory_mb),
            allocations_percent: said.allocations_percent.unwrap_or(self.allocations_percent),
            z: said.z.unwrap_or(self.z),
            session_p: said.session_p.unwrap_or(self.session_p),
            pairs_p: said.pairs_p.unwrap_or(self.pairs_p),
            false_discovery_rate: said.false_discovery_rate.unwrap_or(self.false_discovery_rate),
            least_builds: said.least_builds.unwrap_or(self.least_builds),
            enough_builds: said.enough_builds.unwrap_or(self.enough_builds),
            session_builds: said.session_builds.unwrap_or(self.session_builds),
            baseline_sessions: said.baseline_sessions.unwrap_or(self.baseline_sessions),
        }
    }

    /// Why these would never find anything for sure.
    #[must_use]
    pub(crate) fn contradiction(&self) -> Option<String> {
        let Self { enough_builds, baseline_sessions, .. } = self;
        (enough_builds > baseline_sessions).then(|| {
            format!(
                "enough-builds is {enough_builds} and baseline-sessions {baseline_sessions}: nothing would ever be sure"
            )
        })
    }

    /// The same for the rules of judging, whose other thresholds are their own.
    #[must_use]
    pub(crate) fn rules(&self) -> judge::Thresholds {
        let defaults = judge::Thresholds::default();
        let pairs = judge::sequential::Rule {
            false_discovery_rate: self.false_discovery_rate,
            ..defaults.pairs.clone().with_p_times(self.pairs_p / defaults.pairs.p())
        };
        judge::Thresholds {
            least_builds: self.least_builds,
            enough_builds: self.enough_builds,
            session_builds: self.session_builds,
            early_z: self.z - (defaults.z - defaults.early_z),
            z: self.z,
            least_change: self.time_percent / 100.0,
            p: self.session_p,
            build_floor_ms: self.single_build_ms,
            phase_floor_ms: self.single_phase_ms,
            session_build_floor_ms: self.build_ms,
            session_phase_floor_ms: self.phase_ms,
            false_discovery_rate: self.false_discovery_rate,
            memory_change: self.memory_percent / 100.0,
            memory_floor_bytes: self.memory_mb * 1_048_576.0,
            allocation_change: self.allocations_percent / 100.0,
            pairs,
            ..defaults
        }
    }
}
