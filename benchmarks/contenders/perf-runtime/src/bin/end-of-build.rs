//! Measures what the end of a build costs: 200 paths on each of 8 threads, merged and saved to the
//! directory that is named. Prints nanoseconds of `end_build`, of `save`, and of a look at how fast
//! ordinary instructions are around them.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use perf_runtime::{PerformanceCollector, TrackingAllocator, enter};
use workloads::settled_pace;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

const THREADS: usize = 8;
/// Ten phases, each with nineteen inside: 200 paths.
const OUTER: usize = 10;
const INNER: usize = 19;

/// How long the build takes at least: as long as real ones, so that what the runtime finds out about
/// the machine and the checkout meanwhile is found out when it ends.
const BUILD: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).ok_or("usage: end-of-build DIR")?;
    let mut collector = PerformanceCollector::new(dir).with_tool("end-of-build", "0");
    collector.start_build();
    let entered = Barrier::new(THREADS + 1);
    let ended = Barrier::new(THREADS + 1);
    let times = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                enter_all();
                entered.wait();
                // The threads are there when the build ends, as those of a pool are.
                ended.wait();
            });
        }
        entered.wait();
        thread::sleep(BUILD);
        let before = settled_pace();
        let start = Instant::now();
        let stats = collector.end_build();
        let end_build = start.elapsed();
        let start = Instant::now();
        let saved = collector.try_save(&stats);
        let save = start.elapsed();
        let pace = before.max(settled_pace());
        ended.wait();
        saved.map(|_| (stats.phases.len(), [end_build, save, pace].map(|it| it.as_nanos())))
    });
    let (paths, times) = times?;
    if paths != OUTER * (INNER + 1) {
        return Err(format!("the record has {paths} paths").into());
    }
    println!("{times:?}");
    Ok(())
}

fn enter_all() {
    for outer in 0..OUTER {
        let _outer = enter(format!("outer {outer}"));
        for inner in 0..INNER {
            let _inner = enter(format!("inner {inner}"));
            drop(std::hint::black_box(vec![0_u8; 100]));
        }
    }
}
