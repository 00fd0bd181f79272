//! Calls the same library with all default features, and checks that it was measured.

use perf_runtime::{PerformanceCollector, TrackingAllocator};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = helper::ALLOCATOR;

const NUMBERS: [u32; 3] = include!(concat!(env!("OUT_DIR"), "/numbers.in"));

fn main() {
    let mut collector = PerformanceCollector::new("unused");
    collector.start_build();
    assert_eq!(helper::generate(&NUMBERS), "1,2,3,");
    let stats = collector.end_build();
    let paths: Vec<_> =
        stats.phases.iter().map(|phase| (phase.path.as_str(), phase.calls)).collect();
    assert_eq!(paths, [("generate", 1), ("generate/join", 1)]);
    assert_eq!(stats.phases[0].items, 3);
    assert!(stats.phases[0].alloc_count > Some(0));
    println!("measured in the program, not in its build script");
}
