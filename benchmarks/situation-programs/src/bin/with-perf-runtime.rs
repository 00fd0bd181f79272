//! Runs the program of a situation with perf-runtime, and prints what the record says of each phase.
#![forbid(unsafe_code)]

#[path = "../programs/mod.rs"]
mod programs;

use std::process::ExitCode;

use perf_runtime::{PerformanceCollector, TrackingAllocator};
use situations::{Facts, PhaseFacts};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// What the programs' annotations mean.
mod tool {
    pub(crate) use perf_runtime::InCurrentPhase;
    pub(crate) use perf_runtime::in_current_phase as handed_off;
    pub(crate) use perf_runtime::tracked_phase as phase;

    macro_rules! async_phase {
        ($function:item) => {
            #[perf_runtime::tracked_phase]
            $function
        };
    }
    pub(crate) use async_phase;
}

/// A collector whose records are not saved.
struct Collector;

impl programs::Tool for Collector {
    fn build(&self, work: &mut dyn FnMut()) -> Facts {
        let mut collector = PerformanceCollector::from_env("situations", "0");
        collector.start_build();
        work();
        let stats = collector.end_build();
        let facts = stats.phases.iter().map(|phase| {
            let name = phase.path.rsplit('/').next().unwrap_or(&phase.path);
            let facts = PhaseFacts {
                calls: Some(phase.calls),
                thread_ms: Some(phase.total_ms),
                alloc_bytes: phase.alloc_bytes,
                self_alloc_bytes: phase.self_alloc_bytes,
                freed_bytes: phase.freed_bytes,
                peak_bytes: phase.peak_bytes,
                panics: Some(phase.panics),
                cancelled: Some(phase.cancelled),
            };
            (name.to_owned(), facts)
        });
        facts.collect()
    }
}

fn main() -> ExitCode {
    let situation = std::env::args().nth(1).unwrap_or_default();
    let Some(told) = programs::run(&situation, &Collector) else {
        eprintln!("usage: with-perf-runtime SITUATION");
        return ExitCode::FAILURE;
    };
    println!("{}", serde_json::json!(told));
    ExitCode::SUCCESS
}
