//! The arguments and results of a history's writing operations.

use std::path::PathBuf;
use std::time::SystemTime;

use super::error::HistoryError;

/// The result of an append.
#[derive(Debug)]
#[non_exhaustive]
pub struct Appended {
    /// Where the record is.
    pub place: SavedTo,
    /// How many records of other writers, which did not get the lock in time, were appended
    /// before it.
    pub adopted: u64,
    /// An error that left the record safe: `latest.json` could not be replaced, or another
    /// writer's record could not be adopted.
    pub warning: Option<HistoryError>,
}

/// Where a record is after an append.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SavedTo {
    /// In the history.
    History,
    /// In this file: the lock was not available in time, and the next append will adopt it.
    Pending(PathBuf),
}

/// The result of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Repaired {
    /// Records in the history.
    pub records: u64,
    /// Lines moved to `history.rejected.jsonl`.
    pub rejected: u64,
    /// Records that waited in `pending` and were appended.
    pub adopted: u64,
}

/// Which records to keep when pruning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retention {
    /// The newest N records.
    Newest(usize),
    /// Those of builds that started at this time or later, and those whose time stamp cannot be
    /// read.
    Since(SystemTime),
}

/// The result of a pruning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pruned {
    /// Records kept.
    pub kept: u64,
    /// Records removed for good.
    pub removed: u64,
    /// Lines that cannot be read, kept where they are.
    pub unreadable: u64,
    /// Records that waited in `pending` and were appended before.
    pub adopted: u64,
    /// Timelines removed with their records.
    pub timelines: u64,
}
