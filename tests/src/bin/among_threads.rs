//! A build tool whose phases run among other threads: for who counts what an entry costs there.
//!
//! Arguments: how many threads there are besides, how often the phase runs, and after how many calls
//! another thread allocates each time; 0 is never. The process ends before its build does, so that
//! nothing else in it depends on how long it took.
#![forbid(unsafe_code)]

use std::{fs, hint::black_box, sync::Arc, sync::Barrier, thread, time::Duration};

use perf_runtime::{PerformanceCollector, TrackingAllocator, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// More than a thread keeps to itself.
const MUCH: usize = 100_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().and_then(|it| it.parse().ok()).expect("three numbers");
    let (threads, calls, every): (usize, usize, usize) = (number(), number(), number());
    let border = Arc::new(Barrier::new(2));
    for index in 0..threads {
        let border = Arc::clone(&border);
        thread::spawn(move || live(index, every, &border));
    }
    let mut collector = PerformanceCollector::from_env("among-threads", "1.0.0");
    collector.start_build();
    wait_until_there_are_only(threads);
    for call in 1..=calls {
        work();
        if every > 0 && call % every == 0 {
            border.wait();
            border.wait();
        }
    }
    std::process::exit(0);
}

/// Allocates, so that the thread is one that is known, and then only where it is asked to.
fn live(index: usize, every: usize, border: &Barrier) {
    let mut held = black_box(vec![0_u8; MUCH]);
    let is_asked = index == 0 && every > 0;
    loop {
        if is_asked {
            border.wait();
            held = black_box(vec![0_u8; held.len() + MUCH]);
            border.wait();
        } else {
            thread::park();
        }
    }
}

/// Waits for the runtime's own thread to have done its work, and for all others to be there.
fn wait_until_there_are_only(threads: usize) {
    // The directory has a link for itself, one for its parent and one for each thread.
    let links = threads as u64 + 3;
    while fs::metadata("/proc/self/task")
        .is_ok_and(|it| std::os::unix::fs::MetadataExt::nlink(&it) != links)
    {
        thread::sleep(Duration::from_millis(1));
    }
    // Those that are there have something to do until they park.
    thread::sleep(Duration::from_millis(50));
}

#[tracked_phase("outer")]
fn work() {
    let held = black_box(vec![0_u8; 1_000]);
    inner();
    drop(held);
}

#[tracked_phase("inner")]
fn inner() {
    drop(black_box(vec![0_u8; 2_000]));
}
