//! Spans of `tracing` are phases: the same names, the same tree, the same calls and memory as those
//! of a program that is annotated.
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

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{collector, phase_of, turn};
use perf_runtime::{BuildStats, PhaseLayer, PhaseStats, TrackingAllocator};
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// Makes the layer part of the subscriber of all threads.
fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(PhaseLayer::new());
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// Makes the registry allocate what it needs to keep the spans that this thread makes and enters.
fn warm_up() {
    let spans: Vec<_> = (0..16).map(|_| info_span!("before").entered()).collect();
    drop(spans);
}

/// The record of a build that does `work`, when it is its turn. What the registry needs for the
/// spans of this thread has been allocated before.
#[track_caller]
fn measure(work: impl FnOnce()) -> BuildStats {
    subscribe();
    let _turn = turn();
    warm_up();
    let mut collector = collector();
    collector.start_build();
    work();
    let stats = collector.end_build();
    assert_conserved(&stats);
    stats
}

/// Calls, polls, cancelled and panicked ones, and those still open.
fn counts(phase: &PhaseStats) -> [u64; 5] {
    [phase.calls, phase.polls, phase.cancelled, phase.panics, phase.open_calls]
}

fn allocate(bytes: usize) {
    drop(std::hint::black_box(vec![0_u8; bytes]));
}

/// Asserts what was allocated while the phase was on top of a stack.
#[track_caller]
fn assert_bytes(stats: &BuildStats, path: &str, bytes: u64) {
    assert_eq!(phase_of(stats, path).self_alloc_bytes, Some(bytes), "{path}");
}
