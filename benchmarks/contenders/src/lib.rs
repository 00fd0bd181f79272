//! The work that every contender does, and how it is timed.
//!
//! A contender is a program with one way of measuring built in. It annotates the functions that
//! [`phases!`] writes, says in [`Contender`] how its measuring starts, and leaves the rest to
//! [`main`]. A process does one workload, so that no workload leaves state behind for the next.

mod annotated;
mod batches;
mod contender;
mod counter;
mod work;

use serde::{Deserialize, Serialize};

pub use annotated::Phases;
pub use batches::{Timing, lower_quartile};
pub use contender::{Contender, KNOWN, Memory, Seen, Start, main, now_ns};

/// What the expansion of [`phases!`] names.
#[doc(hidden)]
pub mod __private {
    pub use crate::work::Yields;
    pub use seq_macro::seq;
}

/// A piece of work that is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// One phase, entered and exited repeatedly.
    TightCall,
    /// Ten phases, each inside the one before.
    TenNested,
    /// A hundred phases, each with its own call site.
    HundredSites,
    /// The tight call on two threads at once.
    TwoThreads,
    /// The tight call on eight threads at once.
    EightThreads,
    /// A future that is polled a thousand times.
    ThousandPolls,
    /// A closure that is made in a phase and called on another thread.
    HandedToAnotherThread,
    /// A block of 8 bytes, allocated and freed.
    Alloc8,
    /// The same on two threads at once.
    Alloc8TwoThreads,
    /// A block of 1 KiB, allocated and freed.
    Alloc1K,
    /// The same on two threads at once.
    Alloc1KTwoThreads,
}

/// What a workload exercises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Entering and exiting phases. The reference is two reads of a counter.
    Phases,
    /// Polling a future inside a phase. The reference is two reads of a counter.
    Polls,
    /// Hand-off to another thread. The reference is two reads of a counter on that thread.
    HandOff,
    /// The allocator. The reference is the system's allocator in the same process.
    Allocations,
}

impl Workload {
    /// All workloads, in the order of the report.
    pub const ALL: [Self; 11] = [
        Self::TightCall,
        Self::TenNested,
        Self::HundredSites,
        Self::TwoThreads,
        Self::EightThreads,
        Self::ThousandPolls,
        Self::HandedToAnotherThread,
        Self::Alloc8,
        Self::Alloc8TwoThreads,
        Self::Alloc1K,
        Self::Alloc1KTwoThreads,
    ];

    /// What it exercises.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::ThousandPolls => Kind::Polls,
            Self::HandedToAnotherThread => Kind::HandOff,
            Self::Alloc8 | Self::Alloc8TwoThreads | Self::Alloc1K | Self::Alloc1KTwoThreads => {
                Kind::Allocations
            }
            _ => Kind::Phases,
        }
    }

    /// How many threads do it at once.
    #[must_use]
    pub fn threads(self) -> usize {
        match self {
            Self::TwoThreads | Self::Alloc8TwoThreads | Self::Alloc1KTwoThreads => 2,
            Self::EightThreads => 8,
            _ => 1,
        }
    }

    /// Its name on a command line and in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TightCall => "tight-call",
            Self::TenNested => "ten-nested",
            Self::HundredSites => "hundred-sites",
            Self::TwoThreads => "two-threads",
            Self::EightThreads => "eight-threads",
            Self::ThousandPolls => "thousand-polls",
            Self::HandedToAnotherThread => "handed-to-another-thread",
            Self::Alloc8 => "alloc-8",
            Self::Alloc8TwoThreads => "alloc-8-two-threads",
            Self::Alloc1K => "alloc-1k",
            Self::Alloc1KTwoThreads => "alloc-1k-two-threads",
        }
    }

    /// The workload with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_found_by_its_name() {
        for workload in Workload::ALL {
            assert_eq!(Workload::from_name(workload.name()), Some(workload));
        }
        assert_eq!(Workload::from_name("no-such-workload"), None);
    }
}
