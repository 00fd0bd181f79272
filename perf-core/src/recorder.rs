//! The interface for recorders: start and end builds, and read what was measured.
//!
//! `perf-runtime` is such a recorder, and programs use that. A recorder calls
//! [`Registry::start`] and [`Registry::end`], and turns the resulting [`Measured`] into its format.
//! Times are in [`Ticks`], which [`Measured::scale`] converts; memory is in bytes.

pub use crate::measure::counters::Counters;
pub use crate::measure::histogram::Spread;
pub use crate::measure::ticks::{Scale, Ticks};
pub use crate::measure::timeline::Interval;
pub use crate::measure::uncounted::{Uncounted, allocator_is_tracked, counted};
pub use crate::overhead::ticks_per_call;
pub use crate::phase::node::Usage;
pub use crate::phase::open_builds::BuildNumber;
pub use crate::phase::path::{PathId, Paths};
pub use crate::phase::threads::spawn_uncounted;
pub use crate::registry::{
    BuildOptions, Measured, PhaseTotals, RESIDENT_INTERVAL, Registry, ThreadIntervals, UserFacts,
};
