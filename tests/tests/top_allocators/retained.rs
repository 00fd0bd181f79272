//! What was sampled and is still there at the end of the build.

use std::hint::black_box;
use std::thread;

use perf_runtime::{BuildStats, enter};

use crate::{all, places, sampled};

#[track_caller]
fn assert_retained(stats: &BuildStats, path: &str, bytes: u64) {
    let phase = stats.phase(path).unwrap();
    let told = [phase.retained_bytes, phase.retained_bytes_low].map(Option::unwrap);
    assert_eq!(told, [bytes; 2], "{path}");
    assert!(phase.retained_bytes_high.unwrap() >= bytes);
    let places: u64 = phase.top_allocators.iter().map(|it| it.retained_bytes).sum();
    assert_eq!(places, bytes, "{path}");
}

#[test]
fn what_was_leaked_and_not_what_was_freed() {
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
fn what_is_freed_by_other_threads_or_in_other_phases_is_not_retained() {
    let stats = sampled(all(), || {
        let blocks: Vec<Vec<u8>> = {
            let _phase = enter("make");
            (0..100).map(|it| vec![1; 1_000 + it]).collect()
        };
        let list = (blocks.capacity() * size_of::<Vec<u8>>()) as u64;
        let mut blocks = blocks.into_iter();
        let half: Vec<_> = blocks.by_ref().take(50).collect();
        thread::spawn(move || drop(half)).join().unwrap();
        let _phase = enter("leave");
        std::mem::forget(black_box(blocks));
        assert_eq!(list, 2_400);
    });
    // The later half, and the list that was forgotten with it.
    let later: u64 = (50..100).map(|it| 1_000 + it).sum();
    assert_retained(&stats, "make", later + 2_400);
    assert_retained(&stats, "leave", 0);
}

#[test]
fn a_block_that_was_resized_is_retained_by_the_phases_that_made_its_parts() {
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
        // Gives back what came last.
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
fn what_did_not_fit_is_counted() {
    const BLOCKS: u64 = 90_000;
    let mut kept = Vec::new();
    let stats = sampled(all(), || {
        let _phase = enter("keep");
        kept = (0..BLOCKS).map(|_| block()).collect();
    });
    let facts = stats.allocators.as_ref().unwrap();
    assert!(facts.dropped > BLOCKS - (1 << 16), "{facts:?}");
    let phase = stats.phase("keep").unwrap();
    // All were counted where they were allocated; some of them not as live.
    let place = places(&stats, "keep").iter().find(|it| it.alloc_count == BLOCKS).unwrap();
    assert_eq!(place.alloc_bytes, BLOCKS * 50);
    let told = place.retained_bytes / 50;
    assert!(
        (BLOCKS - facts.dropped..=BLOCKS - facts.dropped + 1).contains(&told),
        "{told} {facts:?}"
    );
    assert!(phase.retained_bytes.unwrap() < phase.self_alloc_bytes.unwrap());
    drop(kept);
    let again = sampled(all(), || drop(black_box(vec![1_u8; 100])));
    assert_eq!(again.allocators.unwrap().dropped, 0, "the next build has the room again");
}
