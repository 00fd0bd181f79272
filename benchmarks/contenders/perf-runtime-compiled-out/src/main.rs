//! perf-runtime with its feature `track` off: annotated, and nothing is left of it.
#![forbid(unsafe_code)]

use perf_runtime::{PerformanceCollector, TrackingAllocator, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

macro_rules! phase {
    ($function:item) => {
        #[tracked_phase]
        $function
    };
}

workloads::phases!(phase, phase);

/// Annotated in vain.
struct CompiledOut;

impl workloads::Contender for CompiledOut {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let mut collector = PerformanceCollector::from_env("contender", "0");
        collector.start_build();
        let result = work();
        std::hint::black_box(collector.end_build());
        result
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<CompiledOut>()
}
