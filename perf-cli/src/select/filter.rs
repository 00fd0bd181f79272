//! Which records are considered at all: `--tool`, `--branch`, `--mode`, `--since`.

use std::fmt;
use std::time::SystemTime;

use perf_history::{BuildStats, RecordSummary};

/// Whether a build built everything or only what had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Builds that built everything.
    Full,
    /// Builds that built only what had changed.
    Incremental,
}

impl Mode {
    /// The mode of a build; `None` if its record does not contain it.
    pub(crate) fn from_build(stats: &BuildStats) -> Option<Self> {
        stats.incremental.map(Self::from)
    }

    /// `full` or `incremental`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

/// From a record's field `incremental`.
impl From<bool> for Mode {
    fn from(incremental: bool) -> Self {
        if incremental { Self::Incremental } else { Self::Full }
    }
}

/// The conditions that a record must meet. A field that is `None` accepts every record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// Builds of this tool.
    pub tool: Option<String>,
    /// Builds on this branch.
    pub branch: Option<String>,
    /// Builds of this mode.
    pub mode: Option<Mode>,
    /// Builds that started at or after this time, and those without a readable time stamp.
    pub since: Option<SystemTime>,
}

impl Filter {
    pub(super) fn is_too_old(&self, summary: &RecordSummary<'_>) -> bool {
        let Some(since) = self.since else { return false };
        summary.started_at().is_some_and(|time| time < since)
    }

    pub(super) fn admits(&self, summary: &RecordSummary<'_>) -> bool {
        self.tool.as_ref().is_none_or(|tool| *tool == summary.tool)
            && self.branch.as_ref().is_none_or(|branch| summary.branch == Some(branch))
            && self.mode.is_none_or(|mode| summary.incremental.map(Mode::from) == Some(mode))
    }
}

/// To follow the word "builds": ` of tool "my-site" on branch "main"`.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tool) = &self.tool {
            write!(f, " of tool {tool:?}")?;
        }
        if let Some(branch) = &self.branch {
            write!(f, " on branch {branch:?}")?;
        }
        if let Some(mode) = self.mode {
            write!(f, " of mode {}", mode.name())?;
        }
        if self.since.is_some() {
            f.write_str(" since then")?;
        }
        Ok(())
    }
}
