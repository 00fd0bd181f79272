//! What may be asked of a history's writers, and what they answer.

use std::path::PathBuf;
use std::time::SystemTime;

use super::error::HistoryError;

/// What an append did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Appended {
    /// Where the record is.
    pub place: SavedTo,
    /// How many records of other writers, which had not got the lock in time, were appended
    /// before it.
    pub adopted: u64,
    /// What went wrong although the record is safe: `latest.json` could not be replaced, or
    /// another writer's record not be adopted.
    pub warning: Option<HistoryError>,
}

/// Where a record is after an append.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SavedTo {
    /// In the history.
    History,
    /// In this file: the lock was not had in time, and the next append will adopt it.
    Pending(PathBuf),
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Repaired {
    /// Records in the history.
    pub records: u64,
    /// Lines moved to `history.rejected.jsonl`.
    pub rejected: u64,
    /// Records that waited for a writer and were appended.
    pub adopted: u64,
}

/// Which records to keep when pruning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retention {
    /// The newest, this many.
    Newest(usize),
    /// Those of builds that started at this time or later, and those whose time stamp cannot be
    /// read.
    Since(SystemTime),
}

/// What a pruning did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pruned {
    /// Records kept.
    pub kept: u64,
    /// Records removed for good.
    pub removed: u64,
    /// Lines that cannot be read, kept where they are.
    pub unreadable: u64,
    /// Records that waited for a writer and were appended before.
    pub adopted: u64,
    /// Timelines removed with their records.
    pub timelines: u64,
}
