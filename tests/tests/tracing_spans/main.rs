//! Spans of `tracing` are phases: the same names, tree, calls and memory as those of an annotated program.
//! A binary of its own, because it sets the global subscriber of the process.
#![forbid(unsafe_code)]

mod borders;
mod calls;
mod filters;
mod futures;
mod memory;
mod model;
mod order;
mod places;
mod threads;
mod twins;

use std::sync::Once;

use contract_tests::one_build::{
    allocate, collector, counts, measure_with, on_a_thread, paths, phase_of, poll_once, rows,
    started, turn, yield_now,
};
use perf_runtime::{BuildStats, PhaseLayer, PhaseStats, TrackingAllocator};
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// Sets a global subscriber with the layer.
fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(PhaseLayer::new());
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// Makes the registry allocate what it needs for the spans of this thread.
fn warm_up() {
    let spans: Vec<_> = (0..16).map(|_| info_span!("before").entered()).collect();
    drop(spans);
}

/// The record of a build that does `work`. What the registry needs for the spans of this thread is
/// allocated before.
#[track_caller]
fn measure(work: impl FnOnce()) -> BuildStats {
    subscribe();
    let _turn = turn();
    warm_up();
    measure_with(&mut collector(), work)
}

/// Asserts the path, counts and own bytes of all phases, in the order of the record.
#[track_caller]
fn assert_phases(stats: &BuildStats, expected: &[(&str, [u64; 5], u64)]) {
    let counts_and_bytes = |phase: &PhaseStats| (counts(phase), phase.self_alloc_bytes.unwrap());
    let flat = |(path, (counts, bytes))| (path, counts, bytes);
    let found: Vec<_> = rows(stats, counts_and_bytes).into_iter().map(flat).collect();
    assert_eq!(found, expected);
}

/// Counts of a phase whose calls all returned in one stretch.
const fn calls(calls: u64) -> [u64; 5] {
    [calls, 0, 0, 0, 0]
}

/// Asserts the bytes that were allocated while the phase was on top of a stack.
#[track_caller]
fn assert_bytes(stats: &BuildStats, path: &str, bytes: u64) {
    assert_eq!(phase_of(stats, path).self_alloc_bytes, Some(bytes), "{path}");
}
