//! tracing's spans, of which perf-runtime's layer makes phases; memory by phase.
#![forbid(unsafe_code)]

#[macro_use]
#[path = "../../tracing/src/spans.rs"]
mod spans;

use perf_runtime::{BuildStats, PerformanceCollector, PhaseLayer, TrackingAllocator};
use tracing_subscriber::prelude::*;
use workloads::Seen;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

workloads::phases!(phase, phase);

/// Makes spans.
struct InLayer;

impl workloads::Contender for InLayer {
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

    hand_over_spans!();
}

/// Does `work` in a build of its own.
fn build<T>(work: impl FnOnce() -> T) -> (T, BuildStats) {
    // It fails where there is a subscriber already, and there is none.
    let _ = tracing_subscriber::registry().with(PhaseLayer::new()).try_init();
    let mut collector = PerformanceCollector::from_env("contender", "0");
    collector.start_build();
    let result = work();
    (result, collector.end_build())
}

fn main() -> std::process::ExitCode {
    workloads::main::<InLayer>()
}
