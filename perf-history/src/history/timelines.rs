//! The timelines of a history's builds: a file each, in a folder of their own.
//!
//! | name | state |
//! |---|---|
//! | `ID.PID.N.tmp` | being written |
//! | `ID.jsonl` | whole |
//!
//! There is no lock: a file is whole or absent. Pruning removes the timelines of the builds that
//! it removes, and no others: a timeline without a record may belong to a damaged record, or to
//! one in another checkout.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{HistoryError, IoContext};
use super::replace::{files_in, remove_if_stale, replace, temporary_for};
use super::rewrite::LineAction;
use super::timeline_reader::TimelineReader;
use super::{History, check_build_id};
use crate::timeline::{Timeline, TimelineThread, write};

const TIMELINES: &str = "timelines";

impl History {
    /// Writes the timeline of a build, beside its record and independently of it, and returns
    /// its path. One that the build had before is replaced. Makes the directory if it is missing.
    ///
    /// Readers see nothing or the whole of it. A process that is killed meanwhile leaves a
    /// temporary file, which a later save or pruning removes when it is an hour old.
    ///
    /// # Errors
    ///
    /// Nothing is left behind, and what was there is unharmed: the timeline cannot be written (a
    /// `build_id` unfit for a file's name, an interval whose path is not there, a path of more
    /// than [`MAX_TEXT`](crate::timeline::MAX_TEXT) bytes), or the system refused.
    pub fn save_timeline(&self, timeline: &Timeline) -> Result<PathBuf, HistoryError> {
        let path = self.timeline_path(&timeline.build_id)?;
        if let Some(source) = timeline.error() {
            let build_id = timeline.build_id.clone();
            return Err(HistoryError::UnwritableTimeline { build_id, source });
        }
        let dir = self.dir.join(TIMELINES);
        fs::create_dir_all(&dir).context("make the directory", &dir)?;
        for file in files_in(&dir)? {
            remove_temporary_if_stale(&file);
        }
        replace(&path, &temporary_for(&dir, &timeline.build_id), |file| write(timeline, file))?;
        Ok(path)
    }

    /// The timeline of a build; `None` where it left none.
    ///
    /// Its memory is that of its intervals and of one line. To go through a timeline without
    /// holding it, there is [`read_timeline`](Self::read_timeline).
    ///
    /// # Errors
    ///
    /// It is there and cannot be read, or nothing could be there by such a name.
    pub fn timeline(&self, build_id: &str) -> Result<Option<Timeline>, HistoryError> {
        let Some(mut reader) = self.read_timeline(build_id)? else {
            return Ok(None);
        };
        let mut threads = Vec::<TimelineThread>::new();
        for part in &mut reader {
            let mut part = part?;
            // A new thread is always the next.
            match threads.get_mut(part.thread) {
                Some(thread) => thread.intervals.append(&mut part.intervals),
                None => threads.push(TimelineThread::new(part.build_thread, part.intervals)),
            }
        }
        let header = reader.into_header();
        Ok(Some(Timeline {
            build_id: header.build_id,
            tool: header.tool,
            build_time_ns: header.build_time_ns,
            paths: header.paths,
            threads,
            dropped: header.dropped,
        }))
    }

    /// Begins to read the timeline of a build; `None` where it left none. What is read at a time
    /// is one line, of some thousand intervals.
    ///
    /// # Errors
    ///
    /// It is there and its header cannot be read, or nothing could be there by such a name.
    pub fn read_timeline(&self, build_id: &str) -> Result<Option<TimelineReader>, HistoryError> {
        TimelineReader::open(self.timeline_path(build_id)?, build_id)
    }

    /// The existing timelines, for a pruning.
    pub(super) fn timelines(&self) -> Result<Timelines, HistoryError> {
        let dir = self.dir.join(TIMELINES);
        let mut actions = BTreeMap::new();
        for path in files_in(&dir)? {
            remove_temporary_if_stale(&path);
            if path.extension() != Some(OsStr::new(EXTENSION)) {
                continue;
            }
            if let Some(build_id) = path.file_stem().and_then(OsStr::to_str) {
                actions.insert(build_id.to_owned(), None);
            }
        }
        Ok(Timelines { dir, actions })
    }

    fn timeline_path(&self, build_id: &str) -> Result<PathBuf, HistoryError> {
        check_build_id(build_id)?;
        Ok(path_in(&self.dir.join(TIMELINES), build_id))
    }
}

const EXTENSION: &str = "jsonl";

fn path_in(dir: &Path, build_id: &str) -> PathBuf {
    dir.join(format!("{build_id}.{EXTENSION}"))
}

fn remove_temporary_if_stale(path: &Path) {
    if path.extension() == Some(OsStr::new("tmp")) {
        remove_if_stale(path);
    }
}

/// The timelines of a history while it is pruned. Its size is that of the folder, however long
/// the history is.
pub(super) struct Timelines {
    dir: PathBuf,
    /// By build: the action for its records, if it has any.
    actions: BTreeMap<String, Option<LineAction>>,
}

impl Timelines {
    /// Notes the action for a record.
    pub(super) fn follow(&mut self, build_id: &str, action: LineAction) {
        if let Some(known) = self.actions.get_mut(build_id) {
            // A build may have two records, after a merge say: it is kept while one of them is.
            if *known != Some(LineAction::Keep) {
                *known = Some(action);
            }
        }
    }

    /// Removes those of the builds whose records all go, and returns their number.
    pub(super) fn remove(self) -> Result<u64, HistoryError> {
        let mut removed = 0;
        for (build_id, action) in self.actions {
            if action != Some(LineAction::Remove) {
                continue;
            }
            let path = path_in(&self.dir, &build_id);
            match fs::remove_file(&path) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).context("remove", &path),
            }
        }
        Ok(removed)
    }
}
