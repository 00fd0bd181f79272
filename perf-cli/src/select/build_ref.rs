//! How a user names a build: `latest`, `-3`, an id, a commit, `label:L`, `branch:B`.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use perf_history::{BuildStats, Glance};

use crate::labels::{RUN, SESSION};

/// Fewer characters of an id or a commit would match by chance.
const SHORTEST_PREFIX: usize = 4;

/// A build, or a set of builds, as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildRef {
    /// The newest build.
    Latest,
    /// The newest build but so many less one: `-1` is the newest, `-3` the third newest.
    Nth(NonZeroUsize),
    /// The newest builds whose label `run` this is.
    Label(String),
    /// The newest builds on this branch.
    Branch(String),
    /// The builds whose id or commit begins with this, in small or capital letters.
    Named(String),
}

/// Why a text names no build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildRefError {
    /// There is nothing in it.
    #[error("a build is `latest`, a number such as -3, an id, a commit or label:NAME")]
    Empty,
    /// Builds are counted back from the newest, which is -1.
    #[error("builds are counted back from -1, which is the newest")]
    BadNumber,
    /// Too short to be told from others.
    #[error(
        "{0:?} is too short: name {SHORTEST_PREFIX} characters of an id or a commit, or -1 for the newest build"
    )]
    TooShort(String),
}

impl FromStr for BuildRef {
    type Err = BuildRefError;

    fn from_str(text: &str) -> Result<Self, BuildRefError> {
        let named = |name: &str, make: fn(String) -> Self| match name {
            "" => Err(BuildRefError::Empty),
            name => Ok(make(name.to_owned())),
        };
        if let Some(label) = text.strip_prefix("label:") {
            return named(label, Self::Label);
        }
        if let Some(branch) = text.strip_prefix("branch:") {
            return named(branch, Self::Branch);
        }
        if let Some(number) = text.strip_prefix('-') {
            return number.parse().map(Self::Nth).map_err(|_| BuildRefError::BadNumber);
        }
        match text {
            "" => Err(BuildRefError::Empty),
            "latest" => Ok(Self::Latest),
            short if short.chars().count() < SHORTEST_PREFIX => {
                Err(BuildRefError::TooShort(short.to_owned()))
            }
            name => Ok(Self::Named(name.to_owned())),
        }
    }
}

/// As it was written, but with control characters escaped.
impl fmt::Display for BuildRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Nth(n) => write!(f, "-{n}"),
            Self::Label(label) => write!(f, "label:{}", label.escape_debug()),
            Self::Branch(branch) => write!(f, "branch:{}", branch.escape_debug()),
            Self::Named(name) => write!(f, "{name:?}"),
        }
    }
}

impl BuildRef {
    /// Whether it means this build, apart from counting.
    pub(super) fn is(&self, glance: &Glance<'_>) -> bool {
        match self {
            Self::Latest | Self::Nth(_) => true,
            Self::Label(label) => glance.label(RUN) == Some(label),
            Self::Branch(branch) => glance.branch == Some(branch),
            Self::Named(name) => {
                begins_with(glance.build_id, name)
                    || glance.commit.is_some_and(|commit| begins_with(commit, name))
            }
        }
    }

    /// Whether it means the build by its id, and so this one alone.
    pub(super) fn is_id_of(&self, stats: &BuildStats) -> bool {
        matches!(self, Self::Named(name) if begins_with(&stats.build_id, name))
    }

    /// Whether a build that is meant belongs to the set whose newest build is another.
    pub(super) fn joins(&self, newest: &BuildStats, stats: &BuildStats) -> bool {
        let session = |it: &BuildStats| it.labels.get(SESSION).cloned();
        commit_of(newest) == commit_of(stats)
            && (!matches!(self, Self::Label(_)) || session(newest) == session(stats))
    }
}

pub(super) fn commit_of(stats: &BuildStats) -> Option<&String> {
    stats.git.as_ref()?.commit.as_ref()
}

pub(super) fn branch_of(stats: &BuildStats) -> Option<&String> {
    stats.git.as_ref()?.branch.as_ref()
}

pub(super) fn label_of(stats: &BuildStats) -> Option<&String> {
    stats.labels.get(RUN)
}

pub(super) fn session_label_of(stats: &BuildStats) -> Option<&String> {
    stats.labels.get(SESSION)
}

fn begins_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
}
