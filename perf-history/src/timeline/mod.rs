//! The timeline of a build, recorded on request: each call of a phase as an interval.
//!
//! A timeline has a file of its own, since it may take many megabytes: `timelines/ID.jsonl`, by
//! the build's id. It is JSON Lines, so that both ends need no more than a line at a time:
//!
//! ```json
//! {"schema":1,"build_id":"0192b6e4","tool":"my-site","build_time_ns":412500000,"paths":["render","render/markdown"],"intervals":3,"dropped":0}
//! {"thread":0,"build_thread":true,"intervals":[[0,1000,411000000]]}
//! {"thread":1,"build_thread":false,"intervals":[[1,5000,90000],[1,96000,87000]]}
//! ```
//!
//! - The first line, the header, has the build's id and the number of intervals on all other
//!   lines.
//! - Each other line holds some intervals of one thread: `[path, start, duration]`, the path as
//!   its place in `paths`, the start since the build's start, both times in nanoseconds. Threads
//!   are numbered from 0 in the order in which they first appear. A thread may have any number of
//!   lines, and one without intervals has one.
//! - A line with `paths` adds to those of the header, where these would make it too long.
//! - No line is longer than [`MAX_LINE`].
//!
//! # Reading what others wrote
//!
//! - *This version, `schema` 1.* What is not as above makes the file unreadable: it was damaged.
//!   That is so too where intervals are missing at its end. Fields that are unknown, and what
//!   follows the three numbers of an interval, are passed over.
//! - *A later version.* Lines that are not understood are passed over as well, and the intervals
//!   that are missing then count as dropped. Only an identity, a tool or a build time that is not
//!   understood, or text that is not JSON, makes the file unreadable.

mod error;
mod line;

use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::ser::{SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

pub use error::TimelineError;
pub(crate) use line::{Header, Read, read_header, read_line, write};

/// The version of the timeline's format that this crate writes.
pub const SCHEMA: u32 = 1;

/// The longest line of a timeline, without its end: 4 MiB.
pub const MAX_LINE: usize = 4 << 20;

/// The longest path, and the longest name of a tool, that a timeline may have: 256 KiB.
pub const MAX_TEXT: usize = 1 << 18;

/// The calls of one build, thread by thread.
///
/// [`History::save_timeline`](crate::History::save_timeline) writes one, and
/// [`History::timeline`](crate::History::timeline) reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Timeline {
    /// The build's id, as in its record.
    pub build_id: String,
    /// The program that built.
    pub tool: String,
    /// From the build's start to its end, in nanoseconds.
    pub build_time_ns: u64,
    /// The paths of phases, such as `render/markdown`: what [`Interval::path`] points to.
    pub paths: Vec<String>,
    /// The threads that ran a phase.
    pub threads: Vec<TimelineThread>,
    /// Calls that did not fit into the timeline.
    pub dropped: u64,
}

impl Timeline {
    /// A timeline without threads.
    #[must_use]
    pub fn new(build_id: impl Into<String>, tool: impl Into<String>, paths: Vec<String>) -> Self {
        Self { build_id: build_id.into(), tool: tool.into(), paths, ..Self::default() }
    }

    /// The number of intervals on all threads.
    #[must_use]
    pub fn intervals(&self) -> u64 {
        self.threads.iter().map(|thread| thread.intervals.len() as u64).sum()
    }

    /// An upper bound of the size of its file, in bytes.
    #[must_use]
    pub fn max_file_bytes(&self) -> u64 {
        line::max_file_bytes(self)
    }

    /// Why it cannot be written, if it cannot.
    pub(crate) fn error(&self) -> Option<TimelineError> {
        let texts = self.paths.iter().chain([&self.tool]);
        if let Some(text) = texts.into_iter().find(|text| text.len() > MAX_TEXT) {
            return Some(TimelineError::LongText { bytes: text.len() });
        }
        let mut threads = self.threads.iter();
        threads.find_map(|thread| unknown_path(&thread.intervals, self.paths.len()))
    }
}

/// The intervals of one thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TimelineThread {
    /// Whether it is the build thread: the one that started the build.
    pub build_thread: bool,
    /// Its calls, in no particular order.
    pub intervals: Vec<Interval>,
}

/// One call of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Interval {
    /// Which phase: its place in [`Timeline::paths`], the first being 0.
    pub path: u32,
    /// When it began, in nanoseconds since the build's start.
    pub start_ns: u64,
    /// How long it took, in nanoseconds.
    pub duration_ns: u64,
}

impl TimelineThread {
    /// A thread with these intervals; `build_thread` is whether it started the build.
    #[must_use]
    pub fn new(build_thread: bool, intervals: Vec<Interval>) -> Self {
        Self { build_thread, intervals }
    }
}

impl Interval {
    /// A call of the phase at index `path` of [`Timeline::paths`]; both times in nanoseconds.
    #[must_use]
    pub fn new(path: u32, start_ns: u64, duration_ns: u64) -> Self {
        Self { path, start_ns, duration_ns }
    }

    /// When it ended, in nanoseconds since the build's start. It saturates, as a file may
    /// hold any numbers.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.duration_ns)
    }
}

/// Written as `[path, start_ns, duration_ns]`.
impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(3)?;
        tuple.serialize_element(&self.path)?;
        tuple.serialize_element(&self.start_ns)?;
        tuple.serialize_element(&self.duration_ns)?;
        tuple.end()
    }
}

/// What follows the three numbers is passed over: a later version may say more of a call.
impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntervalVisitor;

        impl<'de> Visitor<'de> for IntervalVisitor {
            type Value = Interval;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an interval of a path, a start and a duration")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Interval, A::Error> {
                let missing = |number| de::Error::invalid_length(number, &self);
                let interval = Interval {
                    path: seq.next_element()?.ok_or_else(|| missing(0))?,
                    start_ns: seq.next_element()?.ok_or_else(|| missing(1))?,
                    duration_ns: seq.next_element()?.ok_or_else(|| missing(2))?,
                };
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(interval)
            }
        }

        deserializer.deserialize_seq(IntervalVisitor)
    }
}

/// The header of a timeline's file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TimelineHeader {
    /// The version of the format that the file was written in.
    pub schema: u32,
    /// The build's id.
    pub build_id: String,
    /// The program that built.
    pub tool: String,
    /// From the build's start to its end, in nanoseconds.
    pub build_time_ns: u64,
    /// The paths of phases: what [`Interval::path`] points to.
    pub paths: Vec<String>,
    /// How many intervals the file should have.
    pub intervals: u64,
    /// Calls that did not fit into the timeline. Where a later version wrote it, those that could
    /// not be read join them when the reader comes to its end.
    pub dropped: u64,
}

/// Some intervals of one thread: one line of a timeline's file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimelinePart {
    /// Which thread: threads are numbered from 0, in the order in which they first appear.
    pub thread: usize,
    /// Whether it is the build thread: the one that started the build.
    pub build_thread: bool,
    /// Some of its calls. Their paths are all known.
    pub intervals: Vec<Interval>,
}

/// The error for the first interval whose path is not below `paths`.
pub(crate) fn unknown_path(intervals: &[Interval], paths: usize) -> Option<TimelineError> {
    let limit = u32::try_from(paths).unwrap_or(u32::MAX);
    let unknown = intervals.iter().find(|interval| interval.path >= limit)?;
    Some(TimelineError::UnknownPath { path: unknown.path, paths })
}
