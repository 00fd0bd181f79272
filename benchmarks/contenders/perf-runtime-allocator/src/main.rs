//! perf-runtime's allocator alone: no phase is annotated, and no build is begun.
#![forbid(unsafe_code)]

use perf_runtime::TrackingAllocator;

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
}

fn main() -> std::process::ExitCode {
    workloads::main::<Allocator>()
}
