//! What a record says of the phases of builds in this process. Tests take turns to have a build open.
#![forbid(unsafe_code)]

mod builds_in_a_row;
mod calls_and_times;
mod hand_off_executors;
mod hand_off_pools;
mod regressions;
mod several_builds;
mod threads;

use perf_runtime::TrackingAllocator;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();
