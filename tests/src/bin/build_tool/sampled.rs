//! Allocations for tests of sampling. The argument `remove-program` deletes the program during the build.

use std::collections::HashMap;
use std::hint::black_box;

use perf_runtime::{PerformanceCollector, tracked_phase};

#[tracked_phase("grow")]
fn grow() -> Vec<u64> {
    let mut numbers = Vec::new();
    for number in 0..1_000_000 {
        numbers.push(black_box(number));
    }
    numbers
}

#[tracked_phase("fill")]
fn fill() -> HashMap<u64, String> {
    (0..20_000).map(|number| (number, format!("number {number}"))).collect()
}

#[tracked_phase("boxes")]
fn boxes() -> Vec<Box<[u8]>> {
    (0..20_000).map(|_| vec![0; 100].into_boxed_slice()).collect()
}

pub(crate) fn main() {
    let mut collector = PerformanceCollector::from_env("sampled", "1");
    collector.start_build();
    let kept = grow();
    drop(black_box(fill()));
    drop(black_box(boxes()));
    drop(black_box(vec![7_u8; 3_000_000]));
    if std::env::args().nth(2).as_deref() == Some("remove-program") {
        let program = std::env::current_exe().expect("the program has a path");
        std::fs::remove_file(program).expect("the program is there");
    }
    let stats = collector.end_build();
    drop(black_box(kept));
    collector.try_save(&stats).expect("the record is saved");
}
