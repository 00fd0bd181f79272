//! Going through a history, from either end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::backward::BackwardLines;
use super::entry::HistoryLine;
use super::error::{HistoryError, IoContext};
use super::lines::{Lines, RawLine};
use super::observed::{Observed, Observer};
use crate::record::RecordSummary;

/// Opens the history; `None` where it is not there.
pub(super) fn open_for_reading(path: &Path) -> Result<Option<File>, HistoryError> {
    // Looked at first, since opening a pipe would wait for somebody who writes to it.
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.context("look at", path)?,
    };
    if !metadata.is_file() {
        return Err(HistoryError::NotAFile { action: "read", path: path.to_owned() });
    }
    File::open(path).context("open", path).map(Some)
}

/// The lines of a history, oldest first.
///
/// A history that cannot be opened, or not be read any further, yields one error and ends.
#[derive(Debug)]
pub struct OldestFirst(Reading<Lines<Observed>>);

impl OldestFirst {
    pub(super) fn of(path: PathBuf, observer: Observer) -> Self {
        Self(Reading::of(path, |file| Ok(Lines::new(Observed::new(file, observer)?))))
    }
}

impl OldestFirst {
    /// The next line, or `None` in its place where it is a record that is not wanted: that one is
    /// passed over without reading all of it.
    ///
    /// # Errors
    ///
    /// The history cannot be opened, or not be read any further.
    pub fn next_where(
        &mut self,
        mut wanted: impl FnMut(&RecordSummary<'_>) -> bool,
    ) -> Option<Result<Option<HistoryLine>, HistoryError>> {
        let line = self.0.step(|lines| lines.next_line(Some(&mut wanted)))?;
        Some(line.map(|line| line.entry))
    }
}

impl Iterator for OldestFirst {
    type Item = Result<HistoryLine, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(|lines| lines.next_line(None))?.map(|line| line.entry).transpose()
    }
}

/// The lines of a history, newest first.
///
/// A history that cannot be opened, or not be read any further, yields one error and ends.
#[derive(Debug)]
pub struct NewestFirst(Reading<BackwardLines<Observed>>);

impl NewestFirst {
    pub(super) fn of(path: PathBuf, observer: Observer) -> Self {
        Self(Reading::of(path, |file| BackwardLines::new(Observed::new(file, observer)?)))
    }

    /// The next line, or `None` in its place where it is a record that is not wanted: that one is
    /// passed over without reading all of it.
    ///
    /// # Errors
    ///
    /// The history cannot be opened, or not be read any further.
    pub fn next_where(
        &mut self,
        wanted: impl FnMut(&RecordSummary<'_>) -> bool,
    ) -> Option<Result<Option<HistoryLine>, HistoryError>> {
        Some(self.next_line(wanted)?.map(|line| line.entry))
    }

    /// The next line with its place in the file.
    pub(super) fn next_line(
        &mut self,
        mut wanted: impl FnMut(&RecordSummary<'_>) -> bool,
    ) -> Option<Result<RawLine, HistoryError>> {
        self.0.step(|lines| lines.previous_line(Some(&mut wanted)))
    }
}

impl Iterator for NewestFirst {
    type Item = Result<HistoryLine, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.step(|lines| lines.previous_line(None))?.map(|line| line.entry).transpose()
    }
}

/// How far the reading of a history has come.
#[derive(Debug)]
struct Reading<L> {
    path: PathBuf,
    state: State<L>,
}

#[derive(Debug)]
enum State<L> {
    Failed(HistoryError),
    Open(L),
    Ended,
}

impl<L> Reading<L> {
    fn of(path: PathBuf, lines_of: impl FnOnce(File) -> io::Result<L>) -> Self {
        let state = match open_for_reading(&path) {
            Ok(None) => State::Ended,
            Ok(Some(file)) => match lines_of(file).context("read", &path) {
                Ok(lines) => State::Open(lines),
                Err(error) => State::Failed(error),
            },
            Err(error) => State::Failed(error),
        };
        Self { path, state }
    }

    fn step<T>(
        &mut self,
        next: impl FnOnce(&mut L) -> io::Result<Option<T>>,
    ) -> Option<Result<T, HistoryError>> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Failed(error) => Some(Err(error)),
            State::Ended => None,
            State::Open(mut lines) => {
                let step = next(&mut lines).context("read", &self.path).transpose()?;
                if step.is_ok() {
                    self.state = State::Open(lines);
                }
                Some(step)
            }
        }
    }
}
