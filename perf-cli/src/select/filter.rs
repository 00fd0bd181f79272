//! Which records to look at at all: `--tool`, `--branch`, `--mode`, `--since`.

use std::fmt;
use std::time::SystemTime;

use perf_history::{BuildStats, Glance};

/// Whether all was built, or only what had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Mode {
    /// All was built.
    Full,
    /// Only what had changed was built.
    Incremental,
}

impl Mode {
    /// The mode of a build; `None` where its record does not say.
    pub(crate) fn of(stats: &BuildStats) -> Option<Self> {
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

/// By what a record calls `incremental`.
impl From<bool> for Mode {
    fn from(incremental: bool) -> Self {
        if incremental { Self::Incremental } else { Self::Full }
    }
}

/// What a record must be to be looked at. What is `None` lets everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// Builds of this tool.
    pub tool: Option<String>,
    /// Builds on this branch.
    pub branch: Option<String>,
    /// Builds of this mode.
    pub mode: Option<Mode>,
    /// Builds that started then or later, and those whose time stamp cannot be read.
    pub since: Option<SystemTime>,
}

impl Filter {
    pub(super) fn is_too_old(&self, glance: &Glance<'_>) -> bool {
        let Some(since) = self.since else { return false };
        glance.started_at().is_some_and(|time| time < since)
    }

    pub(super) fn admits(&self, glance: &Glance<'_>) -> bool {
        self.tool.as_ref().is_none_or(|tool| *tool == glance.tool)
            && self.branch.as_ref().is_none_or(|branch| glance.branch == Some(branch))
            && self.mode.is_none_or(|mode| glance.incremental.map(Mode::from) == Some(mode))
    }
}

/// What comes after "builds": ` of tool "my-site" on branch "main"`.
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
