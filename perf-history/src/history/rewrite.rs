//! Rewriting a history without some of its lines, for repairing and pruning.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::append::{is_torn, open_for_appending};
use super::error::{HistoryError, IoContext};
use super::line::HistoryLine;
use super::read::{HistoryLines, Line, Progress, open_for_reading};
use super::replace::create_new;

/// What becomes of a line. Wherever it goes, its bytes stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineAction {
    Keep,
    /// It leaves the history for good.
    Remove,
    /// It moves to the rejected lines.
    Reject,
}

/// The files that take part.
pub(super) struct Paths<'a> {
    pub(super) history: &'a Path,
    pub(super) temporary_name: &'a str,
    pub(super) rejected: &'a Path,
}

/// Rewrites the history by the action for each of its lines, which `action_for` gets with their
/// offsets. The result has yet to be [put in place](Rewriting::put_in_place). `None` where
/// nothing changes. The lock must be held.
///
/// Killed at any instant it leaves the old history or the new; a rejected line may then be in
/// both files. Unlike an append it is synced to the disk, since all of the history is at stake.
pub(super) fn rewrite(
    paths: &Paths<'_>,
    progress: Progress,
    mut action_for: impl FnMut(&HistoryLine, u64) -> LineAction,
) -> Result<Option<Rewriting>, HistoryError> {
    let Some(mut source) = open_for_reading(paths.history)? else { return Ok(None) };
    // A link to a history elsewhere stays one: the file is replaced.
    let history = fs::canonicalize(paths.history).context("resolve", paths.history)?;
    let mut lines = HistoryLines::oldest_first(history.clone(), progress);
    let mut rewriting: Option<Rewriting> = None;
    while let Some(line) = lines.next_line(None).transpose()? {
        let action = match &line.content {
            Some(content) => action_for(content, line.offset),
            None => LineAction::Keep,
        };
        match &mut rewriting {
            Some(rewriting) => rewriting.take(&mut source, &line, action)?,
            // Nothing to do until the first line that goes.
            None if action == LineAction::Keep => {}
            none => {
                let rewriting = none.insert(Rewriting::new(&source, history.clone(), paths)?);
                rewriting.take(&mut source, &line, action)?;
            }
        }
    }
    if let Some(rewriting) = &mut rewriting {
        rewriting.complete(&mut source)?;
    }
    Ok(rewriting)
}

/// A new version of a history, being written to a temporary file beside it.
pub(super) struct Rewriting {
    history: PathBuf,
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
    fn new(source: &File, history: PathBuf, paths: &Paths<'_>) -> Result<Self, HistoryError> {
        let permissions = source.metadata().context("look at", &history)?.permissions();
        let temporary = history.with_file_name(paths.temporary_name);
        let target = create_new(&temporary)?;
        let rewriting = Self {
            history,
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

    fn take(
        &mut self,
        source: &mut File,
        line: &Line,
        action: LineAction,
    ) -> Result<(), HistoryError> {
        let end = line.offset + line.length;
        if action == LineAction::Keep {
            self.run_end = end;
            self.run_is_ended = line.is_ended;
            return Ok(());
        }
        self.run_end = line.offset;
        self.copy_run(source)?;
        if action == LineAction::Reject {
            self.reject(source, line)?;
        }
        self.run_start = end;
        self.run_end = end;
        Ok(())
    }

    fn copy_run(&mut self, source: &mut File) -> Result<(), HistoryError> {
        copy(source, self.run_start, self.run_end, &mut self.target)
            .context("write", &self.temporary)
    }

    fn reject(&mut self, source: &mut File, line: &Line) -> Result<(), HistoryError> {
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
        copy(source, line.offset, line.offset + line.length, &mut rejected.file)
            .and_then(|()| {
                let missing_end: &[u8] = if line.is_ended { b"" } else { b"\n" };
                rejected.file.write_all(missing_end)
            })
            .context("append to", path)
    }

    /// Writes the rest, and waits until the new history and the rejected lines are on the disk.
    fn complete(&mut self, source: &mut File) -> Result<(), HistoryError> {
        self.copy_run(source)?;
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

    /// Replaces the old history by the new one. Nothing here has the old one open any more: some
    /// systems refuse to replace an open file.
    pub(super) fn put_in_place(mut self) -> Result<(), HistoryError> {
        fs::rename(&self.temporary, &self.history).context("replace", &self.history)?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Rewriting {
    /// Undoes what was begun and not finished.
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
