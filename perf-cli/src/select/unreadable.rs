//! The lines of a history that could not be read: counted once each, and a few of them described.

use perf_history::Unreadable;

/// How many lines are described; the others are only counted.
const DESCRIBED: usize = 3;

/// What could not be read, of all that was looked at so far.
///
/// A history is read from its end, perhaps several times, so that each reading sees what the one
/// before saw, and perhaps more.
#[derive(Debug, Default)]
pub(crate) struct UnreadableLines {
    described: Vec<UnreadableLine>,
    count: u64,
    /// Where the oldest line of these begins.
    oldest: Option<u64>,
    /// How many lines this reading has passed.
    passed: u64,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadableLine {
    /// Its number counted from the end of the history, the last line being 1.
    pub from_end: u64,
    /// Why it could not be read.
    pub reason: String,
}

impl UnreadableLines {
    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The newest few.
    pub(crate) fn described(&self) -> &[UnreadableLine] {
        &self.described
    }

    /// Begins a reading from the end of the history.
    pub(super) fn begin(&mut self) {
        self.passed = 0;
    }

    /// Passes a line that could be read.
    pub(super) fn pass(&mut self) {
        self.passed += 1;
    }

    pub(super) fn add(&mut self, line: &Unreadable) {
        self.passed += 1;
        if self.oldest.is_some_and(|oldest| line.offset >= oldest) {
            return;
        }
        self.oldest = Some(line.offset);
        self.count += 1;
        if self.described.len() < DESCRIBED {
            let reason = line.reason.to_string();
            self.described.push(UnreadableLine { from_end: self.passed, reason });
        }
    }
}
