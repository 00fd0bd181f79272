//! The phases of a record, the work outside of them, and the places that allocated.

use serde::{Deserialize, Serialize};

use super::UnknownFields;
use super::values::{is_none_or_zero, is_zero, no_number, rounded};

/// One phase of a build.
///
/// Times are milliseconds; *self* times and counts leave out the phases below, *build
/// thread* times are those on the thread that started the build. Written to a file, counters that are 0 are left
/// out.
///
/// The memory fields are `None` where the tracking allocator is not in the program. In a record
/// that has `alloc_count`, a memory counter that was left out reads as `Some(0)`, and so do the
/// estimates of what was retained in a record that has `allocators`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(extend("required" = ["path", "total_ms", "self_ms", "elapsed_ms", "started_ms"]))
)]
#[non_exhaustive]
pub struct PhaseStats {
    /// The phase names from the root joined by `/`.
    pub path: String,
    /// The source file of the phase's annotation, as the compiler knew it. `None` where it is
    /// unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line of the annotation in `file`, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Finished entries. Work that was handed over to a thread adds time and memory there, and is no
    /// call.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub calls: u64,
    /// Calls that were entered, and still open when the build ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub open_calls: u64,
    /// Thread time in the phase and those below it, over all threads.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub total_ms: f64,
    /// Thread time in the phase itself, over all threads.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub self_ms: f64,
    /// The share of `total_ms` on the build thread. `None` where the phase never ran there.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub build_thread_ms: Option<f64>,
    /// The share of `self_ms` on the build thread. `None` where the phase never ran there.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub build_thread_self_ms: Option<f64>,
    /// Last exit minus first entry, over all threads.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub elapsed_ms: f64,
    /// First entry, since the build's start.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub started_ms: f64,
    /// Threads that ran it, or work that it handed over.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub threads: u64,
    /// Async phases: first poll to completion, summed over calls.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub latency_ms: Option<f64>,
    /// Async phases: number of polls.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub polls: u64,
    /// The shortest call: from its entry to its exit, less work for other phases that the thread
    /// did while it waited; of an async phase, from its first poll to its completion. Absent, like
    /// the four that follow, where no call finished.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub min_ms: Option<f64>,
    /// The median call, within 4 %.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub p50_ms: Option<f64>,
    /// The 95th percentile of calls, within 4 %.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub p95_ms: Option<f64>,
    /// The 99th percentile of calls, within 4 %.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub p99_ms: Option<f64>,
    /// The longest call.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub max_ms: Option<f64>,
    /// Units of work that the user counted, summed over calls.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub items: u64,
    /// Calls that ended by unwinding. A panic that a destructor raises, and catches, while another
    /// is under way is part of that one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub panics: u64,
    /// Calls whose future was dropped after its first poll and before completion.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cancelled: u64,
    /// Allocations in the phase and those below it.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub alloc_count: Option<u64>,
    /// Bytes requested in the phase and those below it.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub alloc_bytes: Option<u64>,
    /// Frees.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub freed_count: Option<u64>,
    /// Bytes freed.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub freed_bytes: Option<u64>,
    /// Reallocations; none of them is in `alloc_count`.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub realloc_count: Option<u64>,
    /// Bytes allocated minus bytes freed.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub net_bytes: Option<i64>,
    /// Highest live heap above the entry's level on the thread: of the worst call, poll, or stretch
    /// of work that was handed over.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub peak_bytes: Option<u64>,
    /// Highest live heap of the whole process during the phase: a level, no counter, so it is
    /// written also where it is 0. It is exact where no other thread allocates meanwhile, else to
    /// 64 KiB for each live thread, the build's own among them. `None` where the phase never ran on
    /// the build thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_peak_bytes: Option<u64>,
    /// Allocations in the phase itself.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub self_alloc_count: Option<u64>,
    /// Bytes requested in the phase itself.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub self_alloc_bytes: Option<u64>,
    /// Change of the resident set, in 2^20 bytes: phases on the build thread that last 10 ms or
    /// more.
    #[serde(default, skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub rss_delta_mb: Option<f64>,
    /// Bytes that the phase itself allocated and that were neither freed nor given back by the end
    /// of the build, on any thread: estimated from samples. `None` where allocations were
    /// not sampled.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub retained_bytes: Option<u64>,
    /// The low end of the 99.9 % interval of `retained_bytes`.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub retained_bytes_low: Option<u64>,
    /// The high end of the 99.9 % interval of `retained_bytes`.
    #[serde(default, skip_serializing_if = "is_none_or_zero")]
    pub retained_bytes_high: Option<u64>,
    /// The places in the phase itself, not in those below it, that allocated most: those with the
    /// most bytes first. Empty where allocations were not sampled.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub top_allocators: Vec<AllocationPlace>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

impl PhaseStats {
    /// A phase that was never entered.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Sets the memory counters that were left out to 0, for a record whose program had the
    /// allocator.
    pub(super) fn fill_in_memory(&mut self) {
        for (name, counter) in [
            ("alloc_count", &mut self.alloc_count),
            ("alloc_bytes", &mut self.alloc_bytes),
            ("freed_count", &mut self.freed_count),
            ("freed_bytes", &mut self.freed_bytes),
            ("realloc_count", &mut self.realloc_count),
            ("peak_bytes", &mut self.peak_bytes),
            ("self_alloc_count", &mut self.self_alloc_count),
            ("self_alloc_bytes", &mut self.self_alloc_bytes),
        ] {
            fill_in(name, counter, &self.unknown_fields);
        }
        fill_in("net_bytes", &mut self.net_bytes, &self.unknown_fields);
    }

    /// Sets the estimates that were left out to 0, for a record whose allocations were sampled.
    pub(super) fn fill_in_retained(&mut self) {
        for (name, estimate) in [
            ("retained_bytes", &mut self.retained_bytes),
            ("retained_bytes_low", &mut self.retained_bytes_low),
            ("retained_bytes_high", &mut self.retained_bytes_high),
        ] {
            fill_in(name, estimate, &self.unknown_fields);
        }
    }
}

/// Sets a counter that was left out to 0. One whose value was not understood stays unknown.
fn fill_in<T: Default>(name: &str, counter: &mut Option<T>, unknown_fields: &UnknownFields) {
    if counter.is_none() && unknown_fields.get(name).is_none() {
        *counter = Some(T::default());
    }
}

/// What ran inside the build but in no phase. Measured, never computed as the remainder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["build_thread_ms"])))]
#[non_exhaustive]
#[serde(default)]
pub struct Unattributed {
    /// Milliseconds on the build thread.
    #[serde(skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub build_thread_ms: f64,
    /// Allocations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alloc_count: Option<u64>,
    /// Bytes requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alloc_bytes: Option<u64>,
    /// Frees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freed_count: Option<u64>,
    /// Bytes freed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freed_bytes: Option<u64>,
    /// Reallocations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realloc_count: Option<u64>,
    /// Bytes allocated minus bytes freed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_bytes: Option<i64>,
    /// Bytes allocated in no phase, and neither freed nor given back by the end of the build:
    /// estimated from samples. `None` where allocations were not sampled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<u64>,
    /// The low end of the 99.9 % interval of `retained_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes_low: Option<u64>,
    /// The high end of the 99.9 % interval of `retained_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes_high: Option<u64>,
    /// The places that allocated most in no phase: those with the most bytes first. Empty where
    /// allocations were not sampled.
    #[serde(skip_serializing_if = "is_zero")]
    pub top_allocators: Vec<AllocationPlace>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

/// What belonged to none of the builds that were open, where there were several.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(extend("required" = [
        "alloc_count", "alloc_bytes", "freed_count", "freed_bytes", "realloc_count"
    ]))
)]
#[non_exhaustive]
#[serde(default)]
pub struct Unclaimed {
    /// Allocations.
    pub alloc_count: u64,
    /// Bytes requested.
    pub alloc_bytes: u64,
    /// Frees.
    pub freed_count: u64,
    /// Bytes freed.
    pub freed_bytes: u64,
    /// Reallocations.
    pub realloc_count: u64,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

/// A place in the tool's code that allocated, estimated from samples: a line of it, or where the
/// program holds no line numbers, a function.
///
/// Of all that is allocated, bytes are picked at random, one of
/// [`sample_bytes`](super::AllocatorFacts::sample_bytes) on average, and a block that holds such a byte
/// is a sample. With `p = 1 - exp(-size / sample_bytes)`, the chance that a block of its size has
/// to be one, a sample represents `size / p` bytes and `1 / p` allocations, so that the estimates
/// are right on average (D. Horvitz, D. Thompson, *A generalization of sampling without
/// replacement from a finite universe*, 1952). The truth is between `alloc_bytes_low` and
/// `alloc_bytes_high` in 99.9 of 100 cases (the weighted form of the interval for Poisson counts
/// in M. Fay, E. Feuer, *Confidence intervals for directly standardized rates*, 1997).
///
/// Written to a file, counters that are 0 are left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Bytes requested here, estimated; growth by reallocations is among them.
    #[serde(default)]
    pub alloc_bytes: u64,
    /// The low end of the interval of `alloc_bytes`.
    #[serde(default)]
    pub alloc_bytes_low: u64,
    /// The high end of the interval of `alloc_bytes`.
    #[serde(default)]
    pub alloc_bytes_high: u64,
    /// Allocations, estimated.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub alloc_count: u64,
    /// Reallocations that made a block larger, estimated; none of them is in `alloc_count`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub realloc_count: u64,
    /// Bytes that were allocated here, and neither freed nor given back by the end of the build,
    /// estimated.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retained_bytes: u64,
    /// The number of samples.
    #[serde(default)]
    pub samples: u64,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}
