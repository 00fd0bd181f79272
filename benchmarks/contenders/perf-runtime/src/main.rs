//! perf-runtime, all of it: phases, and memory by phase. With `BUILD_METRICS=off` it is switched off
//! at run time; with `BUILD_METRICS_TIMELINE=1` it keeps a timeline too. Without the feature `track` it
//! is annotated in vain.
#![forbid(unsafe_code)]

use perf_runtime::{
    BuildStats, InCurrentPhase as _, PerformanceCollector, Timeline, TrackingAllocator,
    in_current_phase, tracked_phase,
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
        let ((), stats, timeline) = build(work);
        let calls = match &timeline {
            Some(timeline) => intervals(timeline, "leaf"),
            None => stats.phase("leaf").map(|it| it.calls),
        };
        let within = stats.phase("within");
        Seen {
            calls,
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
fn build<T>(work: impl FnOnce() -> T) -> (T, BuildStats, Option<Timeline>) {
    let mut collector = PerformanceCollector::from_env("contender", "0");
    collector.start_build();
    let result = work();
    let stats = collector.end_build();
    let timeline = collector.timeline().cloned();
    let dropped = timeline.as_ref().map_or(0, |it| it.dropped);
    assert_eq!(
        dropped, 0,
        "what was measured is how calls are counted that a timeline cannot hold"
    );
    (result, stats, timeline)
}

/// How many intervals of a path a timeline holds.
fn intervals(timeline: &Timeline, path: &str) -> Option<u64> {
    let path = u32::try_from(timeline.paths.iter().position(|it| it == path)?).ok()?;
    let all = timeline.threads.iter().flat_map(|it| &it.intervals);
    u64::try_from(all.filter(|it| it.path == path).count()).ok()
}

fn main() -> std::process::ExitCode {
    workloads::main::<Tracked>()
}
