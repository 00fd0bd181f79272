//! Allocation sampling for `perf-runtime`: the places in the code that allocate most, and what they
//! retain.
//!
//! Programs use it through the feature `allocators` of `perf-runtime`. It is a crate of its own
//! because its risks are of another kind than counting: while a build is sampled, it walks the stack
//! from within the allocator.
//!
//! It works on Linux on x86-64 and ARM64. Elsewhere [`Sampling::begin`] returns an error.

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
    /// The target is not one that the stack can be walked on.
    UnsupportedTarget,
    /// A thread is still taking a sample for an earlier build, or there is no memory.
    Busy,
}

impl std::fmt::Display for SamplingError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnsupportedTarget => {
                "allocations are not sampled: that works on Linux on x86-64 and ARM64 only"
            }
            Self::Busy => {
                "allocations are not sampled: a thread is still taking a sample for an earlier build"
            }
        })
    }
}

impl std::error::Error for SamplingError {}
