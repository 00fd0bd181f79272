//! Spans that several threads enter, or a thread other than the one that created them.

use super::{
    allocate, assert_bytes, assert_phases, calls, counts, measure, on_a_thread, paths, phase_of,
};
use perf_runtime::{PhaseHandle, enter, in_current_phase};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;
use tracing::{Span, info_span};

#[test]
fn threads_that_enter_the_span_of_another_add_to_its_call() {
    let stats = measure(|| {
        let span = info_span!("render");
        span.in_scope(|| {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        Span::current().in_scope(|| ());
                        span.in_scope(|| {
                            allocate(1_000);
                            info_span!("page").in_scope(|| allocate(10));
                        });
                        span.in_scope(|| allocate(100));
                    });
                }
            });
        });
    });
    assert_eq!(paths(&stats), ["render", "render/page"]);
    let [render, page] = ["render", "render/page"].map(|path| phase_of(&stats, path));
    assert_eq!((counts(render), render.threads), ([1, 0, 0, 0, 0], 5));
    assert_eq!((counts(page), page.threads), ([4, 0, 0, 0, 0], 4));
    assert_eq!(page.alloc_bytes, Some(40));
    assert!(render.build_thread_ms.unwrap() <= render.total_ms, "{render:?}");
    assert_eq!((render.latency_ms, page.build_thread_ms), (None, None));
    // Its length is that of the entry that it began with.
    assert!((render.max_ms.unwrap() - render.build_thread_ms.unwrap()).abs() < 1e-6, "{render:?}");
}

#[test]
fn a_call_continues_on_another_thread_after_the_first_has_exited() {
    let stats = measure(|| {
        let span = info_span!("span");
        let entered = Barrier::new(2);
        let left = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                entered.wait();
                span.in_scope(|| {
                    entered.wait();
                    left.wait();
                    thread::sleep(Duration::from_millis(20));
                });
            });
            span.in_scope(|| {
                entered.wait();
                entered.wait();
            });
            left.wait();
        });
    });
    let span = phase_of(&stats, "span");
    assert_eq!((counts(span), span.threads, span.latency_ms), ([1, 0, 0, 0, 0], 2, None));
    let length = span.max_ms.unwrap();
    assert!(length >= 20.0 && length <= span.total_ms, "{span:?}");
    assert!(span.build_thread_ms.unwrap() <= length - 20.0, "{span:?}");
}

#[test]
fn the_thread_that_closes_a_span_has_not_run_it() {
    let stats = measure(|| {
        let parent = info_span!("parent").entered();
        let span = info_span!("span");
        let elsewhere = span.clone();
        on_a_thread(move || elsewhere.in_scope(|| allocate(500)));
        drop(span);
        drop(parent);
        let (top, elsewhere) = {
            let top = info_span!("top");
            (top.clone(), top)
        };
        on_a_thread(move || elsewhere.in_scope(|| allocate(500)));
        drop(top);
    });
    for path in ["parent/span", "top"] {
        let phase = phase_of(&stats, path);
        assert_eq!((counts(phase), phase.threads), ([1, 0, 0, 0, 0], 1), "{path}");
        assert_eq!((phase.build_thread_ms, phase.build_thread_self_ms), (None, None), "{path}");
        assert!(phase.max_ms.is_some());
    }
    // The timing of a phase that never ran on the build thread is its elapsed time.
    assert_eq!(
        stats.phase_timings_ms["top"].to_bits(),
        phase_of(&stats, "top").elapsed_ms.to_bits()
    );
}

#[test]
fn a_span_that_is_closed_on_a_thread_without_phases_is_counted() {
    let stats = measure(|| {
        let outer = info_span!("outer");
        let span = outer.in_scope(|| info_span!("span"));
        span.in_scope(|| allocate(5));
        on_a_thread(move || drop((outer, span)));
    });
    assert_eq!(paths(&stats), ["outer", "outer/span"]);
    for path in ["outer", "outer/span"] {
        let phase = phase_of(&stats, path);
        assert_eq!((counts(phase), phase.threads), ([1, 0, 0, 0, 0], 1), "{path}");
        assert!(phase.build_thread_ms.is_some());
    }
}

#[test]
fn a_span_in_handed_off_work_is_below_the_phase() {
    let stats = measure(|| {
        let _render = enter("render");
        let handle = PhaseHandle::current();
        let work = in_current_phase!(move || info_span!("page").in_scope(|| allocate(25)));
        on_a_thread(work);
        on_a_thread(move || {
            let _guard = handle.enter();
            info_span!("page").in_scope(|| allocate(25));
        });
    });
    assert_eq!(paths(&stats), ["render", "render/page"]);
    assert_eq!(counts(phase_of(&stats, "render/page")), [2, 0, 0, 0, 0]);
    assert_bytes(&stats, "render/page", 50);
}

#[test]
fn a_span_that_a_thread_leaves_open_at_its_end_changes_no_other() {
    let stats = measure(|| {
        for _ in 0..3 {
            on_a_thread(|| std::mem::forget(info_span!("left").entered()));
            on_a_thread(|| info_span!("next").in_scope(|| allocate(5)));
        }
    });
    assert_phases(&stats, &[("left", [0, 0, 0, 0, 3], 0), ("next", calls(3), 15)]);
}

/// The other thread uses the span at the same time as the thread that made it.
#[test]
fn a_span_that_two_threads_use_at_once_is_one_call() {
    const ROUNDS: usize = 2_000;
    for enters in [false, true] {
        let stats = measure(|| {
            let shared = Mutex::new(None::<Span>);
            let turn = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        turn.wait();
                        let span = shared.lock().unwrap().take().unwrap();
                        info_span!(parent: &span, "child").in_scope(|| allocate(10));
                        if enters {
                            span.in_scope(|| allocate(100));
                        }
                        drop(span);
                        turn.wait();
                    }
                });
                for _ in 0..ROUNDS {
                    let span = info_span!("span");
                    *shared.lock().unwrap() = Some(span.clone());
                    turn.wait();
                    span.in_scope(|| allocate(1));
                    drop(span);
                    turn.wait();
                }
            });
        });
        let calls = ROUNDS as u64;
        let [span, child] = ["span", "span/child"].map(|path| phase_of(&stats, path));
        assert_eq!((span.calls, span.open_calls, span.threads), (calls, 0, 2));
        assert_eq!(counts(child), [calls, 0, 0, 0, 0]);
        assert_bytes(&stats, "span", calls * if enters { 101 } else { 1 });
        assert_bytes(&stats, "span/child", calls * 10);
    }
}
