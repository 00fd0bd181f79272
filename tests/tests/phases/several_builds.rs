//! Several builds open at once: each has its own record, and nothing is counted in two of them.

use std::mem::forget;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{allocate, collector, on_a_thread, paths, phase_of, started, turn};
use perf_runtime::{PhaseHandle, build, enter, phase};

#[test]
fn builds_of_two_threads_count_their_own_thread_and_not_a_third() {
    let _turn = turn();
    let (ready, is_ready) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let mut first = started();
    let other = thread::spawn(move || {
        let mut second = started();
        ready.send(()).unwrap();
        may_go.recv().unwrap();
        phase!("page", { allocate(2_000) });
        second.end_build()
    });
    is_ready.recv().unwrap();
    phase!("page", { allocate(1_000) });
    on_a_thread(|| allocate(64_000));
    go.send(()).unwrap();
    let second = other.join().unwrap();
    let first = first.end_build();
    for (stats, bytes) in [(&first, 1_000), (&second, 2_000)] {
        assert_conserved(stats);
        assert_eq!(paths(stats), ["page"]);
        let page = phase_of(stats, "page");
        assert_eq!((page.calls, page.alloc_bytes, page.threads), (1, Some(bytes), 1));
        let unclaimed = stats.unclaimed.as_ref().unwrap();
        assert!(unclaimed.alloc_bytes >= 64_000 && unclaimed.alloc_count > 0, "{unclaimed:?}");
        assert!(stats.alloc_bytes.unwrap() < 64_000, "{:?}", stats.alloc_bytes);
    }
}

#[test]
fn a_build_handle_carries_one_of_several_builds_to_a_thread() {
    let _turn = turn();
    let (mut first, mut second) = (started(), collector());
    let first_build = build();
    let second_build = on_a_thread(move || {
        second.start_build();
        (build(), second)
    });
    let (second_build, mut second) = second_build;
    on_a_thread(move || {
        for (build, bytes) in [(first_build, 1_000), (second_build, 2_000), (first_build, 1_000)] {
            let _build = build.enter();
            allocate(7);
            assert_eq!(format!("{:?}", perf_runtime::build()), format!("{build:?}"));
            let _page = enter("page");
            allocate(bytes);
        }
    });
    let (second, first) = (second.end_build(), first.end_build());
    for (stats, calls, bytes) in [(&first, 2, 2_000), (&second, 1, 2_000)] {
        assert_conserved(stats);
        let page = phase_of(stats, "page");
        assert_eq!((page.calls, page.alloc_bytes, page.threads), (calls, Some(bytes), 1));
        let outside = stats.unattributed.as_ref().unwrap();
        assert!(outside.alloc_bytes.unwrap() >= 7 * calls, "{outside:?}");
    }
    assert_eq!(phase_of(&second, "page").build_thread_ms, None);
}

#[test]
fn a_build_inside_another_counts_the_memory_and_the_outer_one_the_time() {
    let _turn = turn();
    let (mut outer, mut inner) = (started(), collector());
    let outer_page = enter("page");
    allocate(10);
    inner.start_build();
    phase!("page", {
        allocate(5_000);
        thread::sleep(Duration::from_millis(20));
    });
    allocate(600);
    let inner = inner.end_build();
    allocate(20);
    drop(outer_page);
    let outer = outer.end_build();
    assert_conserved(&inner);
    let inner_page = phase_of(&inner, "page");
    assert_eq!((inner_page.calls, inner_page.alloc_bytes), (1, Some(5_000)));
    assert_eq!(inner.unattributed.as_ref().unwrap().alloc_bytes, Some(600));
    let page = phase_of(&outer, "page");
    // The inner build's record is memory of the user, like the 30 bytes.
    assert!(page.alloc_bytes.unwrap() < 5_000 + 30, "{page:?}");
    assert!(page.elapsed_ms - page.total_ms >= 20.0, "{page:?}");
    let outside = outer.unattributed.as_ref().unwrap();
    assert!(
        outside.build_thread_ms >= 20.0
            && page.build_thread_ms.unwrap() <= outer.build_time_ms - 20.0
    );
    assert_conserved(&outer);
}

#[test]
fn a_handle_does_nothing_after_the_end_of_its_build() {
    let _turn = turn();
    let mut first = started();
    let render = enter("render");
    let handle = PhaseHandle::current();
    drop(render);
    let first = first.end_build();
    let mut second = started();
    let elsewhere = enter("elsewhere");
    {
        let _stale = handle.enter();
        allocate(50);
        phase!("page", { allocate(60) });
    }
    drop(elsewhere);
    let second = second.end_build();
    assert_eq!(paths(&first), ["render"]);
    assert_eq!(phase_of(&first, "render").alloc_bytes, Some(0));
    assert_eq!(paths(&second), ["elsewhere", "elsewhere/page"]);
    assert_eq!(phase_of(&second, "elsewhere").alloc_bytes, Some(110));
    assert_eq!(phase_of(&second, "elsewhere").self_alloc_bytes, Some(50));
}

#[test]
fn handed_off_work_that_runs_at_the_end_counts_until_then() {
    let _turn = turn();
    let mut collector = started();
    let handle = phase!("render", { PhaseHandle::current() });
    let (reached, is_reached) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let worker = thread::spawn(move || {
        let handed = handle.enter();
        forget(enter("page"));
        allocate(100);
        reached.send(()).unwrap();
        may_go.recv().unwrap();
        allocate(9_000);
        drop(handed);
        phase!("late", { allocate(1) });
    });
    is_reached.recv().unwrap();
    let stats = collector.end_build();
    go.send(()).unwrap();
    worker.join().unwrap();
    assert_conserved(&stats);
    assert_eq!(paths(&stats), ["render", "render/page"]);
    let (render, page) = (phase_of(&stats, "render"), phase_of(&stats, "render/page"));
    assert_eq!((render.calls, render.open_calls, render.threads), (1, 0, 2));
    assert_eq!((page.calls, page.open_calls, page.threads), (0, 1, 1));
    assert!((100..9_000).contains(&page.alloc_bytes.unwrap()), "{page:?}");
    assert_eq!(render.alloc_bytes, page.alloc_bytes);
    assert!(render.total_ms >= page.total_ms, "{render:?} {page:?}");
    // The build thread was in it only briefly.
    assert!(
        render.build_thread_ms.unwrap() <= render.total_ms - page.total_ms + 1e-6,
        "{render:?}"
    );
}

#[test]
fn a_build_started_inside_a_phase_keeps_its_time_when_the_phase_is_exited() {
    let _turn = turn();
    let (mut outer, mut inner) = (started(), collector());
    let page = enter("page");
    inner.start_build();
    drop(page);
    thread::sleep(Duration::from_millis(5));
    allocate(5_000);
    let inner = inner.end_build();
    let outer = outer.end_build();
    assert_conserved(&outer);
    assert_conserved(&inner);
    assert!(inner.unattributed.unwrap().alloc_bytes.unwrap() >= 5_000);
}

#[test]
fn a_build_started_inside_a_phase_of_a_thread_that_ends_keeps_its_time() {
    let _turn = turn();
    let mut outer = started();
    let mut inner = on_a_thread(|| {
        let _page = enter("page");
        started()
    });
    thread::sleep(Duration::from_millis(5));
    let inner = inner.end_build();
    assert_conserved(&outer.end_build());
    assert_conserved(&inner);
}

#[test]
fn the_tree_of_a_finished_build_is_not_reused_while_it_is_on_the_stack() {
    let _turn = turn();
    let [mut bottom, mut middle, mut upper, mut last] = [(); 4].map(|()| collector());
    bottom.start_build();
    middle.start_build();
    upper.start_build();
    thread::sleep(Duration::from_millis(2));
    assert_conserved(&middle.end_build());
    last.start_build();
    thread::sleep(Duration::from_millis(2));
    assert_conserved(&bottom.end_build());
    assert_conserved(&last.end_build());
    assert_conserved(&upper.end_build());
}

/// Work of a thread between the collection of its build and the moment it sees that was in no record.
#[test]
fn work_of_a_thread_while_one_of_two_builds_is_collected_is_in_the_other() {
    const BLOCK: usize = 1 << 20;
    let _turn = turn();
    let names: Vec<String> = (0..500).map(|page| format!("page {page}")).collect();
    for _ in 0..20 {
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, is_ready) = mpsc::channel();
        let mut other = on_a_thread(started);
        let mut collected = started();
        // Keeps the collector busy after it has read the worker.
        for name in &names {
            drop(enter(name));
        }
        let worker = thread::spawn({
            let (handle, stop) = (build(), Arc::clone(&stop));
            move || {
                let _build = handle.enter();
                let _work = enter("work");
                let mut blocks = 0;
                ready.send(()).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    (0..20).for_each(|_| allocate(BLOCK));
                    blocks += 20;
                    drop(enter("check"));
                }
                blocks
            }
        });
        is_ready.recv().unwrap();
        let collected = collected.end_build();
        stop.store(true, Ordering::Relaxed);
        let blocks = worker.join().unwrap();
        let other = other.end_build();
        assert_conserved(&collected);
        assert_conserved(&other);
        let counted = [&collected, &other].map(|stats| stats.alloc_bytes.unwrap());
        let unclaimed = other.unclaimed.as_ref().unwrap().alloc_bytes;
        let all = counted.iter().sum::<u64>() + unclaimed;
        // Everything else is less than a block.
        assert_eq!(all / BLOCK as u64, blocks, "{counted:?} {unclaimed}");
    }
}
