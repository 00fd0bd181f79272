//! What the model knows about a build and its phases. Of each duration, it knows a lower and an upper bound.

use std::collections::{BTreeMap, BTreeSet};

use super::program::NAMES;
use super::trace::Request;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) alloc_count: u64,
    pub(crate) alloc_bytes: u64,
    pub(crate) freed_count: u64,
    pub(crate) freed_bytes: u64,
    pub(crate) realloc_count: u64,
}

impl Memory {
    pub(crate) fn add(&mut self, request: Request) {
        match request {
            Request::Alloc(size) => {
                self.alloc_count += 1;
                self.alloc_bytes += size as u64;
            }
            Request::Free(size) => {
                self.freed_count += 1;
                self.freed_bytes += size as u64;
            }
            Request::Realloc(old, new) => {
                self.realloc_count += 1;
                self.alloc_bytes += new.saturating_sub(old) as u64;
                self.freed_bytes += old.saturating_sub(new) as u64;
            }
        }
    }
}

/// By how much a request changes the live heap.
pub(crate) fn growth(request: Request) -> i64 {
    let signed = |size: usize| size.cast_signed() as i64;
    match request {
        Request::Alloc(size) => signed(size),
        Request::Free(size) => -signed(size),
        Request::Realloc(old, new) => signed(new) - signed(old),
    }
}

/// The names from the root.
pub(crate) type Path = Vec<usize>;

pub(crate) fn text(path: &[usize]) -> String {
    path.iter().map(|&name| NAMES[name]).collect::<Vec<_>>().join("/")
}

/// The true values of a phase.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    pub(crate) calls: u64,
    pub(crate) open_calls: u64,
    pub(crate) polls: u64,
    pub(crate) panics: u64,
    pub(crate) cancelled: u64,
    pub(crate) items: u64,
    pub(crate) threads: BTreeSet<usize>,
    pub(crate) total: Memory,
    pub(crate) alone: Memory,
    pub(crate) peak: i64,
    /// If it was on a stack of the build thread.
    pub(crate) process_peak: Option<i64>,
    pub(crate) latency: Span,
    pub(crate) first_entry: Option<Span>,
    pub(crate) last_exit: Span,
}

/// The true values of a build.
#[derive(Debug)]
pub(crate) struct Build {
    pub(crate) own: usize,
    pub(crate) open: bool,
    pub(crate) phases: BTreeMap<Path, Phase>,
    pub(crate) outside: Memory,
    pub(crate) unclaimed: Option<Memory>,
    pub(crate) process_peak: i64,
    pub(crate) process_end: i64,
    /// Threads other than the build thread that sent requests.
    pub(crate) helped: BTreeSet<usize>,
    pub(crate) started: Span,
    pub(crate) ended: Span,
    pub(crate) clocks: BTreeMap<Clock, Span>,
}

/// The path and all paths above it, the topmost first.
pub(crate) fn prefixes(path: &[usize]) -> impl Iterator<Item = Path> {
    (1..=path.len()).map(|len| path[..len].to_vec())
}

/// Bounds of a duration or an instant, in nanoseconds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// What the time of a thread is counted in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Clock {
    Total(Path),
    Alone(Path),
    Own(Path),
    OwnAlone(Path),
    /// The build thread, in no phase.
    Outside,
}

impl Span {
    /// From one instant to a later one.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            low: self.low.saturating_sub(earlier.high),
            high: self.high.saturating_sub(earlier.low),
        }
    }

    /// Whether a recorded time is within the bounds. The clock is calibrated at the start and the end of
    /// a build, which scales the times between.
    pub(crate) fn admits(self, milliseconds: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        let [low, high] = [self.low, self.high].map(|nanoseconds| nanoseconds as f64 / 1e6);
        let slack = 0.005 + 0.01 * milliseconds.abs();
        milliseconds >= low - slack && milliseconds <= high + slack
    }
}
