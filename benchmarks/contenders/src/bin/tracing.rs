//! tracing's spans: without a subscriber, with the registry (feature `tracing-registry`), or with
//! perf-runtime's layer, which turns them into phases (feature `phase-layer`).
#![forbid(unsafe_code)]

use workloads::Seen;

#[cfg(feature = "phase-layer")]
#[global_allocator]
static ALLOCATOR: perf_runtime::TrackingAllocator = perf_runtime::TrackingAllocator::system();

macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

workloads::phases!(phase, phase);

/// Makes spans.
struct Spans;

impl workloads::Contender for Spans {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        subscriber::measuring(work)
    }

    fn seen(work: impl FnOnce()) -> Seen {
        subscriber::seen(work)
    }

    fn handed<F>(work: F) -> impl Fn(u64) -> u64 + Send + 'static
    where
        F: Fn(u64) -> u64 + Send + 'static,
    {
        let span = tracing::Span::current();
        move |x| span.in_scope(|| work(x))
    }
}

/// No subscriber.
#[cfg(not(feature = "tracing-registry"))]
mod subscriber {
    use workloads::Seen;

    pub(super) fn measuring<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    pub(super) fn seen(work: impl FnOnce()) -> Seen {
        work();
        Seen::default()
    }
}

/// A registry without layers.
#[cfg(all(feature = "tracing-registry", not(feature = "phase-layer")))]
mod subscriber {
    use workloads::{KNOWN, Phases as _, Seen};

    pub(super) fn measuring<T>(work: impl FnOnce() -> T) -> T {
        // It fails only where a subscriber is set already.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::Registry::default());
        work()
    }

    // A registry reports nothing about closed spans. While a span is open, it is the current one.
    pub(super) fn seen(_: impl FnOnce()) -> Seen {
        measuring(|| {
            let mut calls = 0;
            for _ in 0..KNOWN.calls.unwrap_or(0) {
                super::Annotated::within(&mut || {
                    let current = tracing::Span::current();
                    let name = current.metadata().map(tracing::Metadata::name);
                    calls += u64::from(name == Some("within"));
                });
            }
            Seen { calls: Some(calls), ..Seen::default() }
        })
    }
}

/// A registry with perf-runtime's layer.
#[cfg(feature = "phase-layer")]
mod subscriber {
    use perf_runtime::{BuildStats, PerformanceCollector, PhaseLayer};
    use tracing_subscriber::prelude::*;
    use workloads::Seen;

    pub(super) fn measuring<T>(work: impl FnOnce() -> T) -> T {
        build(work).0
    }

    pub(super) fn seen(work: impl FnOnce()) -> Seen {
        let ((), stats) = build(work);
        let within = stats.phase("within");
        Seen {
            calls: stats.phase("leaf").map(|phase| phase.calls),
            blocks: within.and_then(|phase| phase.alloc_count),
            bytes: within.and_then(|phase| phase.alloc_bytes),
        }
    }

    fn build<T>(work: impl FnOnce() -> T) -> (T, BuildStats) {
        // It fails only where a subscriber is set already.
        let _ = tracing_subscriber::registry().with(PhaseLayer::new()).try_init();
        let mut collector = PerformanceCollector::from_env("contender", "0");
        collector.start_build();
        let result = work();
        (result, collector.end_build())
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Spans>()
}
