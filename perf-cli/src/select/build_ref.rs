//! How a user refers to a build: `latest`, `-3`, an id, a commit, `label:L`, `branch:B`.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use perf_history::{BuildStats, RecordSummary};

use crate::labels::{RUN, SESSION};

/// A shorter prefix of an id or a commit would match by chance.
const MIN_PREFIX: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BuildRef {
    Latest,
    /// Counted back from the newest build: `-1` is the newest, `-3` the third newest.
    Nth(NonZeroUsize),
    /// The newest builds with this label `run`.
    Label(String),
    /// The newest builds on this branch.
    Branch(String),
    /// The builds whose id or commit starts with this text, ignoring case.
    Named(String),
}

/// Why a text is not a reference to a build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BuildRefError {
    /// The text, or the part after its prefix, is empty.
    #[error("expected `latest`, a number such as -3, an id, a commit or label:NAME")]
    Empty,
    /// The text after `-` is not a positive integer.
    #[error("builds are counted back from -1, which is the newest")]
    BadNumber,
    /// The text is too short to identify a build.
    #[error(
        "{0:?} is too short: give at least {MIN_PREFIX} characters of an id or a commit, or -1 for the newest build"
    )]
    TooShort(String),
}

impl FromStr for BuildRef {
    type Err = BuildRefError;

    fn from_str(text: &str) -> Result<Self, BuildRefError> {
        let not_empty = |name: &str| match name {
            "" => Err(BuildRefError::Empty),
            name => Ok(name.to_owned()),
        };
        if let Some(label) = text.strip_prefix("label:") {
            return not_empty(label).map(Self::Label);
        }
        if let Some(branch) = text.strip_prefix("branch:") {
            return not_empty(branch).map(Self::Branch);
        }
        if let Some(number) = text.strip_prefix('-') {
            return number.parse().map(Self::Nth).map_err(|_| BuildRefError::BadNumber);
        }
        match not_empty(text)? {
            name if name == "latest" => Ok(Self::Latest),
            name if name.chars().count() < MIN_PREFIX => Err(BuildRefError::TooShort(name)),
            name => Ok(Self::Named(name)),
        }
    }
}

/// As the user wrote it, with control characters escaped.
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
    /// Whether it refers to this build, apart from counting.
    pub(super) fn matches(&self, summary: &RecordSummary<'_>) -> bool {
        match self {
            Self::Latest | Self::Nth(_) => true,
            Self::Label(label) => summary.label(RUN) == Some(label),
            Self::Branch(branch) => summary.branch == Some(branch),
            Self::Named(name) => {
                let is_prefix_of = |text| starts_with(text, name);
                is_prefix_of(summary.build_id) || summary.commit.is_some_and(is_prefix_of)
            }
        }
    }

    /// Whether it refers to the build by its id, and so to this build alone.
    pub(super) fn is_id_of(&self, stats: &BuildStats) -> bool {
        matches!(self, Self::Named(name) if starts_with(&stats.build_id, name))
    }

    /// Whether a matching build belongs to the same set as the newest matching build.
    pub(super) fn is_same_set(&self, newest: &BuildStats, stats: &BuildStats) -> bool {
        commit_of(newest) == commit_of(stats)
            && (!matches!(self, Self::Label(_))
                || session_label_of(newest) == session_label_of(stats))
    }
}

pub(super) fn commit_of(stats: &BuildStats) -> Option<&String> {
    stats.git.as_ref()?.commit.as_ref()
}

pub(super) fn branch_of(stats: &BuildStats) -> Option<&String> {
    stats.git.as_ref()?.branch.as_ref()
}

pub(super) fn run_label_of(stats: &BuildStats) -> Option<&String> {
    stats.labels.get(RUN)
}

pub(super) fn session_label_of(stats: &BuildStats) -> Option<&String> {
    stats.labels.get(SESSION)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The least similarity of a suggestion, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.6;

/// Looks for the name that is most similar to one that was not found.
pub(super) struct Nearest<'a> {
    reference: &'a BuildRef,
    best: Option<(f64, String)>,
    /// The last label, branch and commit: neighbouring builds often share them.
    last: [Option<String>; 3],
}

impl<'a> Nearest<'a> {
    pub(super) fn new(reference: &'a BuildRef) -> Self {
        let mut nearest = Self { reference, best: None, last: [None, None, None] };
        if let BuildRef::Named(name) = reference {
            nearest.offer(name, "", "latest");
        }
        nearest
    }

    pub(super) fn consider(&mut self, summary: &RecordSummary<'_>) {
        let names = [summary.label(RUN), summary.branch, summary.commit];
        let mut new_names = [None; 3];
        for ((last, name), new_name) in self.last.iter_mut().zip(names).zip(&mut new_names) {
            if last.as_deref() != name {
                *last = name.map(str::to_owned);
                *new_name = name;
            }
        }
        let [label, branch, commit] = new_names;
        match self.reference {
            BuildRef::Latest | BuildRef::Nth(_) => {}
            BuildRef::Label(name) => self.offer(name, "label:", label.unwrap_or_default()),
            BuildRef::Branch(name) => self.offer(name, "branch:", branch.unwrap_or_default()),
            BuildRef::Named(name) => {
                for id in [Some(summary.build_id), commit].into_iter().flatten() {
                    self.offer(
                        name,
                        "",
                        &id.chars().take(name.chars().count()).collect::<String>(),
                    );
                }
                // A label or a branch whose prefix was left out or mistyped.
                let bare = name.split_once(':').map_or(name.as_str(), |(_, bare)| bare);
                self.offer(bare, "label:", label.unwrap_or_default());
                self.offer(bare, "branch:", branch.unwrap_or_default());
            }
        }
    }

    pub(super) fn into_suggestion(self) -> Option<String> {
        self.best.map(|(_, name)| name)
    }

    fn offer(&mut self, name: &str, prefix: &str, candidate: &str) {
        if candidate.is_empty() {
            return;
        }
        let similarity = strsim::normalized_damerau_levenshtein(name, candidate);
        if similarity >= MIN_SIMILARITY
            && self.best.as_ref().is_none_or(|(best, _)| similarity > *best)
        {
            self.best = Some((similarity, format!("{prefix}{candidate}")));
        }
    }
}
