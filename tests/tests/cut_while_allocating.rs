//! The cut through the counters of a thread that goes on allocating while a build ends.
#![forbid(unsafe_code)]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::collector;
use perf_runtime::{TrackingAllocator, tracked_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// Keeps what it allocates in its phase, and frees it in none.
#[tracked_phase("keep")]
fn keep(kept: &mut Vec<Vec<u8>>) {
    while kept.len() < kept.capacity() {
        kept.push(vec![0; 100]);
    }
}

#[test]
fn what_is_allocated_while_a_build_ends_is_not_counted_as_freed() {
    let mut collector = collector();
    let stop = AtomicBool::new(false);
    let records: Vec<_> = thread::scope(|scope| {
        scope.spawn(|| {
            let mut kept = Vec::with_capacity(200);
            while !stop.load(Ordering::Relaxed) {
                keep(&mut kept);
                kept.clear();
            }
        });
        let records = (0..400)
            .map(|_| {
                collector.start_build();
                // Long enough for the other thread to notice.
                for _ in 0..20 {
                    thread::yield_now();
                }
                collector.end_build()
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        records
    });
    for stats in &records {
        assert_conserved(stats);
        for phase in &stats.phases {
            assert_eq!((phase.freed_count, phase.freed_bytes), (Some(0), Some(0)), "{phase:?}");
        }
    }
}
