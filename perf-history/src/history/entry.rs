//! What a line of a history turned out to be: a record, or what cannot be read and why.

use std::fmt;

use super::lines::MAX_LINE;
use crate::record::{BuildStats, RecordSummary};

/// One line of a history.
#[derive(Debug)]
pub enum HistoryLine {
    /// The record of a build.
    Record(Box<BuildStats>),
    /// A line that cannot be read. It is skipped; `History::repair` moves it away.
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

    /// What a line is; `None` where it is a record that is not wanted.
    pub(super) fn new(
        content: Result<Option<BuildStats>, UnreadableReason>,
        line: Option<u64>,
        offset: u64,
        bytes: u64,
    ) -> Option<Self> {
        match content {
            Ok(stats) => Some(Self::Record(Box::new(stats?))),
            Err(reason) => Some(Self::Unreadable(UnreadableLine { line, offset, bytes, reason })),
        }
    }
}

/// A line that cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnreadableLine {
    /// Its number, the first line's being 1. `None` where the history was read from its end.
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

/// What some editors put at the beginning of a file of UTF-8; it says nothing.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Which records a search wants; `None` for all.
pub(super) type Wanted<'w> = Option<&'w mut dyn FnMut(&RecordSummary<'_>) -> bool>;

/// Reads the text of a line, without its end, if the record on it is wanted. Others are not read
/// where a summary is enough to tell.
pub(super) fn read_where(
    text: &[u8],
    is_first: bool,
    is_ended: bool,
    wanted: Wanted<'_>,
) -> Result<Option<BuildStats>, UnreadableReason> {
    let Some(wanted) = wanted else { return read(text, is_first, is_ended).map(Some) };
    let summary = std::str::from_utf8(text).ok().and_then(RecordSummary::at);
    let is_known = match &summary {
        Some(summary) if !wanted(summary) => return Ok(None),
        summary => summary.is_some(),
    };
    let stats = read(text, is_first, is_ended)?;
    Ok((is_known || wanted(&RecordSummary::new(&stats))).then_some(stats))
}

/// Reads the text of a line, without its end.
pub(super) fn read(
    text: &[u8],
    is_first: bool,
    is_ended: bool,
) -> Result<BuildStats, UnreadableReason> {
    let text = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if is_first => rest,
        _ => text,
    };
    if text.trim_ascii().is_empty() {
        return Err(UnreadableReason::Blank);
    }
    // PERF: text that is known to be UTF-8 as a whole is parsed about a tenth faster.
    let record = match std::str::from_utf8(text) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(text),
    };
    record.map_err(|error: serde_json::Error| {
        if !is_ended {
            UnreadableReason::Torn
        } else if error.is_data() {
            UnreadableReason::NotARecord(error.to_string())
        } else {
            UnreadableReason::NotJson(error.to_string())
        }
    })
}
