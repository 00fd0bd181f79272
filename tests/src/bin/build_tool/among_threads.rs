//! Phases that run while other threads exist, for measuring the cost of an entry.
//!
//! Arguments: the number of other threads, the number of calls, and after how many calls another thread
//! allocates (0 is never). The process ends before its build does, so that nothing in it depends on
//! how long it took.

use std::{fs, hint::black_box, sync::Arc, sync::Barrier, thread, time::Duration};

use perf_runtime::{PerformanceCollector, tracked_phase};

/// More bytes than a thread leaves unpublished.
const LARGE: usize = 100_000;

pub(crate) fn main() {
    let mut arguments = std::env::args().skip(2);
    let mut number =
        || arguments.next().and_then(|argument| argument.parse().ok()).expect("three numbers");
    let (threads, calls, every): (usize, usize, usize) = (number(), number(), number());
    let (barrier, ready) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(threads + 1)));
    for index in 0..threads {
        let (barrier, ready) = (Arc::clone(&barrier), Arc::clone(&ready));
        thread::spawn(move || live(index, every, &ready, &barrier));
    }
    let mut collector = PerformanceCollector::from_env("among-threads", "1.0.0");
    collector.start_build();
    wait_until_there_are_only(threads);
    ready.wait();
    for call in 1..=calls {
        work();
        if every > 0 && call % every == 0 {
            barrier.wait();
            barrier.wait();
        }
    }
    std::process::exit(0);
}

/// Allocates, so that the thread is registered, and then only on request.
fn live(index: usize, every: usize, ready: &Barrier, barrier: &Barrier) {
    let mut held = black_box(vec![0_u8; LARGE]);
    ready.wait();
    let is_asked = index == 0 && every > 0;
    loop {
        if is_asked {
            barrier.wait();
            held = black_box(vec![0_u8; held.len() + LARGE]);
            barrier.wait();
        } else {
            thread::park();
        }
    }
}

/// Waits until the thread of the runtime has ended and all others have started.
fn wait_until_there_are_only(threads: usize) {
    // The directory has a link for itself, one for its parent and one for each thread.
    let links = threads as u64 + 3;
    while fs::metadata("/proc/self/task")
        .is_ok_and(|tasks| std::os::unix::fs::MetadataExt::nlink(&tasks) != links)
    {
        thread::sleep(Duration::from_millis(1));
    }
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
