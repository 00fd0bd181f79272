//! The settings of allocation sampling.

/// The settings of allocation sampling, which finds the top allocators of each phase.
///
/// ```
/// use perf_runtime::{AllocationSampling, PerformanceCollector};
///
/// let collector = PerformanceCollector::new(".build-metrics")
///     .sample_allocations(AllocationSampling::every(64 << 10));
/// # drop(collector);
/// ```
///
/// # Cost
///
/// A program that only allocates and frees 64 bytes in a loop takes 1.5 times as long while it is
/// sampled with the default settings. While it is not sampled, the feature `allocators` costs nothing.
/// A pair of calls takes 286 instructions with sampling and 203 without, including those of glibc (222
/// without the feature, where the compiler arranges the code differently). To repeat the count, subtract
/// the results for two numbers of pairs:
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
    /// The default: one byte in 256 KiB.
    pub const DEFAULT_SAMPLE_BYTES: u64 = 256 << 10;

    /// Samples one of `sample_bytes` bytes on average; 0 counts as 1. With a smaller number the estimates
    /// are more precise and the build is slower.
    #[must_use]
    pub const fn every(sample_bytes: u64) -> Self {
        Self { sample_bytes: if sample_bytes == 0 { 1 } else { sample_bytes }, seed: None }
    }

    /// Sets the seed of the random numbers. With the same seed the same bytes are sampled, as long as the
    /// threads of the build start and allocate in the same order. Without one, each build uses another.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The average distance between two samples, in bytes.
    #[must_use]
    pub const fn sample_bytes(&self) -> u64 {
        self.sample_bytes
    }

    /// The seed, if one was set.
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
