//! Which records of a history are meant, and which of them may be compared.
//!
//! [`Selection`] goes through a history from its newest record and stops as soon as it knows
//! enough, so that the cost depends on how far back one looks and not on how long the history is.

mod build_ref;
mod filter;
mod nearest;
mod precedents;
mod series;
mod session;
mod since;
mod unreadable;

pub use build_ref::{BuildRef, BuildRefError};
pub use filter::{Filter, Mode};
pub use precedents::{Precedents, is_on};
pub use series::{Difference, SeriesKey};
pub(crate) use session::flaw;
pub use session::{PassedOver, Session, is_typical, sessions_of};
pub use since::{Since, SinceError};
pub use unreadable::{UnreadableLine, UnreadableLines};

use perf_history::history::HistoryLines;
use perf_history::{BuildStats, History, HistoryError, HistoryLine, RecordSummary};

use nearest::Nearest;

/// How many records in a row may be older than [`Filter::since`] before the search ends. Records
/// stand in the order in which builds ended, so that only clocks that were set and histories that
/// were put together by hand are out of order, and nobody waits for the rest of a long history.
pub const MAX_OLDER: usize = 1_000;

/// A set ends where so many builds in a row are none of its own: builds that belong together stand
/// near each other, and nobody waits for the rest of a long history.
pub const MAX_GAP: usize = 5_000;

/// The most builds that a set has: its newest.
pub const MAX_SET: usize = 1_000;

/// The records of a history that a [`Filter`] lets through.
#[derive(Debug)]
pub struct Selection {
    history: History,
    filter: Filter,
    unreadable: UnreadableLines,
}

/// Why builds cannot be selected.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// No record passes the filter.
    #[error("there are no builds{filter}")]
    NoBuilds {
        /// What the filter says: ` of tool "my-site"`; empty where it lets everything through.
        filter: String,
    },
    /// There are builds, but none that is meant.
    #[error("no build is {reference}{filter}{}", suggestion_of(.suggestion.as_ref()))]
    Unknown {
        /// What was asked for.
        reference: BuildRef,
        /// What the filter says.
        filter: String,
        /// What may have been meant.
        suggestion: Option<String>,
    },
    /// There are fewer builds than it takes to count back so far.
    #[error("there is no build {reference}: {} all that there is{filter}", builds_are(*.builds))]
    TooFew {
        /// What was asked for.
        reference: BuildRef,
        /// How many builds there are.
        builds: usize,
        /// What the filter says.
        filter: String,
    },
}

fn suggestion_of(suggestion: Option<&String>) -> String {
    suggestion.map_or_else(String::new, |it| format!("; did you mean {it:?}?"))
}

fn builds_are(builds: usize) -> String {
    if builds == 1 { "1 build is".to_owned() } else { format!("{builds} builds are") }
}

impl Selection {
    /// The records of `history` that pass `filter`. Nothing is read yet.
    #[must_use]
    pub fn new(history: History, filter: Filter) -> Self {
        Self { history, filter, unreadable: UnreadableLines::default() }
    }

    /// The history.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The filter.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The lines that could not be read, of all that were looked at so far.
    #[must_use]
    pub fn unreadable(&self) -> &UnreadableLines {
        &self.unreadable
    }

    /// The builds that pass the filter, newest first, read as they are asked for.
    pub fn builds(&mut self) -> Builds<'_> {
        self.unreadable.begin();
        Builds {
            lines: self.history.newest_first(),
            filter: &self.filter,
            unreadable: &mut self.unreadable,
            older: 0,
        }
    }

    /// The newest build that is meant.
    ///
    /// # Errors
    ///
    /// The history cannot be read, or there is no such build.
    pub fn newest(&mut self, reference: &BuildRef) -> Result<BuildStats, SelectError> {
        let skip = match reference {
            BuildRef::Nth(n) => n.get() - 1,
            _ => 0,
        };
        let mut nearest = Nearest::to(reference);
        let mut count = 0;
        let mut passed = 0;
        let found = self.builds().next_where(|summary| {
            count += 1;
            if !reference.is(summary) {
                nearest.consider(summary);
                return false;
            }
            passed += 1;
            passed > skip
        });
        if let Some(stats) = found {
            return Ok(stats?);
        }
        Err(self.not_found(reference, count, nearest))
    }

    /// All builds that are meant, newest first; at most [`MAX_SET`], and none beyond a gap of
    /// [`MAX_GAP`]. There is at least one.
    ///
    /// An id, `latest` and a number mean one build. A commit means its builds. A label or a branch
    /// means the newest builds of its own that are on one commit, and of one session where they
    /// say so.
    ///
    /// # Errors
    ///
    /// The history cannot be read, or there is no such build.
    pub fn set(&mut self, reference: &BuildRef) -> Result<Vec<BuildStats>, SelectError> {
        let mut nearest = Nearest::to(reference);
        let mut set: Vec<BuildStats> = Vec::new();
        let mut count = 0;
        if matches!(reference, BuildRef::Latest | BuildRef::Nth(_)) {
            return Ok(vec![self.newest(reference)?]);
        }
        let mut builds = self.builds();
        loop {
            let (mut gap, is_first) = (0, set.is_empty());
            let next = builds.next_where(|summary| {
                count += 1;
                if reference.is(summary) {
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
                Some(newest) if !reference.joins(newest, &stats) => break,
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
                let suggestion = nearest.found();
                SelectError::Unknown { reference, filter, suggestion }
            }
        }
    }
}

/// Goes through the builds of a [`Selection`], newest first.
///
/// Ends with the history, at an error, or where all has been older than the filter's date for
/// [`MAX_OLDER`] records.
#[derive(Debug)]
pub struct Builds<'a> {
    lines: HistoryLines,
    filter: &'a Filter,
    unreadable: &'a mut UnreadableLines,
    older: usize,
}

impl Builds<'_> {
    /// The next build of those that are wanted; others are not read.
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
                Ok(Some(HistoryLine::Unreadable(line))) => self.unreadable.add(&line),
                Ok(None) => self.unreadable.pass(),
                Ok(Some(HistoryLine::Record(stats))) => {
                    self.unreadable.pass();
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

#[cfg(test)]
mod precedents_tests;
#[cfg(test)]
mod tests;
