//! Allocation sampling for `perf-runtime`: which places in the code allocate most, and how much of that
//! memory is retained.
//!
//! Programs use it through the feature `allocators` of `perf-runtime`. It is a separate crate because
//! sampling is riskier than counting: while a build is sampled, the allocator walks the stack.
//!
//! It works on Linux on x86-64 and ARM64. On other targets [`Sampling::start`] returns an error.

#[cfg(samples_allocations)]
mod estimate;
#[cfg(samples_allocations)]
mod gap;
#[cfg(samples_allocations)]
mod live;
#[cfg(samples_allocations)]
mod modules;
#[cfg(samples_allocations)]
mod place;
#[cfg(samples_allocations)]
mod sampler;
#[cfg(samples_allocations)]
mod stacks;
#[cfg(samples_allocations)]
mod symbols;
#[cfg(samples_allocations)]
mod top_allocators;
#[cfg(not(samples_allocations))]
mod unsupported;
#[cfg(samples_allocations)]
mod unwind;

#[cfg(samples_allocations)]
pub use top_allocators::{Samples, Sampling};
#[cfg(not(samples_allocations))]
pub use unsupported::{Samples, Sampling};

/// Why allocations are not sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SamplingError {
    /// Stacks cannot be walked on this target.
    UnsupportedTarget,
    /// A thread is still taking a sample for an earlier build, or the system is out of memory.
    Busy,
}

impl std::fmt::Display for SamplingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnsupportedTarget => {
                "allocations are not sampled: sampling works only on Linux on x86-64 and ARM64"
            }
            Self::Busy => {
                "allocations are not sampled: a thread is still taking a sample for an earlier build"
            }
        })
    }
}

impl std::error::Error for SamplingError {}
