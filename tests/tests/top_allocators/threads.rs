//! Many threads at once, their ends, and builds at once.

use std::hint::black_box;
use std::thread;

use contract_tests::one_build::{collector, turn};
use perf_runtime::{AllocationSampling, enter, in_current_phase};

use crate::{all, places, sampled};

#[test]
fn blocks_that_threads_pass_to_each_other_are_counted_once() {
    const THREADS: usize = 8;
    const BLOCKS: usize = 300;
    let (mut kept, mut sizes) = (Vec::new(), 0);
    let stats = sampled(all(), || {
        let _phase = enter("work");
        // Each thread frees the blocks of the one before it, and keeps every third.
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..THREADS).map(|_| std::sync::mpsc::channel::<Vec<u8>>()).unzip();
        let mut senders = senders;
        senders.rotate_left(1);
        let keepers: Vec<_> = senders
            .into_iter()
            .zip(receivers)
            .map(|(sender, receiver)| {
                thread::spawn(in_current_phase!(move || {
                    let _making = enter("make");
                    for block in 0..BLOCKS {
                        let mut bytes = Vec::with_capacity(100 + block);
                        bytes.resize(100 + block, 1_u8);
                        if block % 5 == 0 {
                            bytes.reserve_exact(3_000);
                        }
                        sender.send(bytes).unwrap();
                    }
                    drop(sender);
                    receiver.into_iter().step_by(3).collect::<Vec<_>>()
                }))
            })
            .collect();
        kept = keepers.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        sizes = kept.iter().map(|block| block.capacity() as u64).sum();
    });
    let phase = stats.phase("work/make").unwrap();
    let line = |place: &&perf_runtime::perf_history::AllocationPlace| place.realloc_count > 0;
    let growth = places(&stats, "work/make").iter().find(line).unwrap();
    assert_eq!(growth.realloc_count, (THREADS * BLOCKS / 5) as u64);
    assert_eq!(growth.alloc_bytes, (THREADS * BLOCKS / 5) as u64 * 3_000);
    assert_eq!(kept.len(), THREADS * BLOCKS / 3);
    let of_blocks: u64 = places(&stats, "work/make")
        .iter()
        .filter(|place| {
            place.function.contains("blocks_that_threads_pass") && place.alloc_count != 8
        })
        .filter(|place| place.realloc_count > 0 || place.alloc_count == (THREADS * BLOCKS) as u64)
        .map(|place| place.retained_bytes)
        .sum();
    assert_eq!(of_blocks, sizes);
    assert_eq!(stats.allocators.as_ref().unwrap().dropped, 0);
    assert!(phase.retained_bytes.unwrap() >= sizes);
    drop(kept);
}

#[test]
fn allocations_of_hundreds_of_short_threads_are_all_recorded() {
    let stats = sampled(all(), || {
        let _phase = enter("work");
        for _ in 0..50 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(in_current_phase!(|| {
                        black_box(vec![1_u8; 7_777]);
                    }));
                }
            });
        }
    });
    let place =
        places(&stats, "work").iter().find(|place| place.alloc_bytes == 200 * 7_777).unwrap();
    assert_eq!((place.alloc_count, place.retained_bytes), (200, 0));
}

#[test]
fn builds_at_once_are_sampled_alike_and_record_their_own_places() {
    let _turn = turn();
    let mut first = collector().sample_allocations(all());
    let mut second = collector().sample_allocations(AllocationSampling::every(1 << 30));
    first.start_build();
    let work = |path: &'static str, size: usize| {
        let _phase = enter(path);
        black_box(vec![1_u8; size]);
    };
    work("first", 1_111);
    let stats = thread::scope(|scope| {
        let other = scope.spawn(|| {
            second.start_build();
            work("second", 2_222);
            second.end_build()
        });
        other.join().unwrap()
    });
    work("first", 1_111);
    let outer = first.end_build();
    assert_eq!(stats.allocators.as_ref().unwrap().sample_bytes, 1);
    assert_eq!(places(&stats, "second")[0].alloc_bytes, 2_222);
    assert_eq!(places(&outer, "first")[0].alloc_bytes, 2 * 1_111);
    assert!(outer.phase("second").is_none() && stats.phase("first").is_none());
}
