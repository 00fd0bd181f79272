//! Estimates are right on average, and their intervals contain the true values.

use std::hint::black_box;

use perf_runtime::perf_history::AllocationPlace;
use perf_runtime::{AllocationSampling, BuildStats, enter};

use crate::{all, all_places, places, sampled};

const MEAN: u64 = 8 << 10;

/// What the places of the program allocate: the size and the number of blocks.
const SMALL: (usize, u64) = (24, 6_000);
const MIDDLING: (usize, u64) = (1_500, 60);
const LARGE: (usize, u64) = (20_000, 7);
const KEPT: (usize, u64) = (300, 400);

fn small() {
    for _ in 0..SMALL.1 {
        black_box(Vec::<u8>::with_capacity(SMALL.0));
    }
}

fn middling() {
    for _ in 0..MIDDLING.1 {
        black_box(Vec::<u8>::with_capacity(MIDDLING.0));
    }
}

fn large() {
    for _ in 0..LARGE.1 {
        black_box(Vec::<u8>::with_capacity(LARGE.0));
    }
}

/// Grows to the bytes of `MIDDLING`, in steps.
fn growing() {
    let mut bytes = Vec::<u8>::new();
    for step in 1..=MIDDLING.1 {
        bytes.reserve_exact(usize::try_from(step).unwrap() * MIDDLING.0);
        black_box(&mut bytes);
        // `reserve_exact` counts from the length.
        bytes.clear();
    }
}

fn kept() -> Vec<Vec<u8>> {
    (0..KEPT.1).map(|_| Vec::with_capacity(KEPT.0)).collect()
}

fn program(seed: u64) -> BuildStats {
    let sampling = AllocationSampling::every(MEAN).with_seed(seed);
    let mut held = Vec::new();
    sampled(sampling, || {
        let _phase = enter("work");
        small();
        middling();
        large();
        growing();
        held = kept();
    })
}

fn bytes((size, count): (usize, u64)) -> u64 {
    size as u64 * count
}

/// The places whose true bytes are known, by their functions.
fn truth() -> [(&'static str, u64); 5] {
    [
        ("small", bytes(SMALL)),
        ("middling", bytes(MIDDLING)),
        ("large", bytes(LARGE)),
        ("growing", bytes(MIDDLING)),
        ("kept::{{closure}}", bytes(KEPT)),
    ]
}

fn place<'stats>(stats: &'stats BuildStats, function: &str) -> Option<&'stats AllocationPlace> {
    places(stats, "work").iter().find(|place| {
        let name = place.function.strip_prefix("top_allocators::estimates::");
        name.is_some_and(|name| {
            name == function || name == function.replace("{{closure}}", "{closure#0}")
        })
    })
}

#[expect(clippy::cast_precision_loss, reason = "small")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[test]
fn over_many_seeds_estimates_are_right_on_average_and_their_intervals_hold_the_truth() {
    const RUNS: u64 = 60;
    let mut sums = [[0.0; 2]; 5];
    let mut retained = [0.0; 2];
    let (mut outside, mut intervals) = (0, 0);
    let mut intervals_of_retained = 0;
    for seed in 0..RUNS {
        let stats = program(seed);
        for ((function, truth), sums) in truth().into_iter().zip(&mut sums) {
            let place = place(&stats, function);
            let estimate = place.map_or(0, |place| place.alloc_bytes);
            sums[0] += as_f64(estimate);
            sums[1] += (as_f64(estimate) - as_f64(truth)).powi(2);
            if let Some(place) = place {
                let interval = place.alloc_bytes_low..=place.alloc_bytes_high;
                intervals += 1;
                outside += u32::from(!interval.contains(&truth));
            }
        }
        let phase = stats.phase("work").unwrap();
        let truth = u64::try_from(phase.net_bytes.unwrap()).unwrap();
        let estimate = phase.retained_bytes.unwrap();
        retained[0] += as_f64(estimate) - as_f64(truth);
        retained[1] += (as_f64(estimate) - as_f64(truth)).powi(2);
        let interval = phase.retained_bytes_low.unwrap()..=phase.retained_bytes_high.unwrap();
        intervals_of_retained += u64::from(interval.contains(&truth));
    }
    for ((function, truth), [sum, squares]) in truth().into_iter().zip(sums) {
        let runs = as_f64(RUNS);
        let (mean, error) = (sum / runs, (squares / runs / runs).sqrt());
        assert!((mean - as_f64(truth)).abs() < 4.0 * error, "{function}: {mean}, not {truth}");
    }
    assert!((retained[0]).abs() < 4.0 * retained[1].sqrt(), "{retained:?}");
    assert!(intervals > 280, "{intervals}");
    // One in a thousand is expected.
    assert!(outside <= 2, "{outside} of {intervals}");
    assert!(intervals_of_retained >= RUNS - 1, "{intervals_of_retained}");
}

#[test]
fn the_same_seed_gives_the_same_estimates() {
    let estimates = |stats: &BuildStats| {
        let work = places(stats, "work").to_vec();
        (work, stats.phase("work").unwrap().retained_bytes)
    };
    let first = program(7);
    assert_eq!(estimates(&first), estimates(&program(7)));
    assert_ne!(estimates(&first), estimates(&program(8)));
}

#[test]
fn the_bytes_of_all_places_add_up_to_those_of_the_build() {
    let stats = sampled(all(), || {
        black_box(vec![1_u8; 700]);
        let _phase = enter("work");
        small();
        large();
        let _inner = enter("inner");
        growing();
    });
    let bytes: u64 = all_places(&stats).map(|place| place.alloc_bytes).sum();
    // Threads of the test harness allocate a little.
    let missing = stats.alloc_bytes.unwrap().abs_diff(bytes);
    assert!(missing * 100 < bytes, "{missing} of {bytes}");
    let facts = stats.allocators.as_ref().unwrap();
    assert_eq!((facts.sample_bytes, facts.dropped, facts.debug_info), (1, 0, Some(true)));
    assert!(facts.samples >= all_places(&stats).map(|place| place.samples).sum());
}

#[test]
fn places_are_ordered_by_bytes_and_there_are_at_most_sixteen_of_a_phase() {
    let stats = sampled(all(), || {
        let _phase = enter("work");
        black_box(Vec::<u8>::with_capacity(5_000));
        black_box(Vec::<u8>::with_capacity(5_001));
        black_box(Vec::<u8>::with_capacity(5_002));
        black_box(Vec::<u8>::with_capacity(5_003));
        black_box(Vec::<u8>::with_capacity(5_004));
        black_box(Vec::<u8>::with_capacity(5_005));
        black_box(Vec::<u8>::with_capacity(5_006));
        black_box(Vec::<u8>::with_capacity(5_007));
        black_box(Vec::<u8>::with_capacity(5_008));
        black_box(Vec::<u8>::with_capacity(5_009));
        black_box(Vec::<u8>::with_capacity(5_010));
        black_box(Vec::<u8>::with_capacity(5_011));
        small();
        middling();
        large();
        growing();
        drop(kept());
    });
    let bytes: Vec<u64> = places(&stats, "work").iter().map(|place| place.alloc_bytes).collect();
    assert!(bytes.len() == 16, "{bytes:?}");
    assert!(bytes.is_sorted_by(|one, other| one >= other), "{bytes:?}");
}

#[test]
fn nothing_is_sampled_outside_of_builds_or_unless_requested() {
    // Other tests of this process allocate before and after their turns, too.
    let own = |stats: &BuildStats| -> Vec<u64> {
        let name = "::nothing_is_sampled_outside_of_builds_or_unless_requested";
        let own = all_places(stats).filter(|place| place.function.contains(name));
        own.map(|place| place.alloc_bytes).collect()
    };
    let before = vec![1_u8; 5_000];
    let stats = sampled(all(), || {});
    drop(black_box(before));
    let between = vec![1_u8; 5_000];
    assert_eq!(own(&stats), [0; 0]);
    drop(black_box(between));
    let plain = contract_tests::one_build::measure(small);
    assert_eq!((plain.allocators, plain.unattributed.unwrap().retained_bytes), (None, None));
    let again = sampled(all(), || drop(black_box(vec![1_u8; 3_000])));
    assert_eq!(own(&again), [3_000]);
}
