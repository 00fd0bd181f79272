//! What can go wrong with a history: what was tried, on which path, and why it failed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::timeline::TimelineFlaw;

/// Why a history could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The system refused an operation on a file.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Something else stands where a file of the history should be.
    #[error("cannot {action} {}: it is no regular file", path.display())]
    NotAFile {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
    },
    /// The record cannot be written as JSON.
    #[error("cannot write the record of build {build_id:?}: {source}")]
    Unwritable {
        /// Which record.
        build_id: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// The record is longer than a reader would take.
    #[error("cannot write the record of build {build_id:?}: its {bytes} bytes exceed {limit}")]
    TooLong {
        /// Which record.
        build_id: String,
        /// Its length.
        bytes: usize,
        /// The longest that is read.
        limit: usize,
    },
    /// A build id is the name of files in `pending` and `timelines`, and must be fit for it.
    #[error(
        "cannot use {build_id:?} as the id of a build: an id has 1 to 64 ASCII letters, digits, \
         `-` or `_`"
    )]
    BadBuildId {
        /// The id.
        build_id: String,
    },
    /// A record that waited in `pending` cannot be read, and was set aside.
    #[error("cannot adopt {}: {reason}", path.display())]
    BadPending {
        /// Where it is now.
        path: PathBuf,
        /// Why it is not in the history.
        reason: String,
    },
    /// A timeline cannot be read: its file is damaged.
    #[error("cannot read {}: line {line}: {flaw}", path.display())]
    BadTimeline {
        /// Its file.
        path: PathBuf,
        /// The line that cannot be read, the first being 1.
        line: u64,
        /// Why not.
        flaw: TimelineFlaw,
    },
    /// A timeline cannot be written.
    #[error("cannot write the timeline of build {build_id:?}: {flaw}")]
    UnwritableTimeline {
        /// Whose timeline.
        build_id: String,
        /// Why not.
        flaw: TimelineFlaw,
    },
    /// Another process holds the lock.
    #[error("cannot lock {}: another process has held it for {waited:?}", path.display())]
    Busy {
        /// The lock's file.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
}

/// Names the action and the path in an error of the system.
pub(super) trait During<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, HistoryError>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, HistoryError> {
        self.map_err(|source| HistoryError::Io { action, path: path.to_owned(), source })
    }
}
