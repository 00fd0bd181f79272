//! Measuring: the clock's ticks, what the allocator tallies, the process's level and the spread of
//! calls. Knows nothing of phases or builds.

pub(crate) mod atomic;
pub(crate) mod counters;
pub(crate) mod histogram;
pub(crate) mod leak;
pub(crate) mod process_level;
pub(crate) mod tally;
pub(crate) mod ticks;
pub(crate) mod timeline;
pub(crate) mod version;
