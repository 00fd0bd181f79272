//! Phases on other threads: their work is counted exactly once, however the threads begin and end.

use std::cell::RefCell;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{
    allocate, collector, measure, on_a_thread, phase_of, started, turn,
};
#[cfg(target_os = "linux")]
use contract_tests::one_build::{paths, resident_kib};
#[cfg(target_os = "linux")]
use perf_runtime::PhaseHandle;
use perf_runtime::{PhaseGuard, enter, tracked_phase};

#[tracked_phase("work")]
fn work(bytes: usize) {
    allocate(bytes);
}

// ---- birth and death -----------------------------------------------------------------------------

#[test]
fn the_work_of_threads_that_begin_and_end_during_the_build_is_counted() {
    let stats = measure(|| {
        let _here = enter("build thread");
        work(5);
        for bytes in [100, 200, 300] {
            on_a_thread(move || {
                work(bytes);
                work(bytes);
            });
        }
    });
    let other = phase_of(&stats, "work");
    assert_eq!((other.calls, other.threads, other.alloc_bytes), (6, 3, Some(1_200)));
    assert_eq!(
        (other.build_thread_ms, other.build_thread_self_ms, other.process_peak_bytes),
        (None, None, None)
    );
    assert_eq!(other.peak_bytes, Some(300));
    assert_eq!(stats.phase_timings_ms["work"].to_bits(), other.elapsed_ms.to_bits());
    let own = phase_of(&stats, "build thread/work");
    assert_eq!((own.calls, own.threads, own.alloc_bytes), (1, 1, Some(5)));
}

#[test]
fn a_phase_that_ran_on_the_build_thread_too_has_build_thread_time() {
    let stats = measure(|| {
        let sleep = || {
            let _phase = enter("sleep");
            thread::sleep(Duration::from_millis(20));
        };
        sleep();
        thread::scope(|scope| {
            scope.spawn(sleep);
            scope.spawn(sleep);
        });
    });
    let sleep = phase_of(&stats, "sleep");
    assert_eq!((sleep.calls, sleep.threads), (3, 3));
    let own = sleep.build_thread_ms.unwrap();
    assert!(own >= 20.0 && sleep.total_ms >= own + 40.0, "{sleep:?}");
    assert!(sleep.elapsed_ms >= 40.0, "{sleep:?}");
    assert_eq!(stats.phase_timings_ms["sleep"].to_bits(), own.to_bits());
}

#[test]
fn what_a_thread_did_before_the_build_is_not_counted() {
    let _turn = turn();
    let barrier = Barrier::new(2);
    let stats = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let _before = enter("before");
            work(1_000);
            let kept = vec![0_u8; 9_000];
            barrier.wait();
            barrier.wait();
            work(10);
            drop(kept);
        });
        barrier.wait();
        let mut collector = started();
        barrier.wait();
        worker.join().unwrap();
        collector.end_build()
    });
    assert_conserved(&stats);
    assert_eq!(stats.phases.len(), 1);
    let work = phase_of(&stats, "work");
    assert_eq!((work.calls, work.alloc_bytes, work.peak_bytes), (1, Some(10), Some(10)));
    let outside = stats.unattributed.unwrap();
    assert!(outside.freed_bytes.unwrap() >= 9_000, "{outside:?}");
    assert!(outside.alloc_bytes.unwrap() < 9_000, "{outside:?}");
}

#[test]
fn a_thread_that_outlives_builds_is_counted_in_each() {
    let _turn = turn();
    let mut collector = collector();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            for bytes in [10, 20, 30] {
                barrier.wait();
                work(bytes);
                barrier.wait();
                // Between the builds.
                barrier.wait();
                work(7_000);
                barrier.wait();
            }
        });
        for bytes in [10, 20, 30] {
            collector.start_build();
            barrier.wait();
            barrier.wait();
            let stats = collector.end_build();
            barrier.wait();
            barrier.wait();
            assert_conserved(&stats);
            let work = phase_of(&stats, "work");
            assert_eq!((work.calls, work.threads), (1, 1));
            assert_eq!((work.alloc_bytes, work.freed_bytes), (Some(bytes), Some(bytes)));
        }
    });
}

#[test]
fn a_thread_in_a_phase_at_the_end_is_an_open_call_with_its_work_until_then() {
    let _turn = turn();
    let mut collector = collector();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        collector.start_build();
        scope.spawn(|| {
            let _stuck = enter("stuck");
            work(100);
            let kept = vec![0_u8; 40];
            thread::sleep(Duration::from_millis(10));
            let _inner = enter("inner");
            barrier.wait();
            barrier.wait();
            drop(kept);
        });
        barrier.wait();
        let stats = collector.end_build();
        barrier.wait();
        assert_conserved(&stats);
        let stuck = phase_of(&stats, "stuck");
        assert_eq!((stuck.calls, stuck.open_calls, stuck.threads), (0, 1, 1));
        assert_eq!((stuck.alloc_count, stuck.alloc_bytes), (Some(2), Some(140)));
        assert_eq!((stuck.freed_bytes, stuck.net_bytes), (Some(100), Some(40)));
        assert_eq!((stuck.peak_bytes, stuck.self_alloc_bytes), (Some(100), Some(40)));
        assert!(stuck.total_ms >= 10.0 && stuck.self_ms >= 10.0, "{stuck:?}");
        assert!(
            stuck.total_ms <= stats.build_time_ms && stuck.build_thread_ms.is_none(),
            "{stuck:?}"
        );
        let end = stuck.started_ms + stuck.elapsed_ms;
        assert!((end - stats.build_time_ms).abs() < 1e-6, "{stuck:?} in {}", stats.build_time_ms);
        assert_eq!((stuck.min_ms, stuck.p50_ms, stuck.max_ms), (None, None, None));
        assert_eq!(phase_of(&stats, "stuck/work").calls, 1);
        let inner = phase_of(&stats, "stuck/inner");
        assert_eq!((inner.calls, inner.open_calls), (0, 1));
    });
}

#[test]
fn a_thread_that_panics_and_one_that_forgets_its_guard_are_counted_where_they_end() {
    let stats = measure(|| {
        let panicked = thread::spawn(|| {
            let _doomed = enter("doomed");
            work(10);
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panicked.join().is_err());
        on_a_thread(|| {
            std::mem::forget(enter("forgotten"));
            work(20);
        });
        // Reuses the slot of the one that ended, and is not in its phase.
        on_a_thread(|| work(30));
    });
    let doomed = phase_of(&stats, "doomed");
    assert_eq!((doomed.calls, doomed.panics, doomed.open_calls), (1, 1, 0));
    let forgotten = phase_of(&stats, "forgotten");
    assert_eq!((forgotten.calls, forgotten.panics, forgotten.open_calls), (0, 0, 1));
    assert_eq!(phase_of(&stats, "forgotten/work").alloc_bytes, Some(20));
    assert_eq!(phase_of(&stats, "work").alloc_bytes, Some(30));
}

// ---- many threads --------------------------------------------------------------------------------

/// Runs batches, the last nine tenths of which must not make the process larger.
#[cfg(target_os = "linux")]
fn assert_leaves_no_memory(batches: u64, batch: impl Fn()) {
    (0..batches / 10).for_each(|_| batch());
    let before = resident_kib();
    (batches / 10..batches).for_each(|_| batch());
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 4 << 10, "{grown} KiB");
}

#[cfg(target_os = "linux")]
#[test]
fn two_thousand_short_threads_are_counted_once_each_and_leave_no_memory_behind() {
    let batch = || {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                thread::spawn(|| {
                    // In no phase.
                    allocate(100_000);
                    let _outer = enter("outer");
                    work(123);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    };
    // A slot for each would be more than 10 KiB: 18 MiB together.
    let stats = measure(|| assert_leaves_no_memory(250, batch));
    for path in ["outer", "outer/work"] {
        let phase = phase_of(&stats, path);
        assert_eq!((phase.calls, phase.threads, phase.open_calls), (2_000, 2_000, 0), "{path}");
        assert_eq!((phase.alloc_count, phase.alloc_bytes), (Some(2_000), Some(246_000)));
        assert_eq!((phase.freed_count, phase.freed_bytes), (Some(2_000), Some(246_000)));
    }
    assert_eq!(phase_of(&stats, "outer").self_alloc_count, Some(0));
    let outside = stats.unattributed.unwrap().alloc_bytes.unwrap();
    // Starting threads allocates as well, but far less.
    assert!((200_000_000..220_000_000).contains(&outside), "{outside}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_threads_of_a_phase_are_counted_once_each_and_leave_no_memory_behind() {
    const THREADS: u64 = 100_000;
    const AT_ONCE: u64 = 10;
    let batch = |phase: PhaseHandle| {
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(move || {
                    let _handed = phase.enter();
                    let _page = enter("page");
                    allocate(123);
                });
            }
        });
    };
    let stats = measure(|| {
        let _render = enter("render");
        let phase = PhaseHandle::current();
        // A slot for each would be 900 MiB.
        assert_leaves_no_memory(THREADS / AT_ONCE, || batch(phase));
    });
    assert_eq!(paths(&stats), ["render", "render/page"]);
    let page = phase_of(&stats, "render/page");
    assert_eq!((page.calls, page.threads, page.open_calls), (THREADS, THREADS, 0));
    assert_eq!((page.alloc_count, page.alloc_bytes), (Some(THREADS), Some(THREADS * 123)));
    assert_eq!((page.freed_count, page.freed_bytes), (Some(THREADS), Some(THREADS * 123)));
    assert_eq!((page.net_bytes, page.peak_bytes), (Some(0), Some(123)));
    let render = phase_of(&stats, "render");
    assert_eq!((render.calls, render.threads), (1, THREADS + 1));
}

#[test]
fn a_hundred_threads_at_once_are_each_counted_in_their_phases() {
    let all_are_there = Barrier::new(100);
    let stats = measure(|| {
        thread::scope(|scope| {
            for number in 0..100 {
                let all_are_there = &all_are_there;
                scope.spawn(move || {
                    let _outer = enter(if number % 2 == 0 { "even" } else { "odd" });
                    work(number);
                    all_are_there.wait();
                    work(number);
                });
            }
        });
    });
    for (path, sum) in [("even", 2 * 2_450), ("odd", 2 * 2_500)] {
        let phase = phase_of(&stats, path);
        assert_eq!((phase.calls, phase.threads, phase.alloc_bytes), (50, 50, Some(sum)), "{path}");
        let inner = phase_of(&stats, &format!("{path}/work"));
        assert_eq!((inner.calls, inner.threads, inner.alloc_bytes), (100, 50, Some(sum)));
        // The peak of the worst call, not a sum over threads.
        assert!(phase.peak_bytes.unwrap() <= 99, "{phase:?}");
    }
}

#[test]
fn memory_can_be_allocated_on_one_thread_and_freed_on_another() {
    let stats = measure(|| {
        let blocks: Vec<Vec<u8>> = on_a_thread(|| {
            let mut blocks = Vec::with_capacity(10);
            let _made = enter("made");
            blocks.extend((0..10).map(|_| vec![0; 1_000]));
            blocks
        });
        let _freed = enter("freed");
        drop(blocks);
    });
    let (made, freed) = (phase_of(&stats, "made"), phase_of(&stats, "freed"));
    assert_eq!((made.alloc_bytes, made.freed_bytes), (Some(10_000), Some(0)));
    assert_eq!((made.net_bytes, made.peak_bytes), (Some(10_000), Some(10_000)));
    // The blocks and their list.
    let list = (10 * size_of::<Vec<u8>>()) as u64;
    assert_eq!((freed.freed_count, freed.freed_bytes), (Some(11), Some(10_000 + list)));
    assert_eq!((freed.alloc_count, freed.peak_bytes), (Some(0), Some(0)));
    assert_eq!(freed.net_bytes, Some(-(10_000 + list.cast_signed())));
}

// ---- destructors of thread-locals ------------------------------------------------------------------

/// Its destructor enters phases, allocates, reallocates, frees and adds items.
struct Busy {
    block: Vec<u8>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _phase = enter("destructor");
        work(50);
        self.block = Vec::new();
        let mut grown = vec![0_u8; 10];
        grown.reserve_exact(90);
        perf_runtime::add_items(1);
    }
}

thread_local! {
    static BUSY: RefCell<Option<Busy>> = const { RefCell::new(None) };
    static GUARD: RefCell<Option<PhaseGuard>> = const { RefCell::new(None) };
    static LATER: RefCell<Option<Busy>> = const { RefCell::new(None) };
}

#[test]
fn the_work_of_thread_local_destructors_is_counted_in_the_phases_that_they_enter() {
    let threads = 50;
    let stats = measure(|| {
        for _ in 0..threads {
            on_a_thread(|| BUSY.set(Some(Busy { block: vec![0; 200] })));
        }
    });
    let destructor = phase_of(&stats, "destructor");
    assert_eq!(
        (destructor.calls, destructor.threads, destructor.items),
        (threads, threads, threads)
    );
    assert_eq!(destructor.alloc_count, Some(2 * threads));
    assert_eq!(destructor.alloc_bytes, Some((50 + 100) * threads));
    assert_eq!(destructor.realloc_count, Some(threads));
    assert_eq!(destructor.freed_bytes, Some((50 + 100 + 200) * threads));
    assert_eq!(phase_of(&stats, "destructor/work").alloc_bytes, Some(50 * threads));
}

#[test]
fn a_guard_in_a_thread_local_closes_when_its_thread_ends() {
    let stats = measure(|| {
        for _ in 0..3 {
            on_a_thread(|| {
                // Destroyed in reverse order: the guard is dropped after the phase inside it.
                GUARD.set(Some(enter("as long as the thread")));
                LATER.set(Some(Busy { block: Vec::new() }));
                work(10);
            });
        }
    });
    let thread = phase_of(&stats, "as long as the thread");
    assert_eq!((thread.calls, thread.open_calls, thread.threads), (3, 0, 3));
    assert_eq!(phase_of(&stats, "as long as the thread/destructor").calls, 3);
    assert_eq!(phase_of(&stats, "as long as the thread/destructor/work").calls, 3);
    assert_eq!(thread.alloc_bytes, Some(3 * (10 + 50 + 100)));
}
