//! The lines of a history in order, in memory that does not grow with it.

use std::io::{self, BufRead, BufReader, Read};

use super::entry::{HistoryLine, UnreadableReason, Wanted, read_where};

/// The longest line that is read, without its end: 8 MiB, the record of some 13,000 phases. A
/// longer one is unreadable, and passed over in blocks. Reading a history never holds more than
/// one line and one block, so it takes at most 32 MiB whatever the file is.
pub const MAX_LINE: usize = 8 << 20;

/// How much is read at once.
pub(super) const BLOCK: usize = 1 << 16;

/// A line as it stands in the file.
pub(super) struct RawLine {
    pub(super) offset: u64,
    /// With its end.
    pub(super) length: u64,
    /// `None` where it is a record that is not wanted.
    pub(super) entry: Option<HistoryLine>,
    pub(super) is_ended: bool,
}

/// Reads a history from its beginning.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    longest: usize,
    number: u64,
    offset: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self::with_longest(input, MAX_LINE)
    }

    pub(super) fn with_longest(input: R, longest: usize) -> Self {
        Self {
            input: BufReader::with_capacity(BLOCK, input),
            buffer: Vec::new(),
            longest,
            number: 0,
            offset: 0,
        }
    }

    /// Where the next line begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn next_line(&mut self, wanted: Wanted<'_>) -> io::Result<Option<RawLine>> {
        // One more for the end of the line, and one to tell a line that is too long.
        let mut length = self.read_on(self.longest as u64 + 2)?;
        if length == 0 {
            return Ok(None);
        }
        let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let mut is_ended = text.len() < self.buffer.len();
        let content = if text.len() > self.longest {
            while !is_ended {
                let more = self.read_on(BLOCK as u64)?;
                if more == 0 {
                    break;
                }
                length += more;
                is_ended = self.buffer.last() == Some(&b'\n');
            }
            Err(UnreadableReason::TooLong)
        } else {
            read_where(text, self.offset == 0, is_ended, wanted)
        };
        let offset = self.offset;
        self.number += 1;
        self.offset += length;
        let line = RawLine {
            offset,
            length,
            entry: HistoryLine::new(content, Some(self.number), offset, length),
            is_ended,
        };
        if self.buffer.capacity() > MAX_LINE / 8 {
            // A single long line is no reason to hold its memory for the rest of the history.
            self.buffer = Vec::new();
        }
        Ok(Some(line))
    }

    /// Reads to the end of the line, but no more than so many bytes, in place of what was read
    /// before.
    fn read_on(&mut self, limit: u64) -> io::Result<u64> {
        self.buffer.clear();
        let mut limited = self.input.by_ref().take(limit);
        Ok(limited.read_until(b'\n', &mut self.buffer)? as u64)
    }
}
