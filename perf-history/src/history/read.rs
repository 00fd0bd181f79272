//! The lines of a history from either end, in memory that does not grow with the history.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{HistoryError, IoContext};
use super::line::{HistoryLine, LineText, MAX_LINE, UnreadableLine, UnreadableReason};
use crate::record::RecordSummary;

/// How many bytes are read at once.
pub(super) const BLOCK: usize = 1 << 16;

/// Opens a file of the history; `None` where it does not exist.
pub(super) fn open_for_reading(path: &Path) -> Result<Option<File>, HistoryError> {
    // Checked first, since opening a pipe would wait for a writer.
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata.context("look at", path)?,
    };
    if !metadata.is_file() {
        return Err(HistoryError::NotAFile { action: "read", path: path.to_owned() });
    }
    File::open(path).context("open", path).map(Some)
}

/// The lines of a history, in the order in which [`History::iter`](super::History::iter) or
/// [`History::newest_first`](super::History::newest_first) returns them.
///
/// A history that cannot be opened or read any further yields one error and ends.
#[derive(Debug)]
pub struct HistoryLines {
    path: PathBuf,
    /// `None` at the end.
    lines: Option<Result<Direction, HistoryError>>,
}

#[derive(Debug)]
enum Direction {
    Forward(ForwardLines<ProgressReader>),
    Backward(BackwardLines<ProgressReader>),
}

impl HistoryLines {
    pub(super) fn oldest_first(path: PathBuf, progress: Progress) -> Self {
        Self::open(path, |file| {
            let file = ProgressReader::new(file, progress)?;
            Ok(Direction::Forward(ForwardLines::new(file, MAX_LINE)))
        })
    }

    pub(super) fn newest_first(path: PathBuf, progress: Progress) -> Self {
        Self::open(path, |file| {
            let file = ProgressReader::new(file, progress)?;
            Ok(Direction::Backward(BackwardLines::new(file, BLOCK, MAX_LINE)?))
        })
    }

    fn open(path: PathBuf, lines: impl FnOnce(File) -> io::Result<Direction>) -> Self {
        let lines = match open_for_reading(&path) {
            Ok(file) => file.map(|file| lines(file).context("read", &path)),
            Err(error) => Some(Err(error)),
        };
        Self { path, lines }
    }

    /// The next line; `None` in its place where it is a record that is not `wanted`.
    ///
    /// Of such a record only the summary is read, so damage to its other fields goes unnoticed.
    ///
    /// # Errors
    ///
    /// The history cannot be opened, or not be read any further.
    pub fn next_where(
        &mut self,
        mut wanted: impl FnMut(&RecordSummary<'_>) -> bool,
    ) -> Option<Result<Option<HistoryLine>, HistoryError>> {
        Some(self.next_line(Some(&mut wanted))?.map(|line| line.content))
    }

    /// The next line with its position in the file.
    pub(super) fn next_line(&mut self, wanted: Wanted<'_>) -> Option<Result<Line, HistoryError>> {
        let mut lines = match self.lines.take()? {
            Ok(lines) => lines,
            Err(error) => return Some(Err(error)),
        };
        let line = match &mut lines {
            Direction::Forward(lines) => lines.next_line(wanted),
            Direction::Backward(lines) => lines.next_line(wanted),
        };
        let line = line.context("read", &self.path).transpose()?;
        self.lines = line.is_ok().then_some(Ok(lines));
        Some(line)
    }
}

impl Iterator for HistoryLines {
    type Item = Result<HistoryLine, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line(None)?.map(|line| line.content).transpose()
    }
}

/// Which records to read, by their summaries; `None` for all.
pub(super) type Wanted<'w> = Option<&'w mut dyn FnMut(&RecordSummary<'_>) -> bool>;

/// A line and its position in the file.
pub(super) struct Line {
    pub(super) offset: u64,
    /// With its end.
    pub(super) length: u64,
    pub(super) is_ended: bool,
    /// `None` where it is a record that is not wanted.
    pub(super) content: Option<HistoryLine>,
}

impl Line {
    /// Reads a line from its bytes.
    fn read(
        bytes: &[u8],
        number: Option<u64>,
        offset: u64,
        longest: usize,
        wanted: Wanted<'_>,
    ) -> Self {
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let is_ended = text.len() < bytes.len();
        let length = bytes.len() as u64;
        if text.len() > longest {
            return Self::too_long(number, offset, length, is_ended);
        }
        let text = LineText { text, is_first: offset == 0, is_ended };
        let record = match wanted {
            None => text.read().map(Some),
            Some(wanted) => text.read_if(wanted),
        };
        let content = match record {
            Ok(record) => record.map(|stats| HistoryLine::Record(Box::new(stats))),
            Err(reason) => Some(HistoryLine::Unreadable(UnreadableLine {
                line: number,
                offset,
                bytes: length,
                reason,
            })),
        };
        Self { offset, length, is_ended, content }
    }

    fn too_long(line: Option<u64>, offset: u64, bytes: u64, is_ended: bool) -> Self {
        let reason = UnreadableReason::TooLong;
        let content = Some(HistoryLine::Unreadable(UnreadableLine { line, offset, bytes, reason }));
        Self { offset, length: bytes, is_ended, content }
    }
}

/// Reads lines from the beginning.
#[derive(Debug)]
pub(super) struct ForwardLines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    longest: usize,
    number: u64,
    offset: u64,
}

impl<R: Read> ForwardLines<R> {
    pub(super) fn new(input: R, longest: usize) -> Self {
        let input = BufReader::with_capacity(BLOCK, input);
        Self { input, buffer: Vec::new(), longest, number: 0, offset: 0 }
    }

    pub(super) fn next_line(&mut self, wanted: Wanted<'_>) -> io::Result<Option<Line>> {
        // One byte more for the end of the line, and one to recognise a line that is too long.
        let mut length = self.fill_buffer(self.longest as u64 + 2)?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        let number = Some(self.number);
        let has_end = |buffer: &[u8]| buffer.ends_with(b"\n");
        let line = if self.buffer.len() > self.longest + 1 && !has_end(&self.buffer) {
            while !has_end(&self.buffer) {
                let more = self.fill_buffer(BLOCK as u64)?;
                if more == 0 {
                    break;
                }
                length += more;
            }
            Line::too_long(number, self.offset, length, has_end(&self.buffer))
        } else {
            Line::read(&self.buffer, number, self.offset, self.longest, wanted)
        };
        self.offset += length;
        if self.buffer.capacity() > MAX_LINE / 8 {
            // One long line is no reason to keep its memory for the rest of the history.
            self.buffer = Vec::new();
        }
        Ok(Some(line))
    }

    /// Replaces the buffer by the rest of the line, or by its next `limit` bytes.
    fn fill_buffer(&mut self, limit: u64) -> io::Result<u64> {
        self.buffer.clear();
        let mut limited = self.input.by_ref().take(limit);
        Ok(limited.read_until(b'\n', &mut self.buffer)? as u64)
    }
}

/// Reads lines from the end that the file had when the reading began.
#[derive(Debug)]
struct BackwardLines<R> {
    input: R,
    block: usize,
    longest: usize,
    /// The lines that were not returned yet are the file up to `start`, which was not read yet,
    /// and then `buffer`.
    start: u64,
    buffer: Vec<u8>,
}

impl<R: Read + Seek> BackwardLines<R> {
    fn new(mut input: R, block: usize, longest: usize) -> io::Result<Self> {
        let start = input.seek(SeekFrom::End(0))?;
        Ok(Self { input, block, longest, start, buffer: Vec::new() })
    }

    fn next_line(&mut self, wanted: Wanted<'_>) -> io::Result<Option<Line>> {
        if self.buffer.is_empty() && !self.read_block()? {
            return Ok(None);
        }
        let is_ended = self.buffer.ends_with(b"\n");
        // The bytes at the end of the buffer that hold no end of an earlier line.
        let mut searched = usize::from(is_ended);
        loop {
            let unsearched = &self.buffer[..self.buffer.len() - searched];
            let end = unsearched.iter().rposition(|byte| *byte == b'\n');
            if end.is_some() || self.start == 0 {
                let begin = end.map_or(0, |end| end + 1);
                let offset = self.start + begin as u64;
                let line = Line::read(&self.buffer[begin..], None, offset, self.longest, wanted);
                self.buffer.truncate(begin);
                return Ok(Some(line));
            }
            searched = self.buffer.len();
            if searched - usize::from(is_ended) > self.longest {
                return self.skip_line(is_ended).map(Some);
            }
            self.read_block()?;
        }
    }

    /// Skips a line that is too long and begins before the buffer.
    fn skip_line(&mut self, is_ended: bool) -> io::Result<Line> {
        let mut length = self.buffer.len() as u64;
        self.buffer = Vec::new();
        while self.read_block()? {
            let end = self.buffer.iter().rposition(|byte| *byte == b'\n');
            let begin = end.map_or(0, |end| end + 1);
            length += (self.buffer.len() - begin) as u64;
            self.buffer.truncate(begin);
            if end.is_some() {
                break;
            }
        }
        let offset = self.start + self.buffer.len() as u64;
        Ok(Line::too_long(None, offset, length, is_ended))
    }

    /// Puts the preceding block in front of the buffer; false where there is none. Blocks grow
    /// with the buffer, so that a long line is not moved again for each of them, but not past the
    /// longest line.
    fn read_block(&mut self) -> io::Result<bool> {
        let room = (self.longest + self.block).saturating_sub(self.buffer.len());
        let size = self.buffer.len().min(room).max(self.block);
        let size = self.start.min(size as u64);
        if size == 0 {
            return Ok(false);
        }
        self.input.seek(SeekFrom::Start(self.start - size))?;
        let expected = usize::try_from(size).unwrap_or_default() + self.buffer.len();
        let mut block = Vec::with_capacity(expected);
        if (self.input.by_ref().take(size).read_to_end(&mut block)? as u64) < size {
            // A writer whose disk was full took back what it had begun.
            return Err(ErrorKind::UnexpectedEof.into());
        }
        block.append(&mut self.buffer);
        self.buffer = block;
        self.start -= size;
        Ok(true)
    }
}

/// A function that follows the progress of a reading, if any: it gets the bytes read so far, and
/// the bytes in total.
#[derive(Clone, Default)]
pub(super) struct Progress(pub(super) Option<Arc<dyn Fn(u64, u64) + Send + Sync>>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress" } else { "None" })
    }
}

/// A file that reports the progress of its reading.
#[derive(Debug)]
pub(super) struct ProgressReader {
    file: File,
    progress: Progress,
    read: u64,
    length: u64,
}

impl ProgressReader {
    pub(super) fn new(file: File, progress: Progress) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, progress, read: 0, length })
    }
}

impl Read for ProgressReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        if let Some(report) = &self.progress.0 {
            report(self.read.min(self.length), self.length);
        }
        Ok(count)
    }
}

impl Seek for ProgressReader {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use proptest::prelude::*;

    use super::*;

    const LONGEST: usize = 300;

    /// A record as this version writes it; with a `pad` between fields, as another program may.
    fn record(id: u32, pad: &str) -> String {
        format!(
            r#"{{"schema":1,"build_id":"{id}","timestamp":"","tool":"t","outcome":"success",{pad}"build_time_ms":1}}"#
        )
    }

    /// A file of records and unreadable lines, whose last line may have no end.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            4 => any::<u32>().prop_map(|id| record(id, "").into_bytes()),
            2 => any::<u32>().prop_map(|id| record(id, " ").into_bytes()),
            1 => Just(Vec::new()),
            1 => Just(b"\xEF\xBB\xBF".to_vec()),
            1 => Just(b"\r".to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..40),
            1 => (0..3 * LONGEST).prop_map(|length| vec![b'x'; length]),
        ];
        (prop::collection::vec(line, 0..14), any::<bool>()).prop_map(|(lines, is_ended)| {
            let mut file = lines.join(&b'\n');
            if is_ended {
                file.push(b'\n');
            }
            file
        })
    }

    type Described = (u64, u64, bool, String);

    fn describe(line: &Line) -> Described {
        let content = match &line.content {
            Some(HistoryLine::Record(stats)) => stats.build_id.clone(),
            Some(HistoryLine::Unreadable(line)) => line.reason.to_string(),
            None => "not wanted".to_owned(),
        };
        (line.offset, line.length, line.is_ended, content)
    }

    /// The obvious way: all of the file in memory, split at line ends.
    fn model(file: &[u8]) -> Vec<Described> {
        let mut offset = 0;
        let mut lines = Vec::new();
        for line in file.split_inclusive(|byte| *byte == b'\n') {
            lines.push(describe(&Line::read(line, None, offset, LONGEST, None)));
            offset += line.len() as u64;
        }
        lines
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn reading_from_either_end_finds_the_lines_that_splitting_the_whole_file_finds(
            file in file(),
            block in 1..200_usize,
        ) {
            let expected = model(&file);
            let mut lines = ForwardLines::new(&file[..], LONGEST);
            let mut found = Vec::new();
            while let Some(line) = lines.next_line(None).unwrap() {
                found.push(describe(&line));
                if let Some(HistoryLine::Unreadable(line)) = line.content {
                    prop_assert_eq!(line.line, Some(found.len() as u64));
                    prop_assert_eq!((line.offset, line.bytes), (found[found.len() - 1].0, found[found.len() - 1].1));
                }
            }
            prop_assert_eq!(&found, &expected);

            let mut lines = BackwardLines::new(Cursor::new(&file), block, LONGEST).unwrap();
            let mut found = Vec::new();
            while let Some(line) = lines.next_line(None).unwrap() {
                found.push(describe(&line));
            }
            found.reverse();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_an_error() {
        let whole = format!("{}\n", record(1, "")).repeat(100);
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(whole.as_bytes()).unwrap();
        let mut backward = BackwardLines::new(&file, 64, LONGEST).unwrap();
        file.set_len(10).unwrap();
        let error = backward.next_line(None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}
