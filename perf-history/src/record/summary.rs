//! The few fields of a record that a search looks at, read without the rest.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Deserialize;

use super::{BuildStats, Clock, Outcome, timestamp};

/// The fields of a record that decide whether a search wants it.
///
/// Reading them costs a fraction of reading the record. See
/// [`HistoryLines::next_where`](crate::history::HistoryLines::next_where).
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
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
    #[serde(skip)]
    pub commit: Option<&'a str>,
    /// The branch, as in [`Git`](super::Git).
    #[serde(skip)]
    pub branch: Option<&'a str>,
    /// Whether tracked files were changed, as in [`Git`](super::Git).
    #[serde(skip)]
    pub dirty: Option<bool>,
    #[serde(borrow, default)]
    git: GitSummary<'a>,
    #[serde(borrow, default)]
    labels: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct GitSummary<'a> {
    commit: Option<&'a str>,
    branch: Option<&'a str>,
    dirty: Option<bool>,
}

/// How a record of this version begins.
const THIS_VERSION: &str = "{\"schema\":1,";

impl<'a> RecordSummary<'a> {
    /// The summary of a record that was read.
    #[must_use]
    pub fn new(stats: &'a BuildStats) -> Self {
        let git = stats.git.as_ref();
        let labels = stats.labels.iter();
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
            git: GitSummary::default(),
            labels: labels.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        }
    }

    /// Reads the summary of a record of this version from its line. `None` where only reading the
    /// whole record can tell what is in it, as where one of the texts has an escape.
    pub(crate) fn from_line(line: &'a [u8]) -> Option<Self> {
        if !line.starts_with(THIS_VERSION.as_bytes()) {
            return None;
        }
        let mut summary: Self = serde_json::from_slice(line).ok()?;
        let GitSummary { commit, branch, dirty } = summary.git;
        (summary.commit, summary.branch, summary.dirty) = (commit, branch, dirty);
        Some(summary)
    }

    /// The label of this name.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&'a str> {
        self.labels.get(name).copied()
    }

    /// When the build started, as [`BuildStats::started_at`].
    #[must_use]
    pub fn started_at(&self) -> Option<SystemTime> {
        timestamp::parse(self.timestamp)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::records::{full_record, record};
    use super::*;

    fn describe(summary: &RecordSummary<'_>) -> String {
        let started_at = summary.started_at();
        let summary = RecordSummary { git: GitSummary::default(), ..summary.clone() };
        format!("{summary:?} {started_at:?}")
    }

    fn assert_agrees(line: &str) -> bool {
        let Some(summary) = RecordSummary::from_line(line.as_bytes()) else { return false };
        if let Ok(stats) = serde_json::from_str::<BuildStats>(line) {
            assert_eq!(describe(&summary), describe(&RecordSummary::new(&stats)), "{line}");
        }
        true
    }

    #[test]
    fn a_summary_of_a_line_is_the_summary_of_its_record() {
        let mut bare = record("a");
        bare.labels.insert("run".to_owned(), "before".to_owned());
        for stats in [record("a"), bare, full_record(20)] {
            assert!(assert_agrees(&serde_json::to_string(&stats).unwrap()), "{stats:?}");
        }
    }

    #[test]
    fn what_a_summary_cannot_tell_is_left_to_reading_the_record() {
        let line = serde_json::to_string(&full_record(1)).unwrap();
        for (from, to) in [
            ("{\"schema\":1,", "{\"schema\":2,"),
            ("{\"schema\":1,", "{ \"schema\":1,"),
            ("\"tool\":\"my-site\"", "\"tool\":\"my\\u002dsite\""),
            ("\"outcome\":\"failed\"", "\"outcome\":\"new\""),
            ("\"labels\":{", "\"labels\":{\"a\":1,"),
            ("\"build_time_ms\":", "\"build_time\":"),
        ] {
            let other = line.replace(from, to);
            assert_ne!(other, line);
            assert!(RecordSummary::from_line(other.as_bytes()).is_none(), "{to}");
        }
        assert!(RecordSummary::from_line(&line.as_bytes()[..line.len() - 1]).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_summary_of_a_damaged_line_agrees_with_its_record_where_that_can_be_read(
            edits in prop::collection::vec((any::<Index>(), prop::sample::select(
                vec!["", "\"", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "a", " ", "null"],
            )), 1..4),
        ) {
            let mut line = serde_json::to_string(&full_record(1)).unwrap();
            for (at, text) in edits {
                let at = at.index(line.len());
                if line.is_char_boundary(at) && line.is_char_boundary(at + 1) {
                    line.replace_range(at..=at, text);
                }
            }
            assert_agrees(&line);
        }
    }
}
