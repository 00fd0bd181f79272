//! Measures the end of a build: 200 paths on each of 8 threads, merged and saved to the directory that
//! is named. Prints the nanoseconds of `end_build` and of `save`.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use perf_runtime::{PerformanceCollector, TrackingAllocator, enter};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

const THREADS: usize = 8;
/// Ten phases, each with nineteen inside: 200 paths.
const OUTER: usize = 10;
const INNER: usize = 19;
/// The build lasts as long as a short real one, so that caches are as cold as there.
const BUILD: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).ok_or("usage: end-of-build DIR")?;
    let mut collector = PerformanceCollector::new(dir).with_tool("end-of-build", "0");
    collector.start_build();
    let [entered, ended] = [Barrier::new(THREADS + 1), Barrier::new(THREADS + 1)];
    let (stats, saved, times) = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                enter_all();
                entered.wait();
                // The threads outlive the build, as those of a pool do.
                ended.wait();
            });
        }
        entered.wait();
        thread::sleep(BUILD);
        let start = Instant::now();
        let stats = collector.end_build();
        let end_build = start.elapsed();
        let start = Instant::now();
        let saved = collector.try_save(&stats);
        let save = start.elapsed();
        ended.wait();
        (stats, saved, [end_build, save].map(|time| time.as_nanos()))
    });
    saved?;
    let paths = stats.phases.len();
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
