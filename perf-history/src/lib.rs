//! The record of a build, and the append-only history that it goes to.
//!
//! [`BuildStats`] is the record, [`History`] the place where a tool keeps its records.
//!
//! # The files
//!
//! The directory of a history (`.build-metrics` by default) holds
//!
//! | file | what it is |
//! |---|---|
//! | `history.jsonl` | the history: one record a line, oldest first, only ever appended to |
//! | `latest.json` | a copy of the newest record, for people and for `jq` |
//! | `history.rejected.jsonl` | lines that [`History::repair`] moved out of the history |
//! | `pending/ID.json` | records whose writers did not get the lock in time |
//! | `accepted.jsonl` | changes that were [accepted](History::accept) as the new normal |
//! | `timelines/ID.jsonl` | the [timelines](timeline) of the builds that recorded one |
//! | `.lock` | what writers lock; never removed |
//!
//! A line is a JSON object in UTF-8 that ends with a line feed; the module [`record`] describes
//! it. A carriage return before the line feed, and a byte order mark at the beginning of
//! the file, do no harm.
//!
//! # What is guaranteed
//!
//! - *Appending* takes the lock, ends a line that a killed writer left torn, and is one write. If
//!   the disk is full, what was written of the record is taken back. A record whose append
//!   returned without an error is in the history once and whole, or in `pending`; in the latter
//!   case the next append, repair or pruning puts it in the history, once.
//! - *A writer that is killed* at any instruction loses at most the record that it was writing.
//!   Killed between its two files it leaves a `latest.json` that is one record behind, until the
//!   next append. One that is stopped while it holds the lock delays others by a second.
//! - *A reader* needs no lock. It never sees half of a file, except perhaps the last line of the
//!   history before it is complete; that line is reported as [torn](UnreadableReason::Torn).
//! - *A line that cannot be read* is skipped and reported, and removed only by `repair`.
//!   Lines longer than [`history::MAX_LINE`] are among them, and are never written; so reading
//!   takes at most 32 MiB, whatever the file is.
//! - *What was accepted* is appended in the same way, and never rewritten.
//! - *A timeline* is there whole or not at all, and takes no part in the above: it is written
//!   without the lock, after the record or before. Pruning removes it with its record.
//! - *Loss of power* is different: appends survive kills, but are not synced against loss of
//!   power, because syncing would cost each build some milliseconds. What the system had not
//!   written by then is lost or, on some file systems, reads as zeros, which is one unreadable
//!   line, or a timeline that is damaged. Repairing and pruning are synced, since they rewrite
//!   the whole history.
//! - *Locks* are those of the operating system (`flock`, `LockFileEx`). A network file system that
//!   offers none refuses the append with an error.
#![forbid(unsafe_code)]

pub mod history;
pub mod record;
pub mod switches;
pub mod timeline;

pub use history::{
    Accepted, AcceptedChanges, Appended, DEFAULT_DIR, History, HistoryError, HistoryLine, Pruned,
    Repaired, Retention, SavedTo, TimelineReader, UnreadableLine, UnreadableReason,
};
pub use record::*;
pub use timeline::{
    Interval, Timeline, TimelineError, TimelineHeader, TimelinePart, TimelineThread,
};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
