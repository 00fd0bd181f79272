//! Selects the records of a history that the user asked for, and those that may be compared.
//!
//! [`Selection`] reads a history from its newest record and stops as soon as it has found what it
//! needs, so the cost depends on how far back it has to look and not on the history's length.

mod baseline;
#[cfg(test)]
mod baseline_tests;
mod build_ref;
mod filter;
mod series;
mod session;
#[cfg(test)]
mod tests;

use build_ref::Nearest;
use perf_history::history::HistoryLines;
use perf_history::{
    BuildStats, History, HistoryError, HistoryLine, RecordSummary, UnreadableLine as Unreadable,
};

use crate::present::units;

pub(crate) use baseline::Baseline;
pub(crate) use build_ref::BuildRef;
pub(crate) use filter::{Filter, Mode, Since};
pub(crate) use series::{Difference, SeriesKey};
pub(crate) use session::{PassedOver, Session, exclusion_reason, group_sessions, is_typical};

/// A search limited by [`Filter::since`] ends after this many older records in a row. Records are in
/// the order in which builds ended, except where a clock was set back or histories were merged by hand.
const MAX_OLDER: usize = 1_000;

/// A set ends after this many builds in a row that do not belong to it, to avoid reading all of a long
/// history. Builds that belong together are close to each other.
const MAX_GAP: usize = 5_000;

/// The most builds in a set: the newest are kept.
const MAX_SET: usize = 1_000;

/// The records of a history that pass a [`Filter`].
#[derive(Debug)]
pub(crate) struct Selection {
    history: History,
    filter: Filter,
    unreadable: UnreadableLines,
}

/// Why builds cannot be selected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelectError {
    #[error(transparent)]
    History(#[from] HistoryError),
    /// No record passes the filter, which is shown as in ` of tool "my-site"`.
    #[error("there are no builds{filter}")]
    NoBuilds { filter: String },
    /// There are builds, but the reference matches none.
    #[error(
        "no build matches {reference}{filter}{}",
        .suggestion.as_ref().map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
    )]
    Unknown { reference: BuildRef, filter: String, suggestion: Option<String> },
    /// There are fewer builds than the reference counts back.
    #[error(
        "there is no build {reference}: there {} only {}{filter}",
        if *.builds == 1 { "is" } else { "are" },
        units::counted(*.builds, "build")
    )]
    TooFew { reference: BuildRef, builds: usize, filter: String },
}

impl Selection {
    /// The records of `history` that pass `filter`. Nothing is read yet.
    pub(crate) fn new(history: History, filter: Filter) -> Self {
        Self { history, filter, unreadable: UnreadableLines::default() }
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The unreadable lines among all lines that were read so far.
    pub(crate) fn unreadable(&self) -> &UnreadableLines {
        &self.unreadable
    }

    /// The builds that pass the filter, newest first, read on demand.
    pub(crate) fn builds(&mut self) -> Builds<'_> {
        self.unreadable.start_pass();
        Builds {
            lines: self.history.newest_first(),
            filter: &self.filter,
            unreadable: &mut self.unreadable,
            older: 0,
        }
    }

    /// The newest build that `reference` refers to.
    pub(crate) fn newest(&mut self, reference: &BuildRef) -> Result<BuildStats, SelectError> {
        let skip = match reference {
            BuildRef::Nth(n) => n.get() - 1,
            _ => 0,
        };
        let mut nearest = Nearest::new(reference);
        let (mut count, mut matching) = (0, 0);
        let found = self.builds().next_where(|summary| {
            count += 1;
            if !reference.matches(summary) {
                nearest.consider(summary);
                return false;
            }
            matching += 1;
            matching > skip
        });
        if let Some(stats) = found {
            return Ok(stats?);
        }
        Err(self.not_found(reference, count, nearest))
    }

    /// All builds that `reference` refers to, newest first; at most [`MAX_SET`], and none beyond a
    /// gap of [`MAX_GAP`]. There is at least one.
    ///
    /// An id, `latest` and a number refer to one build, a commit to its builds. A label or a branch
    /// refers to the newest builds that have it and are on one commit, and of one session if their
    /// labels contain it.
    pub(crate) fn set(&mut self, reference: &BuildRef) -> Result<Vec<BuildStats>, SelectError> {
        if matches!(reference, BuildRef::Latest | BuildRef::Nth(_)) {
            return Ok(vec![self.newest(reference)?]);
        }
        let mut nearest = Nearest::new(reference);
        let mut set: Vec<BuildStats> = Vec::new();
        let mut count = 0;
        let mut builds = self.builds();
        loop {
            let (mut gap, is_first) = (0, set.is_empty());
            let next = builds.next_where(|summary| {
                count += 1;
                if reference.matches(summary) {
                    return true;
                }
                if is_first {
                    nearest.consider(summary);
                    return false;
                }
                gap += 1;
                gap == MAX_GAP
            });
            let Some(stats) = next.filter(|_| gap < MAX_GAP) else { break };
            let stats = stats?;
            match set.first() {
                Some(newest) if !reference.is_same_set(newest, &stats) => break,
                _ => set.push(stats),
            }
            if set.len() == MAX_SET || reference.is_id_of(&set[0]) {
                break;
            }
        }
        if set.is_empty() {
            return Err(self.not_found(reference, count, nearest));
        }
        Ok(set)
    }

    fn not_found(&self, reference: &BuildRef, count: usize, nearest: Nearest<'_>) -> SelectError {
        let (reference, filter) = (reference.clone(), self.filter.to_string());
        match (count, &reference) {
            (0, _) => SelectError::NoBuilds { filter },
            (builds, BuildRef::Nth(_)) => SelectError::TooFew { reference, builds, filter },
            _ => {
                let suggestion = nearest.into_suggestion();
                SelectError::Unknown { reference, filter, suggestion }
            }
        }
    }
}

/// An iterator over the builds of a [`Selection`], newest first.
///
/// It ends with the history, at an error, or after [`MAX_OLDER`] records in a row that are older than
/// the filter's date.
#[derive(Debug)]
pub(crate) struct Builds<'a> {
    lines: HistoryLines,
    filter: &'a Filter,
    unreadable: &'a mut UnreadableLines,
    older: usize,
}

impl Builds<'_> {
    /// The next build whose summary is `wanted`; other records are not parsed.
    pub(super) fn next_where(
        &mut self,
        mut wanted: impl FnMut(&RecordSummary<'_>) -> bool,
    ) -> Option<Result<BuildStats, HistoryError>> {
        while self.older < MAX_OLDER {
            let (filter, older) = (self.filter, &mut self.older);
            let line = self.lines.next_where(|summary| {
                *older = if filter.is_too_old(summary) { *older + 1 } else { 0 };
                *older == 0 && filter.admits(summary) && wanted(summary)
            });
            match line? {
                Err(error) => return Some(Err(error)),
                Ok(Some(HistoryLine::Unreadable(line))) => self.unreadable.add_unreadable(&line),
                Ok(None) => self.unreadable.add_readable(),
                Ok(Some(HistoryLine::Record(stats))) => {
                    self.unreadable.add_readable();
                    return Some(Ok(*stats));
                }
            }
        }
        None
    }
}

impl Iterator for Builds<'_> {
    type Item = Result<BuildStats, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_where(|_| true)
    }
}

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
    fn start_pass(&mut self) {
        self.seen = 0;
    }

    fn add_readable(&mut self) {
        self.seen += 1;
    }

    fn add_unreadable(&mut self, line: &Unreadable) {
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
