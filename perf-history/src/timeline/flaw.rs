//! Why a timeline cannot be read or written.

use super::{MAX_LINE, MAX_TEXT};

/// What is wrong with a timeline, or with a line of its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimelineFlaw {
    /// The file has nothing in it.
    #[error("it is empty")]
    Empty,
    /// The line exceeds [`MAX_LINE`].
    #[error("it is longer than {MAX_LINE} bytes")]
    TooLong,
    /// The line is not JSON in UTF-8.
    #[error("it is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// The line is JSON, but none of a timeline.
    #[error("it is not of a timeline: {0}")]
    NotOfATimeline(serde_json::Error),
    /// The file has the name of another build's.
    #[error("it is the timeline of another build, {build_id:?}")]
    OtherBuild {
        /// Whose timeline it is.
        build_id: String,
    },
    /// An interval is of a phase that is not there.
    #[error("an interval is of the phase {path}, and there are {paths}, counted from 0")]
    UnknownPath {
        /// What the interval says.
        path: u32,
        /// How many phases there are.
        paths: usize,
    },
    /// A thread appears before the one with the number before.
    #[error("the thread {thread} is none of the first {threads}, and not the next")]
    UnknownThread {
        /// What the line says.
        thread: usize,
        /// How many threads there are so far.
        threads: usize,
    },
    /// A thread is the build's own on one line, and not on another.
    #[error("the thread {thread} was, or was not, the build's own before")]
    OtherThread {
        /// Which thread.
        thread: usize,
    },
    /// The header has counted another number of intervals.
    #[error("the first line counts {counted} intervals, and up to here there are {found}")]
    Miscounted {
        /// What the header says.
        counted: u64,
        /// What there is.
        found: u64,
    },
    /// A path or the name of the tool is too long to be written.
    #[error("a path, or the tool's name, has {bytes} bytes: more than {MAX_TEXT}")]
    LongText {
        /// Its length.
        bytes: usize,
    },
}

impl From<serde_json::Error> for TimelineFlaw {
    fn from(error: serde_json::Error) -> Self {
        if error.is_data() { Self::NotOfATimeline(error) } else { Self::NotJson(error) }
    }
}
