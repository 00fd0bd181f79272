//! A build tool that allocates what its arguments say, and nothing else that depends on them: for
//! comparison with what another program counted.
//!
//! Arguments: how many blocks, how many bytes each has, how often each is grown by as much, and, if
//! the process is to end before the build does, `leave`. What becomes of the build depends on how
//! long it took, so only without that are all of the process's allocations the same in every run.
#![forbid(unsafe_code)]

use std::{fs, hint::black_box, thread, time::Duration};

use perf_runtime::{PerformanceCollector, TrackingAllocator, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = || arguments.next().and_then(|it| it.parse().ok()).expect("three numbers");
    let (blocks, bytes, growths) = (number(), number(), number());
    let leave = arguments.next().as_deref() == Some("leave");
    leave_a_place();
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

/// Has a thread come and go, whose place the runtime's own thread then takes. When a build starts, all
/// places are read, and reading one allocates: so there are as many whether that thread, which is
/// started just before, has come so far as to have one or not.
fn leave_a_place() {
    thread::spawn(|| drop(black_box(Box::new(0_u8)))).join().expect("it does next to nothing");
}

/// Waits for the facts about the machine, which a thread of the runtime's own finds out: its
/// allocations are then all made before the work begins. Waiting allocates nothing.
fn wait_until_alone() {
    // The directory has a link for itself, one for its parent and one for each thread.
    while fs::metadata("/proc/self/task")
        .is_ok_and(|it| std::os::unix::fs::MetadataExt::nlink(&it) > 3)
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
