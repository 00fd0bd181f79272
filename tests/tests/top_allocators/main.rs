//! Top allocators: where a build allocates, estimated from samples. A binary of its own, because sampling
//! is on for all threads of a process.

mod estimates;
mod lines;
mod loader;
mod retained;
mod symbols;
mod threads;

use contract_tests::one_build::{collector, measure_with, turn};
use perf_runtime::perf_history::AllocationPlace;
use perf_runtime::{AllocationSampling, BuildStats, TrackingAllocator};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// The record of a build that does `work`, sampled.
#[track_caller]
fn sampled(sampling: AllocationSampling, work: impl FnOnce()) -> BuildStats {
    let _turn = turn();
    measure_with(&mut collector().sample_allocations(sampling), work)
}

/// Samples every block of about 40 bytes or more: its numbers are exact.
fn all() -> AllocationSampling {
    AllocationSampling::every(1)
}

/// The places in which a phase allocated most.
fn places<'stats>(stats: &'stats BuildStats, path: &str) -> &'stats [AllocationPlace] {
    &stats.phase(path).unwrap_or_else(|| panic!("no {path}")).top_allocators
}

/// The places of all phases and outside of phases.
fn all_places(stats: &BuildStats) -> impl Iterator<Item = &AllocationPlace> {
    let outside = stats.unattributed.iter().flat_map(|outside| &outside.top_allocators);
    stats.phases.iter().flat_map(|phase| &phase.top_allocators).chain(outside)
}
