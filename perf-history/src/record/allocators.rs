//! What a record says of the places in the tool's code that allocated most, and of the sampling
//! that found them.

use super::UnknownFields;
use super::object::{nested_object, object};

/// A place in the tool's code that allocated, as far as samples tell: a line of it, or where the
/// program holds no line numbers, a function.
///
/// Of all that is allocated, bytes are picked at random, one of
/// [`sample_bytes`](AllocatorFacts::sample_bytes) on average, and a block that holds such a byte
/// is a sample. With `p = 1 - exp(-size / sample_bytes)`, the chance that a block of its size has
/// to be one, a sample stands for `size / p` bytes and `1 / p` allocations, so that the estimates
/// are right on average (D. Horvitz, D. Thompson, *A generalization of sampling without
/// replacement from a finite universe*, 1952). The truth is between `alloc_bytes_low` and
/// `alloc_bytes_high` in 99.9 of 100 cases (the weighted form of the interval for Poisson counts
/// in M. Fay, E. Feuer, *Confidence intervals for directly standardized rates*, 1997).
///
/// Written to a file, counters that are 0 are left out.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(extend("required" = [
        "function", "alloc_bytes", "alloc_bytes_low", "alloc_bytes_high", "samples"
    ]))
)]
#[non_exhaustive]
pub struct AllocationPlace {
    /// The function, as its path in the code; where no name is known, the file of the program or
    /// library and the offset in it.
    pub function: String,
    /// The file: relative to the directory that the build ran in where it is below that, else as
    /// the compiler knew it. `None` where the program holds no line numbers.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u64>,
    /// Bytes requested here, estimated; growth by reallocations is among them.
    pub alloc_bytes: u64,
    /// The low end of the interval of `alloc_bytes`.
    pub alloc_bytes_low: u64,
    /// The high end of the interval of `alloc_bytes`.
    pub alloc_bytes_high: u64,
    /// Allocations, estimated.
    pub alloc_count: u64,
    /// Reallocations that made a block larger, estimated; none of them is in `alloc_count`.
    pub realloc_count: u64,
    /// Bytes that were allocated here, and neither freed nor given back by the end of the build,
    /// estimated.
    pub retained_bytes: u64,
    /// How many samples tell so.
    pub samples: u64,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(AllocationPlace {
    function: required,
    file,
    line,
    alloc_bytes,
    alloc_bytes_low,
    alloc_bytes_high,
    alloc_count: counter,
    realloc_count: counter,
    retained_bytes: counter,
    samples,
});

/// How allocations were sampled.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(extend("required" = ["sample_bytes", "samples", "dropped"]))
)]
#[non_exhaustive]
pub struct AllocatorFacts {
    /// One of how many bytes was picked, on average.
    pub sample_bytes: u64,
    /// Samples that were taken.
    pub samples: u64,
    /// Samples for which there was no room: the estimates lack what they stood for.
    pub dropped: u64,
    /// Whether the program holds line numbers for its own code. `None` where that was not to be
    /// told: there was no sample.
    pub debug_info: Option<bool>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(AllocatorFacts { sample_bytes, samples, dropped, debug_info });

nested_object!(AllocationPlace, AllocatorFacts);
