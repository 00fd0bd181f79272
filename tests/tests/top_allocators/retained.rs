//! Sampled memory that is still allocated at the end of the build.

use std::hint::black_box;
use std::thread;

use perf_runtime::{BuildStats, enter};

use crate::{all, places, sampled};

#[track_caller]
fn assert_retained(stats: &BuildStats, path: &str, bytes: u64) {
    let phase = stats.phase(path).unwrap();
    let recorded = [phase.retained_bytes, phase.retained_bytes_low].map(Option::unwrap);
    assert_eq!(recorded, [bytes; 2], "{path}");
    assert!(phase.retained_bytes_high.unwrap() >= bytes);
    let places: u64 = phase.top_allocators.iter().map(|place| place.retained_bytes).sum();
    assert_eq!(places, bytes, "{path}");
}

#[test]
fn leaked_memory_is_retained_and_freed_memory_is_not() {
    let mut kept = Vec::new();
    let stats = sampled(all(), || {
        let _phase = enter("leak");
        kept = vec![1_u8; 3_000];
        black_box(vec![1_u8; 5_000]);
    });
    assert_retained(&stats, "leak", 3_000);
    let [first, second] = places(&stats, "leak") else { panic!("{stats:?}") };
    assert_eq!((first.alloc_bytes, first.retained_bytes), (5_000, 0));
    assert_eq!((second.alloc_bytes, second.retained_bytes), (3_000, 3_000));
    drop(kept);
}

#[test]
fn memory_freed_by_other_threads_or_in_other_phases_is_not_retained() {
    let stats = sampled(all(), || {
        let blocks: Vec<Vec<u8>> = {
            let _phase = enter("make");
            (0..100).map(|extra| vec![1; 1_000 + extra]).collect()
        };
        let list = (blocks.capacity() * size_of::<Vec<u8>>()) as u64;
        let mut blocks = blocks.into_iter();
        let half: Vec<_> = blocks.by_ref().take(50).collect();
        thread::spawn(move || drop(half)).join().unwrap();
        let _phase = enter("leave");
        std::mem::forget(black_box(blocks));
        assert_eq!(list, 2_400);
    });
    // The second half, and the list that was forgotten with it.
    let later: u64 = (50..100).map(|extra| 1_000 + extra).sum();
    assert_retained(&stats, "make", later + 2_400);
    assert_retained(&stats, "leave", 0);
}

#[test]
fn a_resized_block_is_retained_by_the_phases_that_allocated_its_parts() {
    let mut block = Vec::new();
    let stats = sampled(all(), || {
        {
            let _phase = enter("begin");
            block = Vec::<u8>::with_capacity(1_000);
        }
        {
            let _phase = enter("grow");
            block.reserve_exact(100_000);
        }
        let _phase = enter("grow-again");
        block.reserve_exact(150_000);
    });
    assert_retained(&stats, "begin", 1_000);
    assert_retained(&stats, "grow", 99_000);
    assert_retained(&stats, "grow-again", 50_000);
    assert_eq!(places(&stats, "grow")[0].realloc_count, 1);

    let stats = sampled(all(), || {
        {
            let _phase = enter("begin");
            block = Vec::with_capacity(1_000);
        }
        {
            let _phase = enter("grow");
            block.reserve_exact(100_000);
        }
        // Frees what was allocated last.
        block.resize(30_000, 1);
        block.shrink_to_fit();
        let _phase = enter("grow-again");
        block.reserve_exact(40_000);
    });
    assert_retained(&stats, "begin", 1_000);
    assert_retained(&stats, "grow", 29_000);
    assert_retained(&stats, "grow-again", 40_000);

    let stats = sampled(all(), || {
        let _phase = enter("grow");
        let mut block = Vec::<u8>::with_capacity(100);
        for size in 1..20 {
            block.reserve_exact(size * 10_000);
            black_box(&mut block);
        }
    });
    assert_retained(&stats, "grow", 0);
}

fn block() -> Vec<u8> {
    vec![1; 50]
}

#[test]
fn samples_beyond_the_limit_are_counted_as_dropped() {
    const BLOCKS: u64 = 90_000;
    let mut kept = Vec::new();
    let stats = sampled(all(), || {
        let _phase = enter("keep");
        kept = (0..BLOCKS).map(|_| block()).collect();
    });
    let facts = stats.allocators.as_ref().unwrap();
    assert!(facts.dropped > BLOCKS - (1 << 16), "{facts:?}");
    let phase = stats.phase("keep").unwrap();
    // All were counted as allocated, but not all as retained.
    let place = places(&stats, "keep").iter().find(|place| place.alloc_count == BLOCKS).unwrap();
    assert_eq!(place.alloc_bytes, BLOCKS * 50);
    let retained = place.retained_bytes / 50;
    let expected = BLOCKS - facts.dropped;
    assert!((expected..=expected + 1).contains(&retained), "{retained} {facts:?}");
    assert!(phase.retained_bytes.unwrap() < phase.self_alloc_bytes.unwrap());
    drop(kept);
    let again = sampled(all(), || drop(black_box(vec![1_u8; 100])));
    assert_eq!(again.allocators.unwrap().dropped, 0, "the next build has room again");
}
