//! perf-runtime's allocator alone: no phase is annotated, and no build is begun.
#![forbid(unsafe_code)]

use perf_runtime::{PerformanceCollector, TrackingAllocator};
use workloads::Seen;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

macro_rules! phase {
    ($function:item) => {
        $function
    };
}

workloads::phases!(phase, phase);

/// Counts allocations.
struct Allocator;

impl workloads::Contender for Allocator {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    // Only a build tells what the allocator counted.
    fn seen(work: impl FnOnce()) -> Seen {
        let mut collector = PerformanceCollector::from_env("contender", "0");
        collector.start_build();
        work();
        let stats = collector.end_build();
        Seen { calls: None, blocks: stats.alloc_count, bytes: stats.alloc_bytes }
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Allocator>()
}
