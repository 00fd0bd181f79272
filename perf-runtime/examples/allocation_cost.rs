//! What an allocation and its free cost, as often as the first argument says: with
//! `BUILD_METRICS_ALLOCATORS=1` and without, or under `valgrind --tool=callgrind`.

use std::hint::black_box;
use std::time::Instant;

use perf_runtime::{PerformanceCollector, TrackingAllocator, enter};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

fn main() {
    let pairs: u32 = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(5_000_000);
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
    let samples = collector.end_build().allocators.map_or(0, |it| it.samples);
    println!("{:?} a pair, {samples} samples", elapsed / pairs.max(1));
}
