//! Why a history could not be read or written: what was tried, on which path, and the cause.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::timeline::TimelineError;

/// Why a history could not be read or written.
///
/// As usual, `Display` leaves out the [`source`](Error::source); [`describe`](Self::describe)
/// includes it.
#[derive(Debug)]
#[non_exhaustive]
pub enum HistoryError {
    /// The system refused an operation on a file.
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The path of a file of the history leads to something that is not a regular file.
    NotAFile {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
    },
    /// The record cannot be written as JSON.
    Unwritable {
        /// Which record.
        build_id: String,
        /// Why not.
        source: io::Error,
    },
    /// The record is longer than [`MAX_LINE`](crate::history::MAX_LINE).
    TooLong {
        /// Which record.
        build_id: String,
        /// Its length.
        bytes: usize,
        /// The longest length that can be read.
        limit: usize,
    },
    /// A build id is part of file names in `pending` and `timelines`; this one cannot be.
    BadBuildId {
        /// The id.
        build_id: String,
    },
    /// A record that waited in `pending` cannot be read, and was set aside.
    BadPending {
        /// Where it is now.
        path: PathBuf,
        /// Why it is not in the history.
        reason: String,
    },
    /// A timeline cannot be read: its file is damaged.
    BadTimeline {
        /// Its file.
        path: PathBuf,
        /// The number of the line that cannot be read; the first line is 1.
        line: u64,
        /// Why not.
        source: TimelineError,
    },
    /// A timeline cannot be written.
    UnwritableTimeline {
        /// Which build's timeline.
        build_id: String,
        /// Why not.
        source: TimelineError,
    },
    /// Another process holds the lock.
    Busy {
        /// The lock's file.
        path: PathBuf,
        /// How long this process waited for it.
        waited: Duration,
    },
}

impl HistoryError {
    /// The error and its cause on one line, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.source() {
            Some(source) => format!("{self}: {source}"),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, .. } => write!(f, "cannot {action} {}", path.display()),
            Self::NotAFile { action, path } => {
                write!(f, "cannot {action} {}: it is not a regular file", path.display())
            }
            Self::Unwritable { build_id, .. } => {
                write!(f, "cannot write the record of build {build_id:?}")
            }
            Self::TooLong { build_id, bytes, limit } => write!(
                f,
                "cannot write the record of build {build_id:?}: its {bytes} bytes exceed {limit}"
            ),
            Self::BadBuildId { build_id } => write!(
                f,
                "cannot use {build_id:?} as the id of a build: an id has 1 to 64 ASCII letters, \
                 digits, `-` or `_`"
            ),
            Self::BadPending { path, reason } => {
                write!(f, "cannot adopt {}: {reason}", path.display())
            }
            Self::BadTimeline { path, line, .. } => {
                write!(f, "cannot read {}: line {line}", path.display())
            }
            Self::UnwritableTimeline { build_id, .. } => {
                write!(f, "cannot write the timeline of build {build_id:?}")
            }
            Self::Busy { path, waited } => write!(
                f,
                "cannot lock {}: another process has held it for {waited:?}",
                path.display()
            ),
        }
    }
}

impl Error for HistoryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Unwritable { source, .. } => Some(source),
            Self::BadTimeline { source, .. } | Self::UnwritableTimeline { source, .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}

/// Adds the action and the path to an error of the system.
pub(super) trait IoContext<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, HistoryError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn context(self, action: &'static str, path: &Path) -> Result<T, HistoryError> {
        self.map_err(|source| HistoryError::Io { action, path: path.to_owned(), source })
    }
}
