//! tracing's spans, of which perf-runtime's layer makes phases; memory by phase.
#![forbid(unsafe_code)]

use perf_runtime::{BuildStats, PerformanceCollector, PhaseLayer, TrackingAllocator};
use tracing::{Instrument as _, Span};
use tracing_subscriber::prelude::*;
use workloads::Seen;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

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

    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        let span = Span::current();
        move |x| span.in_scope(|| work(x))
    }

    fn handed_future<F>(future: F) -> impl Future<Output = u64> + Send + 'static
    where
        F: Future<Output = u64> + Send + 'static,
    {
        future.in_current_span()
    }
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
