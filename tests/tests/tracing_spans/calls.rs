//! The calls of a span and their times.

use super::{allocate, assert_phases, calls, counts, measure, paths, phase_of};
use std::thread;
use std::time::Duration;
use tracing::info_span;

#[test]
fn a_span_that_is_entered_once_is_an_ordinary_call() {
    let stats = measure(|| {
        for milliseconds in [1, 20] {
            let span = info_span!("nap");
            span.in_scope(|| thread::sleep(Duration::from_millis(milliseconds)));
            // It is closed later. That time is not part of the call.
            thread::sleep(Duration::from_millis(40));
        }
    });
    let nap = phase_of(&stats, "nap");
    assert_eq!(counts(nap), calls(2));
    assert_eq!(nap.latency_ms, None);
    let (min, max) = (nap.min_ms.unwrap(), nap.max_ms.unwrap());
    assert!(min >= 1.0 && max >= 20.0, "{nap:?}");
    assert!((nap.total_ms - min - max).abs() < 1e-6, "{nap:?}");
    assert!(nap.elapsed_ms >= 61.0, "{nap:?}");
}

#[test]
fn a_span_that_is_entered_several_times_is_one_call_from_its_first_entry_to_its_last_exit() {
    let stats = measure(|| {
        let span = info_span!("again");
        for bytes in [100, 200, 300] {
            span.in_scope(|| allocate(bytes));
            thread::sleep(Duration::from_millis(10));
        }
    });
    let again = phase_of(&stats, "again");
    // The last entry of an instrumented future is its drop.
    assert_eq!(counts(again), [1, 2, 0, 0, 0]);
    assert_eq!((again.alloc_bytes, again.peak_bytes), (Some(600), Some(300)));
    let latency = again.latency_ms.unwrap();
    assert!(latency >= 20.0 && again.total_ms <= latency - 20.0, "{again:?}");
    assert_eq!([again.min_ms, again.p50_ms, again.max_ms], [Some(latency); 3]);
}

#[test]
fn a_span_that_is_never_entered_is_no_call() {
    let stats = measure(|| {
        let never = info_span!("never");
        drop(never.clone());
        let child = info_span!(parent: &never, "child");
        child.in_scope(|| allocate(9));
    });
    // It is a phase because of its child.
    assert_phases(&stats, &[("never", [0; 5], 0), ("never/child", calls(1), 9)]);
    assert_eq!(phase_of(&stats, "never").alloc_bytes, Some(9));

    let stats = measure(|| drop(info_span!("never")));
    assert_eq!(stats.phases, []);
}

#[test]
fn a_name_that_is_not_valid_for_a_phase_is_replaced() {
    let stats = measure(|| {
        info_span!("a/b").in_scope(|| ());
        info_span!("").in_scope(|| ());
    });
    assert_eq!(paths(&stats), ["a_b", "(unnamed)"]);
}

#[test]
fn spans_of_one_name_in_different_places_of_the_source_are_one_phase() {
    let stats = measure(|| {
        info_span!("same").in_scope(|| allocate(1));
        info_span!("same", field = 3).in_scope(|| allocate(2));
    });
    assert_phases(&stats, &[("same", calls(2), 3)]);
}
