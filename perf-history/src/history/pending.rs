//! Records whose writers did not get the lock in time, and how the next writer adopts them.
//!
//! Each is a file in `pending`, whose name shows its state:
//!
//! | name | state |
//! |---|---|
//! | `ID.PID.N.tmp` | being written; its writer has not returned yet |
//! | `ID.json` | whole, and not in the history |
//! | `ID.adopting` | being moved to the history; may be there already |
//! | `ID.unreadable` | not a record; left for a human |
//!
//! A writer killed before the rename to `.json` has not returned. An adopter renames to
//! `.adopting`, appends, and removes the file. Killed before the rename it has done nothing.
//! Killed later it leaves an `.adopting`, and only for such a file must the next adopter ask
//! whether the history has the record. If so it stands at the end, for nothing is appended before
//! a killed adoption has been completed. A torn line that the adopter left is not a
//! record: it is ended, and the record is appended whole.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::append::RecordLine;
use super::error::{HistoryError, IoContext};
use super::line::{LineText, MAX_LINE, UnreadableReason};
use super::read::{HistoryLines, Progress};
use super::replace::{files_in, remove_if_stale, replace_by, temporary_for};

/// How far from its end the history is searched for a record that may have been adopted already.
/// One line is enough after a kill; the rest is for disks that failed in between.
const SEARCHED_LINES: usize = 1000;

/// The result of an adoption.
#[derive(Default)]
pub(super) struct Adoption {
    pub(super) adopted: u64,
    /// The first error; it loses no record.
    pub(super) problem: Option<HistoryError>,
}

/// Leaves a record in `pending`, for the next writer to adopt.
pub(super) fn leave(pending: &Path, id: &str, line: &RecordLine) -> Result<PathBuf, HistoryError> {
    fs::create_dir_all(pending).context("make the directory", pending)?;
    let path = pending.join(format!("{id}.json"));
    replace_by(&path, &temporary_for(pending, id), line.bytes())?;
    Ok(path)
}

/// Moves what waits in `pending` to the history, oldest id first. The lock must be held.
pub(super) fn adopt(pending: &Path, history: &Path) -> Adoption {
    let mut adoption = Adoption::default();
    // Sorted by name, an adoption that was begun comes before another of the same id.
    let files = match files_in(pending) {
        Ok(files) => files,
        Err(problem) => {
            adoption.problem = Some(problem);
            return adoption;
        }
    };
    for path in files {
        let result = match path.extension().and_then(OsStr::to_str) {
            Some("json") => begin(&path, history),
            Some("adopting") => complete(&path, history, MayBeThere::Yes),
            Some("tmp") => {
                remove_if_stale(&path);
                continue;
            }
            _ => continue,
        };
        match result {
            Ok(is_new) => adoption.adopted += u64::from(is_new),
            Err(problem) => {
                adoption.problem.get_or_insert(problem);
            }
        }
    }
    adoption
}

fn begin(path: &Path, history: &Path) -> Result<bool, HistoryError> {
    let adopting = path.with_extension("adopting");
    fs::rename(path, &adopting).context("rename", path)?;
    complete(&adopting, history, MayBeThere::No).inspect_err(|problem| {
        if !matches!(problem, HistoryError::BadPending { .. }) {
            // As before; failing this, the next adopter searches the history for nothing.
            let _ = fs::rename(&adopting, path);
        }
    })
}

/// Whether the history may have the record already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MayBeThere {
    Yes,
    No,
}

/// Appends the record in `path`, unless it is there already, and removes the file. True where it
/// was appended.
fn complete(path: &Path, history: &Path, there: MayBeThere) -> Result<bool, HistoryError> {
    let length = fs::metadata(path).context("look at", path)?.len();
    if length == 0 {
        // Completed, but could not be removed at the time.
        fs::remove_file(path).context("remove", path)?;
        return Ok(false);
    }
    if length > MAX_LINE as u64 + 1 {
        return Err(set_aside(path, &UnreadableReason::TooLong));
    }
    let text = fs::read(path).context("read", path)?;
    let stats = match (LineText { text: &text, is_first: true, is_ended: true }).read() {
        Ok(stats) => stats,
        Err(reason) => return Err(set_aside(path, &reason)),
    };
    let is_new = there == MayBeThere::No || !ends_with(history, &stats.build_id)?;
    if is_new {
        // Serialised again: someone may have reformatted the file to several lines.
        RecordLine::new(&stats)?.append_to(history)?;
    }
    fs::remove_file(path).or_else(|_| File::create(path).map(drop)).context("remove", path)?;
    Ok(is_new)
}

/// Whether the record of this build is among the last of the history.
fn ends_with(history: &Path, build_id: &str) -> Result<bool, HistoryError> {
    let lines = HistoryLines::newest_first(history.to_owned(), Progress::default());
    for line in lines.take(SEARCHED_LINES) {
        if line?.into_record().is_some_and(|stats| stats.build_id == build_id) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Renames a file that is not a record, so that the next adopter skips it.
fn set_aside(path: &Path, reason: &UnreadableReason) -> HistoryError {
    let aside = path.with_extension("unreadable");
    match fs::rename(path, &aside) {
        Ok(()) => HistoryError::BadPending { path: aside, reason: reason.to_string() },
        Err(source) => HistoryError::Io { action: "set aside", path: path.to_owned(), source },
    }
}
