//! Builds a search index over made-up documents, three times in one process, as a tool does that watches
//! its sources. Somewhere in it is a leak, and somewhere a spike; `README.md` finds both.
//!
//! With the argument `fixed` neither is there.
#![forbid(unsafe_code)]

mod cache;
mod documents;
mod index;
mod pipeline;

use perf_runtime::{AllocationSampling, PerformanceCollector, TrackingAllocator};

use crate::cache::Cache;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// How often the sources change.
const BUILDS: u64 = 3;

/// A sample for every so many bytes: some thousand in a build.
const SAMPLE_BYTES: u64 = 8 << 10;

/// Picks the same samples in each run, for the sake of what `README.md` shows.
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
