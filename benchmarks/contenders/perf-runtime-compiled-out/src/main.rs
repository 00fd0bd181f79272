//! perf-runtime with its feature `track` off: annotated, and nothing is left of it.
#![forbid(unsafe_code)]

use perf_runtime::{
    BuildStats, InCurrentPhase as _, PerformanceCollector, TrackingAllocator, in_current_phase,
    tracked_phase,
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

/// Annotated in vain.
struct CompiledOut;

impl workloads::Contender for CompiledOut {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        build(work).0
    }

    fn seen(work: impl FnOnce()) -> Seen {
        let ((), stats) = build(work);
        let within = stats.phase("within");
        Seen {
            calls: stats.phase("leaf").map(|it| it.calls),
            blocks: within.and_then(|it| it.alloc_count),
            bytes: within.and_then(|it| it.alloc_bytes),
        }
    }

    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        in_current_phase!(move |x| work(x))
    }

    fn handed_future<F>(future: F) -> impl Future<Output = u64> + Send + 'static
    where
        F: Future<Output = u64> + Send + 'static,
    {
        future.in_current_phase()
    }
}

/// Does `work` in a build of its own.
fn build<T>(work: impl FnOnce() -> T) -> (T, BuildStats) {
    let mut collector = PerformanceCollector::from_env("contender", "0");
    collector.start_build();
    let result = work();
    (result, std::hint::black_box(collector.end_build()))
}

fn main() -> std::process::ExitCode {
    workloads::main::<CompiledOut>()
}
