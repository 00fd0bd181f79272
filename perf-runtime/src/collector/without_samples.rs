//! Stands in for sampling where it was not asked for when this was compiled, or is not known how to
//! do: says so, once.

use std::sync::Once;

use perf_history::BuildStats;

use crate::AllocationSampling;
use crate::phase::open_builds::BuildNumber;
use crate::registry::Measured;

use super::warning::warn;

/// There is none.
pub(super) enum Sampling {}

/// There are none.
pub(super) enum Samples {}

impl Sampling {
    /// Warns.
    pub(super) fn begin(_asked: AllocationSampling) -> Option<Self> {
        static WARNED: Once = Once::new();
        WARNED.call_once(|| {
            warn(if cfg!(feature = "allocators") {
                "allocations are not sampled: that takes Linux on x86-64 or ARM64"
            } else {
                "allocations are not sampled: that takes the feature `allocators` of perf-runtime"
            });
        });
        None
    }

    pub(super) fn collect(&self, _build: BuildNumber) -> Samples {
        match *self {}
    }
}

impl Samples {
    pub(super) fn add_to(&self, _stats: &mut BuildStats, _measured: &Measured) {
        match *self {}
    }
}
