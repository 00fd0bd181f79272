//! The lines of a history that could not be read: each is counted once, and a few are described.

use perf_history::UnreadableLine as Unreadable;

/// How many lines are described; the others are only counted.
const MAX_DESCRIBED: usize = 3;

/// The unreadable lines among all lines that were read so far.
///
/// A history is read from its end, possibly several times. Each pass starts over, so it first sees
/// the lines that earlier passes saw.
#[derive(Debug, Default)]
pub(crate) struct UnreadableLines {
    described: Vec<UnreadableLine>,
    count: u64,
    /// The offset of the oldest line counted.
    oldest: Option<u64>,
    /// The number of lines that this pass has seen.
    seen: u64,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadableLine {
    /// Its number counted from the end of the history; the last line is 1.
    pub from_end: u64,
    /// Why it could not be read.
    pub reason: String,
}

impl UnreadableLines {
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The newest few.
    pub(crate) fn described(&self) -> &[UnreadableLine] {
        &self.described
    }

    /// Starts a pass at the end of the history.
    pub(super) fn start_pass(&mut self) {
        self.seen = 0;
    }

    pub(super) fn add_readable(&mut self) {
        self.seen += 1;
    }

    pub(super) fn add_unreadable(&mut self, line: &Unreadable) {
        self.seen += 1;
        if self.oldest.is_some_and(|oldest| line.offset >= oldest) {
            return;
        }
        self.oldest = Some(line.offset);
        self.count += 1;
        if self.described.len() < MAX_DESCRIBED {
            let reason = line.reason.to_string();
            self.described.push(UnreadableLine { from_end: self.seen, reason });
        }
    }
}
