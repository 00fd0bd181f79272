//! Why a timeline cannot be read or written.

use std::fmt;

use super::{MAX_LINE, MAX_TEXT};

/// What is wrong with a timeline, or with a line of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimelineError {
    /// The file is empty.
    Empty,
    /// The line is longer than [`MAX_LINE`].
    TooLong,
    /// The line is not JSON in UTF-8, for this reason.
    NotJson(String),
    /// The line is JSON, but not a line of a timeline, for this reason.
    NotATimeline(String),
    /// The file holds the timeline of another build.
    OtherBuild {
        /// The build that it belongs to.
        build_id: String,
    },
    /// An interval names a phase that the file does not list.
    UnknownPath {
        /// The index of the phase.
        path: u32,
        /// How many phases the file lists.
        paths: usize,
    },
    /// A thread appears before the thread with the preceding number.
    UnknownThread {
        /// The number on the line.
        thread: usize,
        /// How many threads have appeared so far.
        threads: usize,
    },
    /// Two lines disagree on whether a thread is the build thread.
    OtherThread {
        /// Which thread.
        thread: usize,
    },
    /// The header gives another number of intervals than the file has.
    Miscounted {
        /// The number in the header.
        counted: u64,
        /// The number found.
        found: u64,
    },
    /// A path or the name of the tool is longer than [`MAX_TEXT`].
    LongText {
        /// Its length.
        bytes: usize,
    },
}

impl fmt::Display for TimelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong => write!(f, "it is longer than {MAX_LINE} bytes"),
            Self::NotJson(reason) => write!(f, "it is not JSON: {reason}"),
            Self::NotATimeline(reason) => write!(f, "it is not part of a timeline: {reason}"),
            Self::OtherBuild { build_id } => {
                write!(f, "it is the timeline of another build, {build_id:?}")
            }
            Self::UnknownPath { path, paths } => {
                write!(f, "an interval names phase {path}, but there are only {paths} phases")
            }
            Self::UnknownThread { thread, threads } => {
                write!(f, "thread {thread} appears after only {threads} threads")
            }
            Self::OtherThread { thread } => write!(
                f,
                "it disagrees with an earlier line on whether thread {thread} is the build thread"
            ),
            Self::Miscounted { counted, found } => {
                write!(f, "the header counts {counted} intervals, but {found} were found")
            }
            Self::LongText { bytes } => {
                write!(f, "a path or the tool's name has {bytes} bytes, more than {MAX_TEXT}")
            }
        }
    }
}

impl std::error::Error for TimelineError {}

impl From<serde_json::Error> for TimelineError {
    fn from(error: serde_json::Error) -> Self {
        let reason = error.to_string();
        if error.is_data() { Self::NotATimeline(reason) } else { Self::NotJson(reason) }
    }
}
