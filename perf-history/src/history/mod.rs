//! The append-only history of a tool's builds, and the operations on it.

mod accepted;
mod append;
mod error;
mod line;
mod lock;
mod pending;
mod read;
mod replace;
mod results;
mod rewrite;
mod timeline_reader;
mod timelines;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use accepted::{Accepted, AcceptedChanges};
use append::RecordLine;
pub use error::HistoryError;
use error::IoContext;
pub use line::{HistoryLine, MAX_LINE, UnreadableLine, UnreadableReason};
use lock::Lock;
use pending::Adoption;
pub use read::HistoryLines;
use read::Progress;
pub use results::{Appended, Pruned, Repaired, Retention, SavedTo};
use rewrite::{LineAction, Paths, Rewriting, rewrite};
pub use timeline_reader::TimelineReader;

use crate::record::BuildStats;

/// The default directory of a history.
pub const DEFAULT_DIR: &str = ".build-metrics";

const HISTORY: &str = "history.jsonl";
const HISTORY_TEMPORARY: &str = "history.jsonl.tmp";
const REJECTED: &str = "history.rejected.jsonl";
const LATEST: &str = "latest.json";
const LATEST_TEMPORARY: &str = "latest.json.tmp";
const LOCK: &str = ".lock";
const PENDING: &str = "pending";

/// How long a writer waits for the lock by default.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// The records of one tool in one place, oldest first.
///
/// Any number of processes may append to a history at once, and read it meanwhile. The
/// [crate's documentation](crate) lists its guarantees.
///
/// ```
/// use perf_history::{BuildStats, HistoryLine, History};
///
/// # let temporary = tempfile::tempdir()?;
/// # let dir = temporary.path().join(".build-metrics");
/// let history = History::open(dir);
/// for (id, build_time_ms) in [("a", 400.0), ("b", 300.0), ("c", 350.0)] {
///     let mut stats = BuildStats::default();
///     stats.build_id = id.to_owned();
///     stats.build_time_ms = build_time_ms;
///     history.append(&stats)?;
/// }
///
/// let latest = history.latest()?.expect("a record was just appended");
/// assert_eq!(latest.build_id, "c");
/// let times: Vec<f64> = history.last(2)?.iter().map(|stats| stats.build_time_ms).collect();
/// assert_eq!(times, [300.0, 350.0]);
///
/// for entry in &history {
///     match entry? {
///         HistoryLine::Record(stats) => println!("{}: {} ms", stats.build_id, stats.build_time_ms),
///         HistoryLine::Unreadable(line) => eprintln!("line {:?}: {}", line.line, line.reason),
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct History {
    dir: PathBuf,
    lock_wait: Duration,
    progress: Progress,
}

impl History {
    /// The history in a directory. Nothing is read or created until it is needed.
    #[must_use]
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), lock_wait: LOCK_WAIT, progress: Progress::default() }
    }

    /// The same history, with this much time to wait for its lock instead of a second.
    #[must_use]
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// The same history, which reports how far each reading of it has come: the bytes read, and the
    /// bytes in total. `report` is called for every few thousand bytes, from any thread.
    #[must_use]
    pub fn with_progress(mut self, report: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Progress(Some(Arc::new(report)));
        self
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file that holds the records.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.join(HISTORY)
    }

    /// Appends a record, and writes it to `latest.json`. Records in `pending` are adopted first.
    ///
    /// If another process holds the lock for a second, the record is left in `pending`.
    ///
    /// # Errors
    ///
    /// The record is not in the history, and what was there is unharmed: the record cannot be
    /// written (a `build_id` that cannot be part of a file name, a count with the name of a field, more than
    /// [`MAX_LINE`] bytes), or the system reported an error.
    pub fn append(&self, stats: &BuildStats) -> Result<Appended, HistoryError> {
        check_build_id(&stats.build_id)?;
        let line = RecordLine::new(stats)?;
        let Some(_lock) = self.lock()? else {
            let path = pending::leave(&self.dir.join(PENDING), &stats.build_id, &line)?;
            return Ok(Appended { place: SavedTo::Pending(path), adopted: 0, warning: None });
        };
        let Adoption { adopted, problem } = self.adopt();
        line.append_to(&self.path())?;
        let latest = self.replace_latest(stats);
        Ok(Appended { place: SavedTo::History, adopted, warning: problem.or(latest.err()) })
    }

    /// The newest record that can be read; `None` where there is none.
    ///
    /// # Errors
    ///
    /// The history is there and cannot be read.
    pub fn latest(&self) -> Result<Option<BuildStats>, HistoryError> {
        Ok(self.last(1)?.pop())
    }

    /// The newest `n` records that can be read, or as many as there are, oldest first. The cost
    /// depends on `n`, not on the length of the history.
    ///
    /// # Errors
    ///
    /// The history is there and cannot be read.
    pub fn last(&self, n: usize) -> Result<Vec<BuildStats>, HistoryError> {
        let mut records = Vec::new();
        if n == 0 {
            return Ok(records);
        }
        for entry in self.newest_first() {
            records.extend(entry?.into_record());
            if records.len() == n {
                break;
            }
        }
        records.reverse();
        Ok(records)
    }

    /// All lines of the history, oldest first: records, and what cannot be read. Memory does not
    /// grow with the history; see [`MAX_LINE`]. A history that is not there has no lines.
    #[must_use]
    pub fn iter(&self) -> HistoryLines {
        HistoryLines::oldest_first(self.path(), self.progress.clone())
    }

    /// All lines of the history, newest first, so that a search reads only as far as it must. Lines appended after this call are not seen.
    #[must_use]
    pub fn newest_first(&self) -> HistoryLines {
        HistoryLines::newest_first(self.path(), self.progress.clone())
    }

    /// Moves the lines that cannot be read to `history.rejected.jsonl`, byte for byte. Records
    /// that wait in `pending` are adopted first. Where every line can be read, nothing is written.
    ///
    /// A repair that is killed changes nothing, but may leave lines in both files.
    ///
    /// # Errors
    ///
    /// No line is lost: another process holds the lock, or the system reported an error. The history is as
    /// before, unless the error is about `latest.json`, which comes last.
    pub fn repair(&self) -> Result<Repaired, HistoryError> {
        let mut repaired = Repaired::default();
        let Some((_lock, adopted)) = self.lock_for_rewriting()? else {
            return Ok(repaired);
        };
        repaired.adopted = adopted;
        let rewriting = self.rewrite(|line, _| match line {
            HistoryLine::Record(_) => {
                repaired.records += 1;
                LineAction::Keep
            }
            HistoryLine::Unreadable(_) => {
                repaired.rejected += 1;
                LineAction::Reject
            }
        })?;
        if let Some(rewriting) = rewriting {
            self.put_in_place(rewriting)?;
        }
        Ok(repaired)
    }

    /// Removes old records for good, and their builds' timelines with them. Records that wait in
    /// `pending` are adopted first. Lines that cannot be read stay, and so do timelines whose
    /// builds the history does not know.
    ///
    /// Readers see the history of before or of after; a pruning that is killed changes no record,
    /// but may have removed timelines of those that were to go.
    ///
    /// # Errors
    ///
    /// No record is lost that was to be kept: another process holds the lock, or the system
    /// refused. The history is as before, unless the error is about `latest.json`, which comes
    /// last; but timelines of records that were to go may be gone.
    pub fn prune(&self, keep: Retention) -> Result<Pruned, HistoryError> {
        let mut pruned = Pruned::default();
        let Some((_lock, adopted)) = self.lock_for_rewriting()? else {
            return Ok(pruned);
        };
        pruned.adopted = adopted;
        let first_kept = match keep {
            Retention::Newest(n) => self.offset_of_newest(n)?,
            Retention::Since(_) => 0,
        };
        let mut timelines = self.timelines()?;
        let rewriting = self.rewrite(|line, offset| {
            let HistoryLine::Record(record) = line else {
                pruned.unreadable += 1;
                return LineAction::Keep;
            };
            let is_kept = match keep {
                Retention::Newest(_) => offset >= first_kept,
                Retention::Since(date) => record.started_at().is_none_or(|time| time >= date),
            };
            let action = if is_kept {
                pruned.kept += 1;
                LineAction::Keep
            } else {
                pruned.removed += 1;
                LineAction::Remove
            };
            timelines.follow(&record.build_id, action);
            action
        })?;
        if let Some(rewriting) = rewriting {
            // Before the records: a timeline without a record would never be removed.
            pruned.timelines = timelines.remove()?;
            self.put_in_place(rewriting)?;
        }
        Ok(pruned)
    }

    fn lock(&self) -> Result<Option<Lock>, HistoryError> {
        Lock::acquire(&self.dir.join(LOCK), self.lock_wait)
    }

    /// The error where another process held the lock for too long.
    fn busy(&self) -> HistoryError {
        HistoryError::Busy { path: self.dir.join(LOCK), waited: self.lock_wait }
    }

    /// Takes the lock and adopts the waiting records; `None` where there is no history.
    fn lock_for_rewriting(&self) -> Result<Option<(Lock, u64)>, HistoryError> {
        if !self.dir.try_exists().context("look for", &self.dir)? {
            return Ok(None);
        }
        let Some(lock) = self.lock()? else {
            return Err(self.busy());
        };
        match self.adopt() {
            Adoption { problem: Some(problem), .. }
                if !matches!(problem, HistoryError::BadPending { .. }) =>
            {
                Err(problem)
            }
            Adoption { adopted, .. } => Ok(Some((lock, adopted))),
        }
    }

    fn adopt(&self) -> Adoption {
        // No other process can be writing it, as this one holds the lock: a killed one left it.
        let _ = fs::remove_file(self.dir.join(HISTORY_TEMPORARY));
        pending::adopt(&self.dir.join(PENDING), &self.path())
    }

    fn rewrite(
        &self,
        action_for: impl FnMut(&HistoryLine, u64) -> LineAction,
    ) -> Result<Option<Rewriting>, HistoryError> {
        let paths = Paths {
            history: &self.path(),
            temporary_name: HISTORY_TEMPORARY,
            rejected: &self.dir.join(REJECTED),
        };
        rewrite(&paths, self.progress.clone(), action_for)
    }

    fn put_in_place(&self, rewriting: Rewriting) -> Result<(), HistoryError> {
        rewriting.put_in_place()?;
        match self.latest()? {
            Some(stats) => self.replace_latest(&stats),
            None => match fs::remove_file(self.dir.join(LATEST)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result.context("remove", &self.dir.join(LATEST)),
            },
        }
    }

    fn replace_latest(&self, stats: &BuildStats) -> Result<(), HistoryError> {
        let temporary = self.dir.join(LATEST_TEMPORARY);
        replace::replace(&self.dir.join(LATEST), &temporary, |file| {
            let mut file = BufWriter::new(file);
            serde_json::to_writer_pretty(&mut file, stats)?;
            file.write_all(b"\n")?;
            file.flush()
        })
    }

    /// The offset of the first of the newest `n` records.
    fn offset_of_newest(&self, n: usize) -> Result<u64, HistoryError> {
        if n == 0 {
            return Ok(u64::MAX);
        }
        let mut lines = self.newest_first();
        let mut found = 0;
        while let Some(line) = lines.next_line(None).transpose()? {
            found += usize::from(matches!(line.content, Some(HistoryLine::Record(_))));
            if found == n {
                return Ok(line.offset);
            }
        }
        Ok(0)
    }
}

impl IntoIterator for &History {
    type Item = Result<HistoryLine, HistoryError>;
    type IntoIter = HistoryLines;

    fn into_iter(self) -> HistoryLines {
        self.iter()
    }
}

/// An id is part of file names in `pending` and `timelines`: it must not lead out of there.
fn check_build_id(id: &str) -> Result<(), HistoryError> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=64).contains(&id.len()) && id.bytes().all(is_fit) {
        return Ok(());
    }
    Err(HistoryError::BadBuildId { build_id: id.to_owned() })
}
