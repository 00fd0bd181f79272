//! Builds a search index of generated documents, three times in one process, like a tool in watch
//! mode. It has a memory leak and a memory spike; `README.md` finds both.
//!
//! With the argument `fixed` it has neither.
#![forbid(unsafe_code)]

mod cache;
mod documents;
mod index;
mod pipeline;

use perf_runtime::{AllocationSampling, PerformanceCollector, TrackingAllocator};

use crate::cache::Cache;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// How many times the sources change and are built.
const BUILDS: u64 = 3;

/// How many bytes are allocated per sample, on average: about a thousand samples per build.
const SAMPLE_BYTES: u64 = 8 << 10;

/// Makes all runs take the same samples, so that `README.md` can show them.
const SEED: u64 = 1;

fn main() {
    let fixed = std::env::args().nth(1).as_deref() == Some("fixed");
    let mut collector = PerformanceCollector::from_env("memory-hunt", env!("CARGO_PKG_VERSION"))
        .sample_allocations(AllocationSampling::every(SAMPLE_BYTES).with_seed(SEED));
    let mut cache = Cache::default();
    for revision in 1..=BUILDS {
        collector.start_build();
        let bundle = pipeline::build(revision, &mut cache, fixed);
        let stats = collector.end_build();
        collector.save(&stats);
        println!("build {revision}: a bundle of {} bytes", bundle.len());
    }
}
