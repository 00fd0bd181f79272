//! A build whose own thread ends before it, in a process without other tests: the place of that
//! thread goes to another, whose time is none of the build's own.
#![forbid(unsafe_code)]

use std::{sync::Barrier, thread};

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::collector;
use perf_runtime::{TrackingAllocator, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

#[tracked_phase("allocate")]
fn allocate(bytes: usize) {
    drop(std::hint::black_box(vec![0_u8; bytes]));
}

#[test]
fn a_build_outlives_the_thread_that_it_started_on() {
    let mut collector = thread::spawn(|| {
        let mut collector = collector();
        collector.start_build();
        allocate(10);
        collector
    })
    .join()
    .unwrap();
    // As many threads at once that all places which ended threads left are taken, also that of the
    // build's own. What they do is none of its time.
    let threads = 100;
    let all_are_there = Barrier::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                all_are_there.wait();
                allocate(20);
            });
        }
    });
    allocate(30);
    let stats = collector.end_build();
    let phase = stats.phase("allocate").unwrap();
    assert_eq!((phase.calls, phase.threads, phase.alloc_bytes), (102, 102, Some(2_040)));
    assert!(phase.build_thread_ms.unwrap() < phase.total_ms, "{phase:?}");
    assert_conserved(&stats);
}
