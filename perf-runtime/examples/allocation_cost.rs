//! Measures the cost of an allocation and a free. The argument is the number of repetitions. Run it with
//! and without `BUILD_METRICS_ALLOCATORS=1`, or under `valgrind --tool=callgrind`.

use std::hint::black_box;
use std::time::Instant;

use perf_runtime::{PerformanceCollector, TrackingAllocator, enter};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

fn main() {
    let pairs: u32 =
        std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(5_000_000);
    let mut collector = PerformanceCollector::from_env("allocation_cost", "1");
    collector.start_build();
    let start = Instant::now();
    {
        let _phase = enter("work");
        for _ in 0..pairs {
            drop(black_box(Vec::<u8>::with_capacity(black_box(64))));
        }
    }
    let elapsed = start.elapsed();
    let samples = collector.end_build().allocators.map_or(0, |facts| facts.samples);
    println!("{:?} per pair, {samples} samples", elapsed / pairs.max(1));
}
