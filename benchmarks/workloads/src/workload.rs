//! What there is to do, and what is told of having done it.

use serde::{Deserialize, Serialize};

/// A piece of work that every contender can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// One phase entered and exited, over and over.
    TightCall,
    /// Ten phases, each inside the one before.
    TenNested,
    /// A hundred phases, each at its own place in the source.
    HundredSites,
    /// The tight call on two threads at once.
    TwoThreads,
    /// The tight call on eight threads at once.
    EightThreads,
    /// A future that is polled a thousand times.
    ThousandPolls,
    /// A closure that is handed off, called where nothing is measured.
    HandedOutside,
    /// A closure that is handed off, called in the phase that made it.
    HandedInItsPhase,
    /// The same, called in another phase on the same thread.
    HandedInAnotherPhase,
    /// The same, called on another thread, which is in no phase.
    HandedToAnotherThread,
    /// A future that is handed off, polled on another thread.
    HandedFuture,
    /// A block of 8 bytes, allocated and freed.
    Alloc8,
    /// The same on two threads at once.
    Alloc8TwoThreads,
    /// A block of 1 KiB, allocated and freed.
    Alloc1K,
    /// The same on two threads at once.
    Alloc1KTwoThreads,
    /// A block of 64 KiB, allocated and freed.
    Alloc64K,
    /// A `Vec<u64>` that grows to 256 elements by `push`.
    VecGrowth,
    /// Blocks of 64 bytes, freed on another thread than the one that allocated them.
    FreedElsewhere,
    /// pulldown-cmark over a set of READMEs, three phases each.
    Readmes,
}

/// What a workload burdens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Entries and exits of phases; the reference is two reads of a counter.
    Phases,
    /// Closures and futures that go on with a phase elsewhere; the reference is two reads of a counter.
    HandedOff,
    /// The allocator; the reference is the system's allocator in the same process.
    Allocations,
    /// A real program; the reference is a checksum over its input.
    Program,
}

impl Workload {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 19] = [
        Self::TightCall,
        Self::TenNested,
        Self::HundredSites,
        Self::TwoThreads,
        Self::EightThreads,
        Self::ThousandPolls,
        Self::HandedOutside,
        Self::HandedInItsPhase,
        Self::HandedInAnotherPhase,
        Self::HandedToAnotherThread,
        Self::HandedFuture,
        Self::Alloc8,
        Self::Alloc8TwoThreads,
        Self::Alloc1K,
        Self::Alloc1KTwoThreads,
        Self::Alloc64K,
        Self::VecGrowth,
        Self::FreedElsewhere,
        Self::Readmes,
    ];

    /// What it burdens.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::TightCall
            | Self::TenNested
            | Self::HundredSites
            | Self::TwoThreads
            | Self::EightThreads
            | Self::ThousandPolls => Kind::Phases,
            Self::HandedOutside
            | Self::HandedInItsPhase
            | Self::HandedInAnotherPhase
            | Self::HandedToAnotherThread
            | Self::HandedFuture => Kind::HandedOff,
            Self::Alloc8
            | Self::Alloc8TwoThreads
            | Self::Alloc1K
            | Self::Alloc1KTwoThreads
            | Self::Alloc64K
            | Self::VecGrowth
            | Self::FreedElsewhere => Kind::Allocations,
            Self::Readmes => Kind::Program,
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
            Self::HandedOutside => "outside-of-builds",
            Self::HandedInItsPhase => "in-its-phase",
            Self::HandedInAnotherPhase => "in-another-phase",
            Self::HandedToAnotherThread => "on-another-thread",
            Self::HandedFuture => "polled-on-another-thread",
            Self::Alloc8 => "alloc-8",
            Self::Alloc8TwoThreads => "alloc-8-two-threads",
            Self::Alloc1K => "alloc-1k",
            Self::Alloc1KTwoThreads => "alloc-1k-two-threads",
            Self::Alloc64K => "alloc-64k",
            Self::VecGrowth => "vec-growth",
            Self::FreedElsewhere => "freed-elsewhere",
            Self::Readmes => "readmes",
        }
    }

    /// The workload of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What one process measured of one workload.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Nanoseconds of one unit of the work: a call, a poll, an allocation with its free, a vector,
    /// the whole set of documents. The median over the batches.
    pub ns: f64,
    /// Nanoseconds of one unit of the reference, in batches between those of the work.
    pub reference_ns: f64,
    /// The median over the batches of work divided by the reference beside it.
    pub ratio: f64,
    /// What a quarter of these ratios lie below, and above.
    pub quartiles: [f64; 2],
    /// Nanoseconds that a fixed number of ordinary instructions took at best around a pair of batches.
    pub pace_ns: f64,
    /// How many pairs of batches count, as ordinary instructions were at most a twentieth slower around
    /// them: fewer than [`FEWEST`](crate::FEWEST), where several threads hardly ever ran at once.
    pub batches: usize,
    /// Of how many pairs.
    pub of_batches: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_found_by_its_name() {
        for workload in Workload::ALL {
            assert_eq!(Workload::named(workload.name()), Some(workload));
        }
        assert_eq!(Workload::named("no-such-work"), None);
    }
}
