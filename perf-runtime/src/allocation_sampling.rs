//! How allocations are to be sampled.

/// How allocations are to be sampled, for the top allocators of each phase.
///
/// ```
/// use perf_runtime::{AllocationSampling, PerformanceCollector};
///
/// let collector = PerformanceCollector::new(".build-metrics")
///     .sample_allocations(AllocationSampling::every(64 << 10));
/// # drop(collector);
/// ```
///
/// # What it costs
///
/// A program that does nothing but allocate 64 bytes and free them, again and again, takes 1.5 times
/// as long while it is sampled by the default, and the same as without the feature `allocators`
/// while it is not: 286 instructions a pair of calls, glibc's included, against 203 (222 without the
/// feature, which has the compiler arrange the code otherwise). To count again, by the difference
/// between two numbers of pairs:
///
/// ```text
/// cargo build --release -p perf-runtime --features allocators --example allocation_cost
/// BUILD_METRICS_ALLOCATORS=1 valgrind --tool=callgrind target/release/examples/allocation_cost 400000
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocationSampling {
    sample_bytes: u64,
    seed: Option<u64>,
}

impl AllocationSampling {
    /// One byte in 256 KiB.
    pub const DEFAULT_SAMPLE_BYTES: u64 = 256 << 10;

    /// Picks one of `sample_bytes` bytes on average; 0 counts as 1. The fewer, the closer are the
    /// estimates, and the more the build is slowed.
    #[must_use]
    pub const fn every(sample_bytes: u64) -> Self {
        Self { sample_bytes: if sample_bytes == 0 { 1 } else { sample_bytes }, seed: None }
    }

    /// Fixes what is picked, as far as the threads of the build begin and allocate in the same order
    /// each time. Otherwise each build picks anew.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// One of how many bytes is picked, on average.
    #[must_use]
    pub const fn sample_bytes(&self) -> u64 {
        self.sample_bytes
    }

    /// What fixes the picks, where something does.
    #[must_use]
    pub const fn seed(&self) -> Option<u64> {
        self.seed
    }
}

/// [`every`](Self::every) [256 KiB](Self::DEFAULT_SAMPLE_BYTES).
impl Default for AllocationSampling {
    fn default() -> Self {
        Self::every(Self::DEFAULT_SAMPLE_BYTES)
    }
}
