//! Writing to a history: one line at its end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::error::{HistoryError, IoContext};
use super::line::MAX_LINE;
use crate::record::BuildStats;

/// A record as it goes to the file.
pub(super) struct RecordLine {
    /// The end of a torn line, the record, and its own end: whichever part is needed is one
    /// slice, and so one write.
    bytes: Vec<u8>,
}

impl RecordLine {
    pub(super) fn new(stats: &BuildStats) -> Result<Self, HistoryError> {
        // Around what a record with many phases takes.
        let mut bytes = Vec::with_capacity(1024 + stats.phases.len() * 512);
        bytes.push(b'\n');
        serde_json::to_writer(&mut bytes, stats).map_err(|source| HistoryError::Unwritable {
            build_id: stats.build_id.clone(),
            source: source.into(),
        })?;
        if bytes.len() - 1 > MAX_LINE {
            return Err(HistoryError::TooLong {
                build_id: stats.build_id.clone(),
                bytes: bytes.len() - 1,
                limit: MAX_LINE,
            });
        }
        bytes.push(b'\n');
        Ok(Self { bytes })
    }

    /// The record and the end of its line.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[1..]
    }

    /// Appends the line to the history; ends a torn line first. The lock must be held.
    pub(super) fn append_to(&self, path: &Path) -> Result<(), HistoryError> {
        let (mut file, length) = open_for_appending(path)?;
        let bytes = if is_torn(&mut file, length).context("read the end of", path)? {
            &self.bytes
        } else {
            self.bytes()
        };
        write_whole(&mut file, length, bytes).context("append to", path)
    }
}

/// Opens a file to append to it, and returns its length.
pub(super) fn open_for_appending(path: &Path) -> Result<(File, u64), HistoryError> {
    // Opened for reading as well, a pipe does not block; it is refused below.
    let file =
        OpenOptions::new().read(true).append(true).create(true).open(path).context("open", path)?;
    let metadata = file.metadata().context("look at", path)?;
    if !metadata.is_file() {
        return Err(HistoryError::NotAFile { action: "append to", path: path.to_owned() });
    }
    Ok((file, metadata.len()))
}

/// Whether the last line has no end: its writer was killed.
pub(super) fn is_torn(file: &mut File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else {
        return Ok(false);
    };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    Ok(byte != *b"\n")
}

/// Writes all of it, or leaves the file as long as it was.
pub(super) fn write_whole(file: &mut File, length: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes).inspect_err(|_| {
        // If this fails too there is a torn line, which the next append ends.
        let _ = file.set_len(length);
    })
}
