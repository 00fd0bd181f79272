//! The lines of a history in order, in memory that does not grow with it.

use std::io::{self, BufRead, BufReader, Read};

use super::entry::{Entry, UnreadableReason, read};

/// The longest line that is read, without its end: 8 MiB, the record of some 13,000 phases. A
/// longer one is unreadable, and passed over in blocks. Reading a history never holds more than
/// one line and one block, so it takes at most 32 MiB whatever the file is.
pub const MAX_LINE: usize = 8 << 20;

/// A line as it stands in the file.
pub(super) struct RawLine {
    pub(super) offset: u64,
    /// With its end.
    pub(super) length: u64,
    pub(super) entry: Entry,
    pub(super) is_ended: bool,
}

/// Reads a history from its beginning.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    number: u64,
    offset: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            buffer: Vec::new(),
            number: 0,
            offset: 0,
        }
    }

    pub(super) fn next_line(&mut self) -> io::Result<Option<RawLine>> {
        self.buffer.clear();
        // One more for the end of the line, and one to tell a line that is too long.
        let mut limited = self.input.by_ref().take(MAX_LINE as u64 + 2);
        let mut length = limited.read_until(b'\n', &mut self.buffer)? as u64;
        if length == 0 {
            return Ok(None);
        }
        let mut is_ended = self.buffer.last() == Some(&b'\n');
        if !is_ended && self.buffer.len() > MAX_LINE {
            let (rest, end) = skip_line(&mut self.input)?;
            length += rest;
            is_ended = end;
        }
        let offset = self.offset;
        self.number += 1;
        self.offset += length;
        let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let content = if text.len() > MAX_LINE {
            Err(UnreadableReason::TooLong)
        } else {
            read(text, offset == 0, is_ended)
        };
        let line = RawLine {
            offset,
            length,
            entry: Entry::new(content, Some(self.number), offset, length),
            is_ended,
        };
        if self.buffer.capacity() > MAX_LINE / 8 {
            // A single long line is no reason to hold its memory for the rest of the history.
            self.buffer = Vec::new();
        }
        Ok(Some(line))
    }
}

/// Passes over what is left of a line: how much there was, and whether it had an end.
fn skip_line(input: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let mut length = 0;
    loop {
        let block = match input.fill_buf() {
            Ok(block) => block,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if block.is_empty() {
            return Ok((length, false));
        }
        let end = block.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(block.len(), |end| end + 1);
        input.consume(taken);
        length += taken as u64;
        if end.is_some() {
            return Ok((length, true));
        }
    }
}
