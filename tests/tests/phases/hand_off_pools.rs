//! Work on rayon's workers belongs to the phase that handed it off, even if a worker steals it during
//! another phase.

use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use contract_tests::one_build::{allocate, measure, paths, phase_of, turn};
use perf_runtime::{BuildStats, enter, in_current_phase, phase};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool whose threads have started. No build is open while they start.
fn pool(threads: usize) -> ThreadPool {
    let _turn = turn();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.broadcast(|_| ());
    pool
}

/// The time of stolen work during the only call of a phase, in milliseconds.
fn stolen_from(stats: &BuildStats, path: &str) -> f64 {
    let phase = phase_of(stats, path);
    assert_eq!(phase.calls, 1, "{phase:?}");
    assert_eq!(phase.max_ms, Some(phase.total_ms), "{phase:?}");
    phase.elapsed_ms - phase.total_ms
}

// ---- work of workers ------------------------------------------------------------------------------

#[test]
fn a_parallel_iterator_allocates_in_the_phase_that_runs_it() {
    let pool = pool(3);
    let stats = measure(|| {
        let _render = enter("render");
        pool.install(in_current_phase!(|| {
            (1..=100_usize).into_par_iter().for_each(in_current_phase!(|bytes| {
                let _page = enter("page");
                allocate(bytes);
            }));
        }));
    });
    assert_eq!(paths(&stats), ["render", "render/page"]);
    let (render, page) = (phase_of(&stats, "render"), phase_of(&stats, "render/page"));
    assert_eq!((render.calls, page.calls), (1, 100));
    assert_eq!((page.alloc_count, page.alloc_bytes), (Some(100), Some(5_050)));
    assert_eq!((page.freed_bytes, page.net_bytes), (Some(5_050), Some(0)));
    assert_eq!(page.peak_bytes, Some(100));
    assert_eq!(render.alloc_bytes.unwrap() - render.self_alloc_bytes.unwrap(), 5_050);
    assert!((1..=3).contains(&page.threads), "{page:?}");
    assert!((page.threads + 1..=4).contains(&render.threads), "{render:?}");
    assert_eq!(page.build_thread_ms, None);
    assert!(render.build_thread_ms.unwrap() <= stats.build_time_ms, "{render:?}");
}

#[test]
fn each_worker_that_works_for_a_phase_is_one_of_its_threads() {
    let pool = pool(3);
    let stats = measure(|| {
        phase!("outer", {
            phase!("inner", {
                pool.broadcast(in_current_phase!(|_| {
                    allocate(1_000);
                    phase!("leaf", { allocate(10) });
                }));
            });
        });
    });
    assert_eq!(paths(&stats), ["outer", "outer/inner", "outer/inner/leaf"]);
    let [outer, inner, leaf] = &stats.phases[..] else { panic!("{stats:?}") };
    assert_eq!((outer.threads, inner.threads, leaf.threads), (4, 4, 3));
    assert_eq!((outer.calls, inner.calls, leaf.calls), (1, 1, 3));
    assert_eq!(leaf.alloc_bytes, Some(30));
    // The pool itself allocates for a broadcast.
    let by_workers = inner.self_alloc_bytes.unwrap();
    assert!((3_000..10_000).contains(&by_workers), "{inner:?}");
    assert_eq!(outer.self_alloc_bytes, Some(0));
    assert_eq!(outer.alloc_bytes, inner.alloc_bytes);
}

#[test]
fn time_of_workers_is_in_the_total_and_not_in_build_thread_time() {
    let pool = pool(2);
    let both = Barrier::new(2);
    let stats = measure(|| {
        phase!("render", {
            pool.broadcast(in_current_phase!(|_| {
                both.wait();
                thread::sleep(Duration::from_millis(20));
                both.wait();
            }));
        });
    });
    let render = phase_of(&stats, "render");
    let here = render.build_thread_ms.unwrap();
    assert!(here >= 20.0 && render.total_ms >= here + 40.0, "{render:?}");
    assert!(render.total_ms <= here + 2.0 * render.elapsed_ms, "{render:?}");
    assert_eq!(render.max_ms, Some(here), "handed-off work is not a call");
}

#[test]
fn both_sides_of_a_join_and_all_spawns_of_a_scope_are_in_the_phase() {
    let pool = pool(2);
    let stats = measure(|| {
        phase!("split", {
            pool.install(in_current_phase!(|| {
                rayon::join(
                    in_current_phase!(|| phase!("left", { allocate(100) })),
                    in_current_phase!(|| phase!("right", { allocate(200) })),
                );
                rayon::scope(|scope| {
                    for bytes in [1, 2, 3] {
                        scope.spawn(in_current_phase!(move |_| {
                            phase!("spawned", { allocate(bytes) });
                        }));
                    }
                });
            }));
        });
    });
    assert_eq!(stats.phases.len(), 4, "{:?}", paths(&stats));
    for (path, calls, bytes) in
        [("split/left", 1, 100), ("split/right", 1, 200), ("split/spawned", 3, 6)]
    {
        let phase = phase_of(&stats, path);
        assert_eq!((phase.calls, phase.alloc_bytes), (calls, Some(bytes)), "{path}");
    }
    let split = phase_of(&stats, "split");
    assert_eq!(split.alloc_bytes.unwrap() - split.self_alloc_bytes.unwrap(), 306);
}

#[test]
fn work_that_is_not_handed_off_is_at_the_root_of_the_build() {
    let pool = pool(2);
    let stats = measure(|| {
        phase!("render", {
            pool.broadcast(|_| phase!("page", { allocate(10) }));
        });
    });
    assert_eq!(phase_of(&stats, "page").calls, 2);
    assert_eq!(phase_of(&stats, "render").threads, 1);
}

#[test]
fn a_panic_in_a_worker_does_not_break_the_tree() {
    let pool = pool(2);
    let stats = measure(|| {
        let _render = enter("render");
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(in_current_phase!(|| {
                let _doomed = enter("doomed");
                allocate(5);
                std::panic::resume_unwind(Box::new(()));
            }));
        }));
        assert!(result.is_err());
        pool.broadcast(in_current_phase!(|_| phase!("page", { allocate(7) })));
    });
    assert_eq!(paths(&stats), ["render", "render/doomed", "render/page"]);
    let doomed = phase_of(&stats, "render/doomed");
    assert_eq!((doomed.calls, doomed.panics, doomed.open_calls), (1, 1, 0));
    let page = phase_of(&stats, "render/page");
    assert_eq!((page.calls, page.alloc_bytes), (2, Some(14)));
    assert_eq!((phase_of(&stats, "render").calls, phase_of(&stats, "render").panics), (1, 0));
}

// ---- stealing ------------------------------------------------------------------------------------------

#[test]
fn a_job_stolen_during_a_phase_is_not_part_of_it() {
    let pool = pool(1);
    let (send, receive) = mpsc::channel();
    let stats = measure(|| {
        let stolen = phase!("other", {
            in_current_phase!(move || {
                phase!("stolen", {
                    thread::sleep(Duration::from_millis(20));
                    send.send(std::hint::black_box(vec![0_u8; 100_000])).unwrap();
                });
                allocate(3);
            })
        });
        phase!("render", {
            pool.install(in_current_phase!(|| {
                phase!("spawn", { rayon::spawn(stolen) });
                let _page = enter("page");
                allocate(10);
                assert_eq!(rayon::yield_now(), Some(rayon::Yield::Executed));
                allocate(20);
            }));
        });
        drop(receive.recv().unwrap());
    });
    let page = phase_of(&stats, "render/page");
    assert_eq!((page.alloc_count, page.alloc_bytes), (Some(2), Some(30)));
    assert_eq!(page.self_alloc_bytes, Some(30));
    // The pool frees its memory for the job during the page, between the two blocks.
    assert!((10..=20).contains(&page.peak_bytes.unwrap()), "{page:?}");
    let stolen = phase_of(&stats, "other/stolen");
    assert!(stolen.alloc_bytes.unwrap() >= 100_000, "{stolen:?}");
    assert!(stolen.peak_bytes.unwrap() >= 100_000, "{stolen:?}");
    assert_eq!((stolen.calls, stolen.threads, stolen.build_thread_ms), (1, 1, None));
    let other = phase_of(&stats, "other");
    assert_eq!((other.calls, other.threads, other.self_alloc_bytes), (1, 2, Some(3)));
    assert!(other.total_ms >= 20.0, "{other:?}");
    assert!(stolen_from(&stats, "render/page") >= 20.0, "{page:?}");
    let render = phase_of(&stats, "render");
    assert!(render.alloc_bytes.unwrap() < 10_000, "{render:?}");
}

#[test]
fn a_job_stolen_while_waiting_for_another_pool_is_not_part_of_the_waiting_phase() {
    let outer = pool(1);
    let inner = pool(1);
    let (send, receive) = mpsc::channel();
    let receive = std::sync::Mutex::new(receive);
    let stats = measure(|| {
        let stolen = phase!("other", {
            in_current_phase!(move || {
                allocate(50_000);
                thread::sleep(Duration::from_millis(20));
                send.send(()).unwrap();
            })
        });
        phase!("render", {
            outer.install(in_current_phase!(|| {
                phase!("spawn", { rayon::spawn(stolen) });
                let _page = enter("page");
                // The worker of the outer pool can only run the spawned job, and this does not return
                // before it has.
                inner.install(in_current_phase!(|| {
                    receive.lock().unwrap().recv().unwrap();
                    phase!("inside", { allocate(40) });
                }));
            }));
        });
    });
    let page = phase_of(&stats, "render/page");
    assert!(page.alloc_bytes.unwrap() < 10_000, "{page:?}");
    assert_eq!((page.calls, page.threads), (1, 2));
    let inside = phase_of(&stats, "render/page/inside");
    assert_eq!((inside.calls, inside.alloc_bytes, inside.threads), (1, Some(40), 1));
    let other = phase_of(&stats, "other");
    assert!(other.self_alloc_bytes.unwrap() >= 50_000 && other.total_ms >= 20.0, "{other:?}");
    assert_eq!(other.threads, 2);
    // The only call is that of the outer pool's worker, which was in the page except for the job.
    assert!(page.max_ms.unwrap() + 20.0 <= page.elapsed_ms + 1e-6, "{page:?}");
}

#[test]
fn recursive_joins_on_two_workers_are_counted_once_each() {
    fn sum(depth: usize) -> usize {
        let _sum = enter("sum");
        allocate(depth + 1);
        if depth == 0 {
            return 1;
        }
        let (left, right) =
            rayon::join(in_current_phase!(|| sum(depth - 1)), in_current_phase!(|| sum(depth - 1)));
        left + right
    }
    let pool = pool(2);
    let stats = measure(|| {
        phase!("all", { assert_eq!(pool.install(in_current_phase!(|| sum(9))), 512) });
    });
    assert_eq!(paths(&stats), ["all", "all/sum"]);
    let sum = phase_of(&stats, "all/sum");
    let bytes: u64 = (0..=9).map(|depth| (1_u64 << (9 - depth)) * (depth + 1)).sum();
    assert_eq!((sum.calls, sum.open_calls), (1_023, 0));
    assert_eq!((sum.alloc_count, sum.alloc_bytes), (Some(1_023), Some(bytes)));
    assert_eq!((sum.self_alloc_bytes, sum.net_bytes), (Some(bytes), Some(0)));
    assert!(sum.total_ms <= 2.0 * sum.elapsed_ms, "{sum:?}");
    assert!((1..=2).contains(&sum.threads), "{sum:?}");
}
