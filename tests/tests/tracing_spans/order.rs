//! Entries and exits in every order, and exits by unwinding.

use super::{allocate, assert_bytes, assert_phases, calls, counts, measure, phase_of};
use perf_runtime::enter;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::thread;
use tracing::info_span;

#[test]
fn a_span_that_is_entered_while_it_is_entered_is_one_call() {
    let stats = measure(|| {
        let span = info_span!("span");
        let other = info_span!("other");
        span.in_scope(|| {
            allocate(1);
            let block = vec![0_u8; 5_000_000];
            span.in_scope(|| {
                allocate(10);
                other.in_scope(|| {
                    allocate(100);
                    // Suspends the other, because it is not below it.
                    span.clone().in_scope(|| allocate(1_000));
                    allocate(10_000);
                });
                allocate(100_000);
            });
            drop(block);
            allocate(1_000_000);
        });
    });
    assert_phases(&stats, &[("span", calls(1), 6_101_011), ("other", calls(1), 10_100)]);
    assert_eq!(phase_of(&stats, "span").alloc_bytes, Some(6_101_011));
    // The inner entries are part of the call.
    assert_eq!(phase_of(&stats, "span").peak_bytes, Some(5_100_000));
}

#[test]
fn a_span_that_is_exited_before_the_spans_inside_leaves_them_entered() {
    let stats = measure(|| {
        let a = info_span!("a").entered();
        let b = info_span!("b").entered();
        let c = info_span!("c").entered();
        let d = info_span!("d").entered();
        allocate(1);
        drop(b);
        allocate(10);
        info_span!("e").in_scope(|| allocate(5));
        drop(d);
        allocate(100);
        drop(a);
        allocate(1_000);
        drop(c);
    });
    for (path, bytes) in [("a", 0), ("a/b", 0), ("a/b/c", 1_100), ("a/b/c/d", 11), ("a/b/c/d/e", 5)]
    {
        assert_eq!(counts(phase_of(&stats, path)), [1, 0, 0, 0, 0], "{path}");
        assert!(phase_of(&stats, path).self_alloc_bytes >= Some(bytes));
        if path.len() > 3 {
            assert_bytes(&stats, path, bytes);
        }
    }
    assert_eq!(stats.phases.len(), 5);
    let [c, d] = ["a/b/c", "a/b/c/d"].map(|path| phase_of(&stats, path));
    assert!(c.max_ms >= d.max_ms && c.latency_ms.is_none(), "{c:?} {d:?}");
}

#[test]
fn any_number_of_spans_can_be_entered_at_once() {
    const DEPTH: usize = 200;
    let stats = measure(|| {
        let mut spans: Vec<_> = (0..DEPTH).map(|_| info_span!("deep").entered()).collect();
        while let Some(innermost) = spans.pop() {
            allocate(10);
            drop(innermost);
        }
    });
    let deep = phase_of(&stats, "deep");
    assert_eq!(stats.phases.len(), 1);
    assert_eq!(counts(deep), [DEPTH as u64, 0, 0, 0, 0]);
    assert!(deep.self_alloc_bytes >= Some(10 * DEPTH as u64), "{deep:?}");
}

#[test]
fn a_span_guard_that_outlives_the_phase_around_it_ends_with_it() {
    let stats = measure(|| {
        let leaked = {
            let _phase = enter("phase");
            info_span!("span").entered()
        };
        allocate(10);
        drop(leaked);
        allocate(10);
    });
    assert_eq!(counts(phase_of(&stats, "phase/span")), [1, 0, 0, 0, 0]);
    assert_bytes(&stats, "phase/span", 0);
    assert!(stats.unattributed.unwrap().alloc_bytes >= Some(20));
}

#[test]
fn an_annotated_phase_ends_with_the_span_around_it() {
    let stats = measure(|| {
        let span = info_span!("span").entered();
        let guard = enter("phase");
        drop(span);
        allocate(33);
        drop(guard);
    });
    assert_eq!(counts(phase_of(&stats, "span/phase")), [1, 0, 0, 0, 0]);
    assert_bytes(&stats, "span/phase", 0);
    assert!(stats.unattributed.unwrap().alloc_bytes >= Some(33));
}

#[test]
fn entries_and_exits_that_do_not_match_are_ignored() {
    let stats = measure(|| {
        let (entered, exited) = (Barrier::new(2), Barrier::new(2));
        let span = info_span!("span");
        let exit = || span.with_subscriber(|(id, dispatch)| dispatch.exit(id));
        let enter = || span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
        thread::scope(|scope| {
            scope.spawn(|| {
                entered.wait();
                exit();
                exited.wait();
            });
            exit();
            enter();
            entered.wait();
            exited.wait();
            allocate(40);
            exit();
            exit();
        });
        // Closed while it is entered.
        enter();
        drop(span);
        allocate(44);
    });
    assert_eq!(counts(phase_of(&stats, "span")), [1, 1, 0, 0, 0]);
    assert_bytes(&stats, "span", 40);
}

#[test]
fn a_panic_ends_the_calls_of_the_spans_that_it_unwinds() {
    let stats = measure(|| {
        let outer = info_span!("outer").entered();
        for _ in 0..2 {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let _middle = info_span!("middle").entered();
                info_span!("inner").in_scope(|| resume_unwind(Box::new(())));
            }));
            assert!(caught.is_err());
        }
        info_span!("inner").in_scope(|| ());
        drop(outer);
    });
    assert_eq!(counts(phase_of(&stats, "outer")), [1, 0, 0, 0, 0]);
    assert_eq!(counts(phase_of(&stats, "outer/middle")), [2, 0, 0, 2, 0]);
    assert_eq!(counts(phase_of(&stats, "outer/middle/inner")), [2, 0, 0, 2, 0]);
    assert_eq!(counts(phase_of(&stats, "outer/inner")), [1, 0, 0, 0, 0]);
}

#[test]
fn a_span_that_is_entered_while_unwinding_has_not_panicked() {
    struct InDrop;
    impl Drop for InDrop {
        fn drop(&mut self) {
            info_span!("cleanup").in_scope(|| allocate(12));
        }
    }
    let stats = measure(|| {
        let caught = catch_unwind(|| {
            let _cleanup = InDrop;
            resume_unwind(Box::new(()));
        });
        assert!(caught.is_err());
    });
    assert_phases(&stats, &[("cleanup", calls(1), 12)]);
}
