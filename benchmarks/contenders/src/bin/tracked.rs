//! perf-runtime: phases, and memory by phase. `BUILD_METRICS=off` switches it off at run time. Without
//! the feature `track` all of it is compiled out.
#![forbid(unsafe_code)]

use perf_runtime::{
    BuildStats, PerformanceCollector, TrackingAllocator, in_current_phase, tracked_phase,
};
use workloads::Seen;

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
        build(work).0
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let ((), stats) = build(work);
        let within = stats.phase("within");
        Seen {
            calls: stats.phase("leaf").map(|phase| phase.calls),
            blocks: within.and_then(|phase| phase.alloc_count),
            bytes: within.and_then(|phase| phase.alloc_bytes),
        }
    }

    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        in_current_phase!(move |x| work(x))
    }
}

/// Does `work` in a build of its own.
fn build<T>(work: impl FnOnce() -> T) -> (T, BuildStats) {
    let mut collector = PerformanceCollector::from_env("contender", "0");
    collector.start_build();
    let result = work();
    (result, collector.end_build())
}

fn main() -> std::process::ExitCode {
    workloads::main::<Tracked>()
}
