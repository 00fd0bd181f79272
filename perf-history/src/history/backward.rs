//! The lines of a history from its end, at a cost that depends on how far back one reads.

use std::io::{self, Read, Seek, SeekFrom};

use super::entry::{HistoryLine, UnreadableReason, Wanted, read_where};
use super::lines::{BLOCK, MAX_LINE, RawLine};

/// Reads a history from the end that it had when the reading began.
#[derive(Debug)]
pub(super) struct BackwardLines<R> {
    input: R,
    block: usize,
    longest: usize,
    /// The part of the file before the lines already returned is that before `start`, not read
    /// yet, and `buffer`.
    start: u64,
    buffer: Vec<u8>,
}

impl<R: Read + Seek> BackwardLines<R> {
    pub(super) fn new(input: R) -> io::Result<Self> {
        Self::with_limits(input, BLOCK, MAX_LINE)
    }

    fn with_limits(mut input: R, block: usize, longest: usize) -> io::Result<Self> {
        Ok(Self { start: input.seek(SeekFrom::End(0))?, input, block, longest, buffer: Vec::new() })
    }

    pub(super) fn previous_line(&mut self, wanted: Wanted<'_>) -> io::Result<Option<RawLine>> {
        if self.buffer.is_empty() && !self.read_block()? {
            return Ok(None);
        }
        let is_ended = self.buffer.last() == Some(&b'\n');
        // Bytes at the end of the buffer that hold no end of an earlier line.
        let mut searched = usize::from(is_ended);
        loop {
            let unsearched = &self.buffer[..self.buffer.len() - searched];
            if let Some(end) = unsearched.iter().rposition(|byte| *byte == b'\n') {
                return Ok(Some(self.take_line(end + 1, is_ended, wanted)));
            }
            searched = self.buffer.len();
            if self.start == 0 {
                return Ok(Some(self.take_line(0, is_ended, wanted)));
            }
            if self.buffer.len() - usize::from(is_ended) > self.longest {
                return self.skip_line(is_ended).map(Some);
            }
            self.read_block()?;
        }
    }

    /// Takes what is in the buffer from `begin` on as a line.
    fn take_line(&mut self, begin: usize, is_ended: bool, wanted: Wanted<'_>) -> RawLine {
        let offset = self.start + begin as u64;
        let line = &self.buffer[begin..];
        let length = line.len() as u64;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let content = if text.len() > self.longest {
            Err(UnreadableReason::TooLong)
        } else {
            read_where(text, offset == 0, is_ended, wanted)
        };
        self.buffer.truncate(begin);
        RawLine { offset, length, entry: HistoryLine::new(content, None, offset, length), is_ended }
    }

    /// Passes over a line that is too long and begins before the buffer.
    fn skip_line(&mut self, is_ended: bool) -> io::Result<RawLine> {
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
        Ok(RawLine {
            offset,
            length,
            entry: HistoryLine::new(Err(UnreadableReason::TooLong), None, offset, length),
            is_ended,
        })
    }

    /// Puts the block that precedes the buffer in front of it; false where there is none. Blocks
    /// grow with the buffer, so that a long line is not moved again for each of them, but not past
    /// the longest line.
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
        let got = self.input.by_ref().take(size).read_to_end(&mut block)? as u64;
        if got < size {
            // A writer whose disk was full took back what it had begun.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        block.append(&mut self.buffer);
        self.buffer = block;
        self.start -= size;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::entry::read;
    use super::super::random_files::{file, record};
    use super::*;

    const LONGEST: usize = 300;

    /// What a line should turn out to be, and nothing else.
    fn outcome(entry: Option<&HistoryLine>) -> String {
        match entry {
            Some(HistoryLine::Record(stats)) => stats.build_id.clone(),
            Some(HistoryLine::Unreadable(line)) => line.reason.to_string(),
            None => "not wanted".to_owned(),
        }
    }

    /// The obvious way: all of the file in memory, split at line ends.
    fn model(file: &[u8]) -> Vec<(u64, u64, String)> {
        let mut offset = 0;
        let mut lines = Vec::new();
        for line in file.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let content = if text.len() > LONGEST {
                Err(UnreadableReason::TooLong)
            } else {
                read(text, offset == 0, line.ends_with(b"\n")).map(Some)
            };
            let length = line.len() as u64;
            lines.push((
                offset,
                length,
                outcome(HistoryLine::new(content, None, 0, length).as_ref()),
            ));
            offset += length;
        }
        lines
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn reading_from_the_end_finds_the_lines_that_splitting_the_whole_finds(
            file in file(LONGEST),
            block in 1..200_usize,
        ) {
            let mut backward =
                BackwardLines::with_limits(Cursor::new(&file), block, LONGEST).unwrap();
            let mut found = Vec::new();
            while let Some(line) = backward.previous_line(None).unwrap() {
                found.push((line.offset, line.length, outcome(line.entry.as_ref())));
            }
            found.reverse();
            prop_assert_eq!(found, model(&file));
        }
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_an_error() {
        let whole = format!("{}\n", record(1, "")).repeat(100);
        let file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut &file, whole.as_bytes()).unwrap();
        let mut backward = BackwardLines::with_limits(&file, 64, LONGEST).unwrap();
        file.set_len(10).unwrap();
        let error = backward.previous_line(None).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
