//! One line of a history: the record on it, or why it cannot be read.

use std::fmt;

use crate::record::{BuildStats, RecordSummary};

/// The longest line that is read, without its end: 8 MiB, the record of some 13,000 phases. A
/// longer line is unreadable, and skipped in blocks. Reading a history never holds more than one
/// line and one block, so it takes at most 32 MiB whatever the file is.
pub const MAX_LINE: usize = 8 << 20;

/// One line of a history.
#[derive(Debug)]
pub enum HistoryLine {
    /// The record of a build.
    Record(Box<BuildStats>),
    /// A line that cannot be read. Readers skip it; `History::repair` moves it away.
    Unreadable(UnreadableLine),
}

impl HistoryLine {
    /// The record, if it could be read.
    #[must_use]
    pub fn into_record(self) -> Option<BuildStats> {
        match self {
            Self::Record(stats) => Some(*stats),
            Self::Unreadable(_) => None,
        }
    }
}

/// A line that cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnreadableLine {
    /// Its number; the first line is 1. `None` where the history was read from its end.
    pub line: Option<u64>,
    /// Where it begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// Its length in bytes, with its end.
    pub bytes: u64,
    /// Why it cannot be read.
    pub reason: UnreadableReason,
}

/// Why a line cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadableReason {
    /// There is nothing on it.
    Blank,
    /// It is longer than [`MAX_LINE`](crate::history::MAX_LINE).
    TooLong,
    /// It is the last line and incomplete: its writer was killed, or is still at work.
    Torn,
    /// It is not JSON in UTF-8, for this reason.
    NotJson(String),
    /// It is JSON, but not the record of a build, for this reason.
    NotARecord(String),
}

impl fmt::Display for UnreadableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("it is blank"),
            Self::TooLong => write!(f, "it is longer than {MAX_LINE} bytes"),
            Self::Torn => f.write_str("it was not written to its end"),
            Self::NotJson(reason) => write!(f, "it is not JSON: {reason}"),
            Self::NotARecord(reason) => write!(f, "it is not a record: {reason}"),
        }
    }
}

impl std::error::Error for UnreadableReason {}

/// What some editors put at the beginning of a UTF-8 file; it has no meaning.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The text of a line, without its end.
#[derive(Clone, Copy)]
pub(super) struct LineText<'a> {
    pub(super) text: &'a [u8],
    /// Whether it is the first line of the file.
    pub(super) is_first: bool,
    /// Whether the line has an end.
    pub(super) is_ended: bool,
}

impl LineText<'_> {
    /// Reads the record on the line.
    pub(super) fn read(self) -> Result<BuildStats, UnreadableReason> {
        let text = match self.text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if self.is_first => rest,
            _ => self.text,
        };
        if text.trim_ascii().is_empty() {
            return Err(UnreadableReason::Blank);
        }
        // PERF: text that is known to be UTF-8 as a whole is parsed about a tenth faster.
        let record = match std::str::from_utf8(text) {
            Ok(text) => serde_json::from_str(text),
            Err(error) => return Err(self.not_json(&error.to_string())),
        };
        record.map_err(|error: serde_json::Error| {
            if self.is_ended && error.is_data() {
                UnreadableReason::NotARecord(error.to_string())
            } else {
                self.not_json(&error.to_string())
            }
        })
    }

    fn not_json(self, reason: &str) -> UnreadableReason {
        if self.is_ended {
            UnreadableReason::NotJson(reason.to_owned())
        } else {
            UnreadableReason::Torn
        }
    }

    /// Reads the record if `wanted` accepts its summary; `None` if not. Where the summary can be
    /// read without the rest, a record that is not wanted is not read.
    pub(super) fn read_if(
        self,
        wanted: &mut dyn FnMut(&RecordSummary<'_>) -> bool,
    ) -> Result<Option<BuildStats>, UnreadableReason> {
        if let Some(summary) = RecordSummary::from_line(self.text) {
            return if wanted(&summary) { self.read().map(Some) } else { Ok(None) };
        }
        let stats = self.read()?;
        let is_wanted = wanted(&RecordSummary::new(&stats));
        Ok(is_wanted.then_some(stats))
    }
}
