//! What a record says of a phase, and of the work that was in no phase.

use serde_json::{Map, Value};

use super::object::{nested_object, object};
use super::{AllocationPlace, UnknownFields};

/// One phase of a build.
///
/// Times are milliseconds; *self* times and counts leave out the phases below, *own* times are
/// those on the thread that started the build. Written to a file, counters that are 0 are left
/// out.
///
/// The memory fields are `None` where the tracking allocator is not in the program. In a record
/// that has `alloc_count`, a memory counter that was left out reads as `Some(0)`, and so do the
/// estimates of what was retained in a record that has `allocators`.
#[derive(Debug, Clone, PartialEq, Default)]
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
    pub file: Option<String>,
    /// The line of the annotation in `file`, counted from 1.
    pub line: Option<u32>,
    /// Finished entries. Work that was handed over to a thread adds time and memory there, and is no
    /// call.
    pub calls: u64,
    /// Calls that were entered, and still open when the build ended.
    pub open_calls: u64,
    /// Thread time in the phase and those below it, over all threads.
    pub total_ms: f64,
    /// Thread time in the phase itself, over all threads.
    pub self_ms: f64,
    /// The share of `total_ms` on the build's own thread. `None` where the phase never ran there.
    pub build_thread_ms: Option<f64>,
    /// The share of `self_ms` on the build's own thread. `None` where the phase never ran there.
    pub build_thread_self_ms: Option<f64>,
    /// Last exit minus first entry, over all threads.
    pub elapsed_ms: f64,
    /// First entry, since the build's start.
    pub started_ms: f64,
    /// Threads that ran it, or work that it handed over.
    pub threads: u64,
    /// Async phases: first poll to completion, summed over calls.
    pub latency_ms: Option<f64>,
    /// Async phases: number of polls.
    pub polls: u64,
    /// The shortest call: from its entry to its exit, less work for other phases that the thread
    /// did while it waited; of an async phase, from its first poll to its completion. Absent, like
    /// the four that follow, where no call finished.
    pub min_ms: Option<f64>,
    /// The median call, within 4 %.
    pub p50_ms: Option<f64>,
    /// The 95th percentile of calls, within 4 %.
    pub p95_ms: Option<f64>,
    /// The 99th percentile of calls, within 4 %.
    pub p99_ms: Option<f64>,
    /// The longest call.
    pub max_ms: Option<f64>,
    /// Units of work that the user counted, summed over calls.
    pub items: u64,
    /// Calls that ended by unwinding. A panic that a destructor raises, and catches, while another
    /// is under way is part of that one.
    pub panics: u64,
    /// Calls whose future was dropped after its first poll and before completion.
    pub cancelled: u64,
    /// Allocations in the phase and those below it.
    pub alloc_count: Option<u64>,
    /// Bytes requested in the phase and those below it.
    pub alloc_bytes: Option<u64>,
    /// Frees.
    pub freed_count: Option<u64>,
    /// Bytes freed.
    pub freed_bytes: Option<u64>,
    /// Reallocations; none of them is in `alloc_count`.
    pub realloc_count: Option<u64>,
    /// Bytes allocated minus bytes freed.
    pub net_bytes: Option<i64>,
    /// Highest live heap above the entry's level on the thread: of the worst call, poll, or stretch
    /// of work that was handed over.
    pub peak_bytes: Option<u64>,
    /// Highest live heap of the whole process during the phase: a level, no counter, so it is
    /// written also where it is 0. It is exact where no other thread allocates meanwhile, else to
    /// 64 KiB for each live thread, the build's own among them. `None` where the phase never ran on
    /// the build's own thread.
    pub process_peak_bytes: Option<u64>,
    /// Allocations in the phase itself.
    pub self_alloc_count: Option<u64>,
    /// Bytes requested in the phase itself.
    pub self_alloc_bytes: Option<u64>,
    /// Change of the resident set, in 2^20 bytes: phases on the own thread that last 10 ms or
    /// more.
    pub rss_delta_mb: Option<f64>,
    /// Bytes that the phase itself allocated and that were neither freed nor given back by the end
    /// of the build, whoever had them then: estimated from samples. `None` where allocations were
    /// not sampled.
    pub retained_bytes: Option<u64>,
    /// The low end of the 99.9 % interval of `retained_bytes`.
    pub retained_bytes_low: Option<u64>,
    /// The high end of the 99.9 % interval of `retained_bytes`.
    pub retained_bytes_high: Option<u64>,
    /// The places in the phase itself, not in those below it, that allocated most: those with the
    /// most bytes first. Empty where allocations were not sampled.
    pub top_allocators: Vec<AllocationPlace>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(PhaseStats {
    path: required,
    file,
    line,
    calls: counter,
    open_calls: counter,
    total_ms,
    self_ms,
    build_thread_ms,
    build_thread_self_ms,
    elapsed_ms,
    started_ms,
    threads: counter,
    latency_ms,
    polls: counter,
    min_ms,
    p50_ms,
    p95_ms,
    p99_ms,
    max_ms,
    items: counter,
    panics: counter,
    cancelled: counter,
    alloc_count: counter,
    alloc_bytes: counter,
    freed_count: counter,
    freed_bytes: counter,
    realloc_count: counter,
    net_bytes: counter,
    peak_bytes: counter,
    process_peak_bytes,
    self_alloc_count: counter,
    self_alloc_bytes: counter,
    rss_delta_mb,
    retained_bytes: counter,
    retained_bytes_low: counter,
    retained_bytes_high: counter,
    top_allocators: counter,
});

impl PhaseStats {
    /// A phase that was never entered.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Reads the memory counters that were left out as 0, for a record whose program had the
    /// allocator.
    pub(super) fn fill_in_memory(&mut self) {
        let counters = [
            ("alloc_count", &mut self.alloc_count),
            ("alloc_bytes", &mut self.alloc_bytes),
            ("freed_count", &mut self.freed_count),
            ("freed_bytes", &mut self.freed_bytes),
            ("realloc_count", &mut self.realloc_count),
            ("peak_bytes", &mut self.peak_bytes),
            ("self_alloc_count", &mut self.self_alloc_count),
            ("self_alloc_bytes", &mut self.self_alloc_bytes),
        ];
        fill_in(counters, &self.unknown_fields.0);
        if self.net_bytes.is_none() && !self.unknown_fields.0.contains_key("net_bytes") {
            self.net_bytes = Some(0);
        }
    }

    /// Reads the estimates that were left out as 0, for a record whose allocations were sampled.
    pub(super) fn fill_in_retained(&mut self) {
        let estimates = [
            ("retained_bytes", &mut self.retained_bytes),
            ("retained_bytes_low", &mut self.retained_bytes_low),
            ("retained_bytes_high", &mut self.retained_bytes_high),
        ];
        fill_in(estimates, &self.unknown_fields.0);
    }
}

/// Reads counters that were left out as 0. A value that was there and not understood is unknown.
fn fill_in<const N: usize>(counters: [(&str, &mut Option<u64>); N], extra: &Map<String, Value>) {
    for (name, counter) in counters {
        if counter.is_none() && !extra.contains_key(name) {
            *counter = Some(0);
        }
    }
}

/// What ran inside the build but in no phase. Measured, never computed as the remainder.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["build_thread_ms"])))]
#[non_exhaustive]
pub struct Unattributed {
    /// Milliseconds on the build's own thread.
    pub build_thread_ms: f64,
    /// Allocations.
    pub alloc_count: Option<u64>,
    /// Bytes requested.
    pub alloc_bytes: Option<u64>,
    /// Frees.
    pub freed_count: Option<u64>,
    /// Bytes freed.
    pub freed_bytes: Option<u64>,
    /// Reallocations.
    pub realloc_count: Option<u64>,
    /// Bytes allocated minus bytes freed.
    pub net_bytes: Option<i64>,
    /// Bytes allocated in no phase, and neither freed nor given back by the end of the build:
    /// estimated from samples. `None` where allocations were not sampled.
    pub retained_bytes: Option<u64>,
    /// The low end of the 99.9 % interval of `retained_bytes`.
    pub retained_bytes_low: Option<u64>,
    /// The high end of the 99.9 % interval of `retained_bytes`.
    pub retained_bytes_high: Option<u64>,
    /// The places that allocated most in no phase: those with the most bytes first. Empty where
    /// allocations were not sampled.
    pub top_allocators: Vec<AllocationPlace>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(Unattributed {
    build_thread_ms,
    alloc_count,
    alloc_bytes,
    freed_count,
    freed_bytes,
    realloc_count,
    net_bytes,
    retained_bytes,
    retained_bytes_low,
    retained_bytes_high,
    top_allocators: counter,
});

/// What belonged to none of the builds that were open, where there were several.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
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
    pub unknown_fields: UnknownFields,
}

object!(Unclaimed { alloc_count, alloc_bytes, freed_count, freed_bytes, realloc_count });

nested_object!(PhaseStats, Unattributed, Unclaimed);
