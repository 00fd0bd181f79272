//! The interface for recorders: start and end builds, and read what was measured.
//!
//! `perf-runtime` is such a recorder; programs use that and not this.

pub use crate::measure::counters::Counters;
pub use crate::measure::histogram::Spread;
pub use crate::measure::ticks::{Scale, Ticks};
pub use crate::measure::timeline::Interval;
pub use crate::overhead::ticks_per_call;
pub use crate::phase::internal_threads::spawn_uncounted;
pub use crate::phase::node::Usage;
pub use crate::phase::open_builds::BuildNumber;
pub use crate::phase::path::{PathId, Paths};
pub use crate::phase::threads::{Uncounted, allocator_is_tracked, counted};
pub use crate::registry::{
    BuildOptions, Measured, PhaseTotals, RESIDENT_INTERVAL, Registry, ThreadIntervals, UserFacts,
};
