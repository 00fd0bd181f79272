//! Measuring: the clock, allocation counters, the live heap of the process, histograms of call
//! durations. Nothing here knows of phases or builds.

pub(crate) mod counters;
pub(crate) mod histogram;
pub(crate) mod leak;
pub(crate) mod process_level;
pub(crate) mod tally;
pub(crate) mod ticks;
pub(crate) mod timeline;
pub(crate) mod uncounted;
pub(crate) mod version;
