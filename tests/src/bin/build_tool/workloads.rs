//! Allocates as its arguments say, and nothing else that depends on them, for comparison with valgrind.
//!
//! Arguments: the number of blocks, the bytes of each, how often each is grown by as many bytes, and
//! `leave` if the process should end before the build does. The size of a record depends on how long
//! the build took, so that only without it all allocations are the same in every run.

use std::{fs, hint::black_box, thread, time::Duration};

use perf_runtime::{PerformanceCollector, tracked_phase};

pub(crate) fn main() {
    let mut arguments = std::env::args().skip(2);
    let mut number =
        || arguments.next().and_then(|argument| argument.parse().ok()).expect("three numbers");
    let (blocks, bytes, growths) = (number(), number(), number());
    let leave = arguments.next().as_deref() == Some("leave");
    leave_a_slot();
    let mut collector = PerformanceCollector::from_env("workloads", "1.0.0");
    collector.start_build();
    wait_until_alone();
    work(blocks, bytes, growths);
    if leave {
        std::process::exit(0);
    }
    let stats = collector.end_build();
    collector.save(&stats);
}

/// Starts a thread that ends. The thread of the runtime reuses its slot. The start of a build reads all
/// slots and allocates for each: now their number does not depend on whether the thread of the runtime,
/// which starts just before, already has one.
fn leave_a_slot() {
    thread::spawn(|| drop(black_box(Box::new(0_u8)))).join().expect("it does next to nothing");
}

/// Waits until the thread of the runtime that collects facts about the machine has ended, so that its
/// allocations are made before the work begins. Waiting allocates nothing.
fn wait_until_alone() {
    // The directory has a link for itself, one for its parent and one for each thread.
    while fs::metadata("/proc/self/task")
        .is_ok_and(|tasks| std::os::unix::fs::MetadataExt::nlink(&tasks) > 3)
    {
        thread::sleep(Duration::from_millis(1));
    }
}

#[tracked_phase("work")]
fn work(blocks: usize, bytes: usize, growths: usize) {
    for _ in 0..blocks {
        let mut block: Vec<u8> = Vec::with_capacity(bytes);
        for _ in 0..growths {
            block.reserve_exact(block.capacity() + bytes);
        }
        black_box(&block);
    }
}
