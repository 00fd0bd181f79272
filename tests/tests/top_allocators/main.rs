//! Top allocators: where a build allocates, told from samples.

mod estimates;
mod lines;
mod loader;
mod retained;
mod symbols;
mod threads;

#[path = "../tool/mod.rs"]
mod tool;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{collector, turn};
use perf_runtime::perf_history::AllocationPlace;
use perf_runtime::{AllocationSampling, BuildStats, TrackingAllocator};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// The record of a build that does `work`, sampled.
#[track_caller]
fn sampled(sampling: AllocationSampling, work: impl FnOnce()) -> BuildStats {
    let _turn = turn();
    let mut collector = collector().sample_allocations(sampling);
    collector.start_build();
    work();
    let stats = collector.end_build();
    assert_conserved(&stats);
    stats
}

/// Every block of some 40 bytes or more is a sample: what is told of it is no estimate.
fn all() -> AllocationSampling {
    AllocationSampling::every(1)
}

/// The places of a phase: line, bytes, allocations.
fn places<'stats>(stats: &'stats BuildStats, path: &str) -> &'stats [AllocationPlace] {
    &stats.phase(path).unwrap_or_else(|| panic!("no {path}")).top_allocators
}

/// All that is told of all places.
fn all_places(stats: &BuildStats) -> impl Iterator<Item = &AllocationPlace> {
    let outside = stats.unattributed.iter().flat_map(|it| &it.top_allocators);
    stats.phases.iter().flat_map(|it| &it.top_allocators).chain(outside)
}
