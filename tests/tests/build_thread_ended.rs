//! A build whose thread ends before it: another thread reuses its slot, and its time is not build thread
//! time. A process of its own, so that all slots of ended threads can be taken.
#![forbid(unsafe_code)]

use std::sync::Barrier;
use std::thread;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{on_a_thread, phase_of, started};
use perf_runtime::{TrackingAllocator, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

#[tracked_phase("allocate")]
fn allocate(bytes: usize) {
    drop(std::hint::black_box(vec![0_u8; bytes]));
}

#[test]
fn a_build_outlives_the_thread_that_it_started_on() {
    let mut collector = on_a_thread(|| {
        let collector = started();
        allocate(10);
        collector
    });
    // Enough threads at once to take the slots of all ended threads, including the build thread's.
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
    let phase = phase_of(&stats, "allocate");
    assert_eq!((phase.calls, phase.threads, phase.alloc_bytes), (102, 102, Some(2_040)));
    assert!(phase.build_thread_ms.unwrap() < phase.total_ms, "{phase:?}");
    assert_conserved(&stats);
}
