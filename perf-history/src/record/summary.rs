//! What a search wants to know of a record, told without reading all of it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::object::Object;
use super::scanner::{Names, Scanner, Visitor};
use super::{BuildStats, Clock, Git, Outcome, is_reserved, timestamp};

/// What a search wants to know of a record: enough to tell whether it is one that is looked for.
///
/// It costs a fraction of reading the record, and says the same. See
/// [`NewestFirst::next_where`](crate::history::NewestFirst::next_where) and
/// [`History::scan`](crate::History::scan).
#[derive(Debug, Clone, Copy)]
pub struct RecordSummary<'a> {
    /// As in [`BuildStats`].
    pub build_id: &'a str,
    /// As in [`BuildStats`].
    pub timestamp: &'a str,
    /// As in [`BuildStats`].
    pub tool: &'a str,
    /// As in [`BuildStats`].
    pub outcome: Outcome,
    /// As in [`BuildStats`], in milliseconds.
    pub build_time_ms: f64,
    /// As in [`BuildStats`].
    pub incremental: Option<bool>,
    /// As in [`BuildStats`].
    pub skipped: Option<bool>,
    /// As in [`BuildStats`].
    pub clock: Option<Clock>,
    /// The full hash of the commit, as in [`Git`](super::Git).
    pub commit: Option<&'a str>,
    /// The branch, as in [`Git`](super::Git).
    pub branch: Option<&'a str>,
    /// Whether tracked files were changed, as in [`Git`](super::Git).
    pub dirty: Option<bool>,
    labels: Labels<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Labels<'a> {
    /// As they are written.
    Text(&'a str),
    Read(&'a BTreeMap<String, String>),
}

impl<'a> RecordSummary<'a> {
    /// What a search wants to know of a record that was read.
    #[must_use]
    pub fn new(stats: &'a BuildStats) -> Self {
        let git = stats.git.as_ref();
        Self {
            build_id: &stats.build_id,
            timestamp: &stats.timestamp,
            tool: &stats.tool,
            outcome: stats.outcome,
            build_time_ms: stats.build_time_ms,
            incremental: stats.incremental,
            skipped: stats.skipped,
            clock: stats.clock,
            commit: git.and_then(|git| git.commit.as_deref()),
            branch: git.and_then(|git| git.branch.as_deref()),
            dirty: git.and_then(|git| git.dirty),
            labels: Labels::Read(&stats.labels),
        }
    }

    /// Looks at the text of a record. `None` where only reading it can tell what is in it; where
    /// it is something, reading gives the same.
    pub(crate) fn at(text: &'a str) -> Option<Self> {
        let mut fields = TopLevel::default();
        let mut scanner = Scanner::new(text);
        if !text.starts_with(OURS) {
            return None;
        }
        scanner.object(&BuildStats::TABLE, &mut fields)?;
        if !scanner.is_at_end() {
            return None;
        }
        let mut git = GitFields::default();
        if let Some(text) = fields.git {
            Scanner::new(text).object(&Git::TABLE, &mut git)?;
        }
        Some(Self {
            build_id: fields.build_id,
            timestamp: fields.timestamp,
            tool: fields.tool,
            outcome: match fields.outcome {
                "success" => Outcome::Success,
                "failed" => Outcome::Failed,
                "panicked" => Outcome::Panicked,
                _ => return None,
            },
            build_time_ms: fields.build_time_ms.parse().ok()?,
            incremental: fields.incremental,
            skipped: fields.skipped,
            clock: fields.is_suspect.then_some(Clock::Suspect),
            commit: git.commit,
            branch: git.branch,
            dirty: git.dirty,
            labels: Labels::Text(fields.labels.unwrap_or("{}")),
        })
    }

    /// The label of this name.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&'a str> {
        match self.labels {
            Labels::Read(labels) => labels.get(name).map(String::as_str),
            Labels::Text(text) => {
                let mut found = None;
                Scanner::new(text).entries(|scanner, label| {
                    let value = scanner.string()?;
                    if label == name {
                        found = Some(value);
                    }
                    Some(())
                })?;
                found
            }
        }
    }

    /// When the build started, as [`BuildStats::started_at`].
    #[must_use]
    pub fn started_at(&self) -> Option<SystemTime> {
        timestamp::parse(self.timestamp)
    }
}

/// How a record of this version begins.
const OURS: &str = "{\"schema\":1,";

/// The fields of a record, as they are written.
#[derive(Default)]
struct TopLevel<'a> {
    build_id: &'a str,
    timestamp: &'a str,
    tool: &'a str,
    outcome: &'a str,
    build_time_ms: &'a str,
    incremental: Option<bool>,
    skipped: Option<bool>,
    is_suspect: bool,
    git: Option<&'a str>,
    labels: Option<&'a str>,
    counts: Names<'a>,
}

fn unquoted(text: &str) -> &str {
    text.trim_matches('"')
}

impl<'a> Visitor<'a> for TopLevel<'a> {
    fn known(&mut self, name: &'static str, value: &'a str) {
        match name {
            "build_id" => self.build_id = unquoted(value),
            "timestamp" => self.timestamp = unquoted(value),
            "tool" => self.tool = unquoted(value),
            "outcome" => self.outcome = unquoted(value),
            "build_time_ms" => self.build_time_ms = value,
            "incremental" => self.incremental = Some(value == "true"),
            "skipped" => self.skipped = Some(value == "true"),
            "clock" => self.is_suspect = true,
            "git" => self.git = Some(value),
            "labels" => self.labels = Some(value),
            _ => {}
        }
    }

    /// A count of the user's: the only thing that is not known by its name.
    fn unknown(&mut self, scanner: &mut Scanner<'a>, name: &'a str) -> Option<()> {
        self.counts.add(name)?;
        scanner.count()
    }

    fn counts(&mut self, scanner: &mut Scanner<'a>) -> Option<()> {
        scanner.list(|scanner| {
            let name = scanner.string()?;
            (!is_reserved(name)).then_some(())
        })
    }
}

#[derive(Default)]
struct GitFields<'a> {
    commit: Option<&'a str>,
    branch: Option<&'a str>,
    dirty: Option<bool>,
}

impl<'a> Visitor<'a> for GitFields<'a> {
    fn known(&mut self, name: &'static str, value: &'a str) {
        match name {
            "commit" => self.commit = Some(unquoted(value)),
            "branch" => self.branch = Some(unquoted(value)),
            "dirty" => self.dirty = Some(value == "true"),
            _ => {}
        }
    }
}
