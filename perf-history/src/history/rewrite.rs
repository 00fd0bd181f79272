//! Rewriting a history, for what only repairing and pruning may do: take lines out of it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::append::{is_torn, open_for_appending};
use super::error::{HistoryError, IoContext};
use super::iter::open_for_reading;
use super::lines::{Lines, RawLine};
use super::observed::{Observed, Observer};
use super::replace::create_anew;
use crate::record::RecordSummary;

/// What becomes of a line. Every line keeps its bytes, wherever it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineAction {
    Keep,
    /// It leaves the history for good.
    Remove,
    /// It moves to the rejected lines.
    Reject,
}

/// A line whose action is asked for.
pub(super) enum Line<'a> {
    /// A record, and where it begins.
    Record(&'a RecordSummary<'a>, u64),
    /// One that cannot be read.
    Unreadable,
}

/// The files that take part.
pub(super) struct Paths<'a> {
    pub(super) history: &'a Path,
    pub(super) temporary_name: &'a str,
    pub(super) rejected: &'a Path,
}

/// Rewrites the history by the action of each of its lines; what comes of it has yet to be
/// [put in place](Rewriting::put_in_place). `None` where all stays as it is. The lock must be held.
///
/// Killed at any instant it leaves the old history or the new; a rejected line may then be in
/// both files. Unlike an append it is synced to the disk, since all of the history is at stake.
pub(super) fn rewrite(
    paths: &Paths<'_>,
    observer: Observer,
    mut action_of: impl FnMut(Line<'_>) -> LineAction,
) -> Result<Option<Rewriting>, HistoryError> {
    let Some(file) = open_for_reading(paths.history)? else {
        return Ok(None);
    };
    // A link to a history elsewhere stays one: it is the file that is replaced.
    let history = fs::canonicalize(paths.history).context("resolve", paths.history)?;
    let file = Observed::new(file, observer).context("look at", &history)?;
    let mut lines = Lines::new(file);
    let mut rewriting = None;
    loop {
        let offset = lines.offset();
        let mut action = LineAction::Keep;
        let line = lines.next_line(Some(&mut |summary| {
            action = action_of(Line::Record(summary, offset));
            false
        }));
        let Some(line) = line.context("read", &history)? else { break };
        if line.entry.is_some() {
            action = action_of(Line::Unreadable);
        }
        if action == LineAction::Keep && rewriting.is_none() {
            // Nothing to do until the first line that goes.
            continue;
        }
        if rewriting.is_none() {
            rewriting = Some(Rewriting::of(history.clone(), paths)?);
        }
        if let Some(rewriting) = &mut rewriting {
            rewriting.take(&line, action)?;
        }
    }
    drop(lines);
    if let Some(rewriting) = &mut rewriting {
        rewriting.complete()?;
    }
    Ok(rewriting)
}

/// A history being written anew, in a temporary file beside it.
pub(super) struct Rewriting {
    history: PathBuf,
    source: File,
    target: BufWriter<File>,
    temporary: PathBuf,
    rejected_path: PathBuf,
    rejected: Option<Rejected>,
    /// What is kept is copied in runs; the current one begins here,
    run_start: u64,
    /// and ends here.
    run_end: u64,
    run_is_ended: bool,
    is_finished: bool,
}

/// The file of rejected lines, and how long it was before.
struct Rejected {
    file: File,
    length: u64,
}

impl Rewriting {
    fn of(history: PathBuf, paths: &Paths<'_>) -> Result<Self, HistoryError> {
        let source = File::open(&history).context("open", &history)?;
        let permissions = source.metadata().context("look at", &history)?.permissions();
        let temporary = history.with_file_name(paths.temporary_name);
        let target = create_anew(&temporary)?;
        let rewriting = Self {
            history,
            source,
            target: BufWriter::with_capacity(1 << 16, target),
            temporary,
            rejected_path: paths.rejected.to_owned(),
            rejected: None,
            run_start: 0,
            run_end: 0,
            run_is_ended: true,
            is_finished: false,
        };
        fs::set_permissions(&rewriting.temporary, permissions)
            .context("set the permissions of", &rewriting.temporary)?;
        Ok(rewriting)
    }

    fn take(&mut self, line: &RawLine, action: LineAction) -> Result<(), HistoryError> {
        let end = line.offset + line.length;
        if action == LineAction::Keep {
            self.run_end = end;
            self.run_is_ended = line.is_ended;
            return Ok(());
        }
        self.run_end = line.offset;
        self.copy_run()?;
        if action == LineAction::Reject {
            self.reject(line)?;
        }
        self.run_start = end;
        self.run_end = end;
        Ok(())
    }

    fn copy_run(&mut self) -> Result<(), HistoryError> {
        copy(&mut self.source, self.run_start, self.run_end, &mut self.target)
            .context("write", &self.temporary)
    }

    fn reject(&mut self, line: &RawLine) -> Result<(), HistoryError> {
        let path = &self.rejected_path;
        let rejected = match &mut self.rejected {
            Some(rejected) => rejected,
            none => {
                let (mut file, length) = open_for_appending(path)?;
                if is_torn(&mut file, length).context("read the end of", path)? {
                    file.write_all(b"\n").context("append to", path)?;
                }
                none.insert(Rejected { file, length })
            }
        };
        copy(&mut self.source, line.offset, line.offset + line.length, &mut rejected.file)
            .and_then(|()| {
                let missing_end: &[u8] = if line.is_ended { b"" } else { b"\n" };
                rejected.file.write_all(missing_end)
            })
            .context("append to", path)
    }

    /// Sees to it that all of the new history and of what was rejected is on the disk.
    fn complete(&mut self) -> Result<(), HistoryError> {
        self.copy_run()?;
        if !self.run_is_ended && self.run_end > self.run_start {
            self.target.write_all(b"\n").context("write", &self.temporary)?;
        }
        if let Some(rejected) = &self.rejected {
            rejected.file.sync_all().context("write", &self.rejected_path)?;
        }
        self.target
            .flush()
            .and_then(|()| self.target.get_ref().sync_all())
            .context("write", &self.temporary)
    }

    /// Puts the new history in the place of the old.
    pub(super) fn put_in_place(mut self) -> Result<(), HistoryError> {
        fs::rename(&self.temporary, &self.history).context("replace", &self.history)?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Rewriting {
    /// Takes back what was begun and could not be finished.
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let _ = fs::remove_file(&self.temporary);
        if let Some(rejected) = &self.rejected {
            let _ = rejected.file.set_len(rejected.length);
        }
    }
}

fn copy(source: &mut File, start: u64, end: u64, target: &mut impl Write) -> io::Result<()> {
    source.seek(SeekFrom::Start(start))?;
    let copied = io::copy(&mut source.take(end - start), target)?;
    if copied < end - start {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
