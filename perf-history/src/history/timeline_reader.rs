//! Going through the file of a timeline, a line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::PathBuf;

use super::error::{HistoryError, IoContext};
use super::read::{BLOCK, open_for_reading};
use crate::timeline::{
    Header, MAX_LINE, Read, TimelineError, TimelineHeader, TimelinePart, read_header, read_line,
    unknown_path,
};

/// A timeline that is read from its file a line at a time, each of some thousand intervals.
///
/// It yields the parts in the order of the file, and ends with the first error. Its memory is
/// that of the header's paths and of the longest line, which may be
/// [4 MiB](crate::timeline::MAX_LINE).
///
/// ```
/// # use perf_history::{History, Interval, Timeline, TimelineThread};
/// # let temporary = tempfile::tempdir()?;
/// # let history = History::open(temporary.path());
/// # let mut timeline = Timeline::new("a", "my-site", vec!["render".to_owned()]);
/// # timeline.threads = vec![TimelineThread::new(true, vec![Interval::new(0, 1000, 500)])];
/// # history.save_timeline(&timeline)?;
/// let mut reader = history.read_timeline("a")?.expect("the build left a timeline");
/// while let Some(part) = reader.next() {
///     let part = part?;
///     for interval in &part.intervals {
///         let path = &reader.header().paths[interval.path as usize];
///         println!("{path} on thread {}: {} ns", part.thread, interval.duration_ns);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TimelineReader {
    path: PathBuf,
    lines: Lines,
    header: TimelineHeader,
    is_later_version: bool,
    /// Of the threads so far, in the order of their numbers: whether each is the build thread.
    build_threads: Vec<bool>,
    found: u64,
    is_ended: bool,
    /// The part that was read while looking for the last of the paths.
    ahead: Option<Result<TimelinePart, HistoryError>>,
}

impl TimelineReader {
    pub(super) fn open(path: PathBuf, build_id: &str) -> Result<Option<Self>, HistoryError> {
        let Some(file) = open_for_reading(&path)? else {
            return Ok(None);
        };
        let mut lines =
            Lines { input: BufReader::with_capacity(BLOCK, file), buffer: Vec::new(), number: 0 };
        let header = match lines.next_line().context("read", &path)? {
            None => Err(TimelineError::Empty),
            Some(text) => text.and_then(read_header),
        };
        match header {
            Ok(Header { header, is_later_version }) if header.build_id == build_id => {
                let mut reader = Self {
                    path,
                    lines,
                    header,
                    is_later_version,
                    build_threads: Vec::new(),
                    found: 0,
                    is_ended: false,
                    ahead: None,
                };
                reader.ahead = reader.read_on();
                Ok(Some(reader))
            }
            Ok(Header { header: TimelineHeader { build_id, .. }, .. }) => {
                Err(HistoryError::BadTimeline {
                    path,
                    line: 1,
                    source: TimelineError::OtherBuild { build_id },
                })
            }
            Err(source) => Err(HistoryError::BadTimeline { path, line: 1, source }),
        }
    }

    /// The header of the file.
    #[must_use]
    pub fn header(&self) -> &TimelineHeader {
        &self.header
    }

    /// The header, after the intervals were read.
    #[must_use]
    pub fn into_header(self) -> TimelineHeader {
        self.header
    }

    /// The next part, or the error or the end that comes before it.
    fn read_on(&mut self) -> Option<Result<TimelinePart, HistoryError>> {
        while !self.is_ended {
            let step = match self.lines.next_line() {
                Err(error) => {
                    self.is_ended = true;
                    return Some(Err(error).context("read", &self.path));
                }
                Ok(None) => {
                    self.is_ended = true;
                    self.check_count().map(|()| None)
                }
                Ok(Some(text)) => match text.and_then(read_line) {
                    Ok(read) => self.take(read),
                    Err(error) => Err(error),
                },
            };
            match step {
                Ok(None) => {}
                Ok(Some(part)) => return Some(Ok(part)),
                Err(source) if self.is_later_version && is_of_content(&source) => {}
                Err(source) => {
                    self.is_ended = true;
                    let line = self.lines.number;
                    return Some(Err(HistoryError::BadTimeline {
                        path: self.path.clone(),
                        line,
                        source,
                    }));
                }
            }
        }
        None
    }

    /// Takes the content of a line, if it is consistent with the lines before it.
    fn take(&mut self, read: Read) -> Result<Option<TimelinePart>, TimelineError> {
        self.header.paths.extend(read.paths.into_iter().flatten());
        let Some(part) = read.part else {
            return Ok(None);
        };
        if let Some(error) = unknown_path(&part.intervals, self.header.paths.len()) {
            return Err(error);
        }
        let found = self.found + part.intervals.len() as u64;
        if found > self.header.intervals && !self.is_later_version {
            return Err(TimelineError::Miscounted { counted: self.header.intervals, found });
        }
        let threads = self.build_threads.len();
        match self.build_threads.get(part.thread) {
            Some(known) if *known == part.build_thread => {}
            Some(_) => return Err(TimelineError::OtherThread { thread: part.thread }),
            None if part.thread == threads => self.build_threads.push(part.build_thread),
            None => return Err(TimelineError::UnknownThread { thread: part.thread, threads }),
        }
        self.found = found;
        Ok(Some(part))
    }

    /// Compares the number of intervals with the header's.
    fn check_count(&mut self) -> Result<(), TimelineError> {
        let counted = self.header.intervals;
        if self.is_later_version {
            let missing = counted.saturating_sub(self.found);
            self.header.dropped = self.header.dropped.saturating_add(missing);
        } else if self.found != counted {
            return Err(TimelineError::Miscounted { counted, found: self.found });
        }
        Ok(())
    }
}

impl Iterator for TimelineReader {
    type Item = Result<TimelinePart, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ahead.take().or_else(|| self.read_on())
    }
}

/// Whether a line is JSON that was not understood.
fn is_of_content(error: &TimelineError) -> bool {
    !matches!(error, TimelineError::TooLong | TimelineError::NotJson(_))
}

/// The texts of a timeline's lines.
#[derive(Debug)]
struct Lines {
    input: BufReader<File>,
    buffer: Vec<u8>,
    /// Of the line that was read last; the first is 1.
    number: u64,
}

impl Lines {
    /// The text of the next line, unless it is too long.
    fn next_line(&mut self) -> io::Result<Option<Result<&[u8], TimelineError>>> {
        self.buffer.clear();
        // One more for the end of the line, and one to tell a line that is too long.
        let mut limited = self.input.by_ref().take(MAX_LINE as u64 + 2);
        if limited.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        Ok(Some(if text.len() > MAX_LINE { Err(TimelineError::TooLong) } else { Ok(text) }))
    }
}
