//! perf-runtime, all of it: phases, and memory by phase. With `BUILD_METRICS=off` it is switched off
//! at run time.
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

/// Measures phases and their memory.
struct Tracked;

impl workloads::Contender for Tracked {
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
    workloads::main::<Tracked>()
}
