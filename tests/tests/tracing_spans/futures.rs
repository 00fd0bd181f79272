//! Instrumented futures: a call lasts from the first entry of the span to its last exit, on any thread.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use perf_runtime::{InCurrentPhase as _, enter, tracked_phase};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use tracing::{Instrument as _, info_span, instrument};

use super::{
    allocate, assert_bytes, counts, measure, on_a_thread, paths, phase_of, poll_once, yield_now,
};

pub(super) fn on_one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn on_four_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap()
}

/// Is pending `turns` times.
#[instrument(skip_all)]
async fn turns(turns: u32) -> u32 {
    for _ in 0..turns {
        allocate(100);
        yield_now(1).await;
    }
    turns
}

#[instrument(skip_all)]
async fn wait_for_ever(block: Vec<u8>) {
    pending::<()>().await;
    drop(block);
}

#[test]
fn an_instrumented_future_is_one_call_however_often_it_is_polled() {
    let stats = measure(|| {
        on_one_thread().block_on(async {
            for number in [0, 1, 10] {
                assert_eq!(turns(number).await, number);
            }
        });
    });
    assert_eq!(counts(phase_of(&stats, "turns")), [3, 14, 0, 0, 0]);
    assert_bytes(&stats, "turns", 1_100);
}

#[test]
fn latency_is_from_the_first_poll_to_completion_and_total_only_while_polled() {
    let stats = measure(|| {
        let mut turn = Box::pin(yield_now(1).instrument(info_span!("turn")));
        // Before the first poll, and so not part of the call.
        thread::sleep(Duration::from_millis(40));
        assert!(poll_once(turn.as_mut()).is_pending());
        // Between two polls: this is in the latency only.
        thread::sleep(Duration::from_millis(30));
        assert!(poll_once(turn.as_mut()).is_ready());
    });
    let turn = phase_of(&stats, "turn");
    let latency = turn.latency_ms.unwrap();
    assert_eq!(turn.calls, 1);
    assert!(latency - turn.total_ms >= 30.0, "{turn:?}");
    assert!(turn.started_ms >= 40.0, "{turn:?}");
    assert_eq!([turn.min_ms, turn.p50_ms, turn.max_ms], [Some(latency); 3]);
}

#[test]
fn tasks_on_many_threads_are_below_the_phase_that_spawned_them() {
    let stats = measure(|| {
        on_four_threads().block_on(
            async {
                let annotated = enter("annotated");
                let tasks: Vec<_> = (0..200)
                    .map(|_| {
                        let task = async {
                            for _ in 0..5 {
                                allocate(100);
                                yield_now(1).await;
                            }
                            info_span!("leaf").in_scope(|| allocate(10));
                        };
                        tokio::spawn(task.instrument(info_span!("task")))
                    })
                    .collect();
                drop(annotated);
                for task in tasks {
                    task.await.unwrap();
                }
            }
            .instrument(info_span!("outer")),
        );
    });
    let tree = ["outer", "outer/annotated", "outer/annotated/task", "outer/annotated/task/leaf"];
    assert_eq!(paths(&stats), tree);
    let [outer, annotated, task, leaf] = tree.map(|path| phase_of(&stats, path));
    assert_eq!(counts(task), [200, 1_200, 0, 0, 0]);
    assert_eq!(counts(leaf), [200, 0, 0, 0, 0]);
    assert_eq!(leaf.alloc_bytes, Some(2_000));
    assert!(task.self_alloc_bytes >= Some(100_000), "{task:?}");
    assert_eq!((counts(annotated), outer.calls), ([1, 0, 0, 0, 0], 1));
    assert!((1..=5).contains(&task.threads), "{task:?}");
    assert!(annotated.total_ms >= task.total_ms, "{annotated:?} {task:?}");
}

#[test]
fn tasks_that_migrate_are_one_call_with_every_byte_in_it() {
    let stats = measure(|| {
        on_four_threads().block_on(async {
            let tasks: Vec<_> = (0..50)
                .map(|number| {
                    let work = async move {
                        for _ in 0..20 {
                            let block = vec![0_u8; 1_000];
                            tokio::task::yield_now().await;
                            info_span!("inner").in_scope(|| allocate(7));
                            drop(block);
                            if number % 10 == 0 {
                                sleep(Duration::from_micros(50)).await;
                            }
                        }
                    };
                    tokio::spawn(work.instrument(info_span!("migrating")))
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    let migrating = phase_of(&stats, "migrating");
    assert_eq!((migrating.calls, migrating.open_calls), (50, 0));
    assert!(migrating.polls >= 50 * 21, "{migrating:?}");
    assert!(migrating.self_alloc_bytes >= Some(1_000_000), "{migrating:?}");
    assert_eq!(counts(phase_of(&stats, "migrating/inner")), [1_000, 0, 0, 0, 0]);
    assert_bytes(&stats, "migrating/inner", 7_000);
}

#[test]
fn a_future_that_is_polled_on_one_thread_after_the_other_is_one_call_below_its_parent() {
    let stats = measure(|| {
        let parent = info_span!("parent");
        let work = async {
            for _ in 0..4 {
                allocate(1_000);
                yield_now(1).await;
            }
        };
        let span = parent.in_scope(|| info_span!("carried"));
        let mut future = Box::pin(work.instrument(span));
        for _ in 0..4 {
            future = on_a_thread(move || {
                // The thread is in another phase.
                let _elsewhere = enter("elsewhere");
                assert!(poll_once(future.as_mut()).is_pending());
                future
            });
        }
        assert!(poll_once(future.as_mut()).is_ready());
    });
    let carried = phase_of(&stats, "parent/carried");
    assert_eq!((counts(carried), carried.threads), ([1, 5, 0, 0, 0], 5));
    assert_bytes(&stats, "parent/carried", 4_000);
    assert_eq!(carried.peak_bytes, Some(1_000));
    assert_eq!(counts(phase_of(&stats, "parent")), [1, 0, 0, 0, 0]);
    let elsewhere = phase_of(&stats, "elsewhere");
    assert_eq!((elsewhere.calls, elsewhere.threads), (4, 4));
}

#[test]
fn joined_futures_have_their_own_memory_and_are_not_nested() {
    async fn work(bytes: usize) {
        for _ in 0..5 {
            allocate(bytes);
            yield_now(1).await;
        }
    }
    let stats = measure(|| {
        let both = async {
            tokio::join!(
                work(10).instrument(info_span!("small")),
                work(1_000).instrument(info_span!("large"))
            );
        };
        on_one_thread().block_on(both.instrument(info_span!("both")));
    });
    assert_eq!(paths(&stats), ["both", "both/small", "both/large"]);
    for (path, bytes) in [("both/small", 50), ("both/large", 5_000)] {
        assert_eq!(counts(phase_of(&stats, path)), [1, 6, 0, 0, 0], "{path}");
        assert_bytes(&stats, path, bytes);
    }
    let [both, small, large] =
        ["both", "both/small", "both/large"].map(|path| phase_of(&stats, path));
    let sum = small.total_ms + large.total_ms + both.self_ms;
    assert!((both.total_ms - sum).abs() < 1e-9, "{both:?} ≠ {sum}");
}

#[test]
fn the_losing_branch_of_a_select_frees_its_memory_in_its_span() {
    let stats = measure(|| {
        on_one_thread().block_on(async {
            tokio::select! {
                biased;
                () = wait_for_ever(vec![0; 100]) => unreachable!(),
                number = turns(2) => assert_eq!(number, 2),
            }
        });
    });
    let for_ever = phase_of(&stats, "wait_for_ever");
    // A span does not show that a future was cancelled.
    assert_eq!((for_ever.calls, for_ever.cancelled, for_ever.open_calls), (1, 0, 0));
    assert_eq!((for_ever.freed_count, for_ever.freed_bytes), (Some(1), Some(100)));
    assert_eq!(counts(phase_of(&stats, "turns")), [1, 3, 0, 0, 0]);
}

#[test]
fn a_future_that_is_dropped_on_another_thread_frees_its_memory_in_its_span() {
    let stats = measure(|| {
        let block = vec![0_u8; 700];
        let span = info_span!("held");
        let mut future = Box::pin(
            async move {
                pending::<()>().await;
                drop(block);
            }
            .instrument(span),
        );
        assert!(poll_once(future.as_mut()).is_pending());
        on_a_thread(move || drop(future));
    });
    let held = phase_of(&stats, "held");
    assert_eq!((counts(held), held.threads), ([1, 1, 0, 0, 0], 2));
    assert_eq!((held.freed_count, held.freed_bytes), (Some(1), Some(700)));
}

#[test]
fn a_future_that_is_dropped_without_a_poll_is_a_call_as_instrument_enters_its_span() {
    let stats = measure(|| drop(pending::<()>().instrument(info_span!("unpolled"))));
    assert_eq!(counts(phase_of(&stats, "unpolled")), [1, 0, 0, 0, 0]);
}

#[test]
fn a_panic_in_a_poll_ends_the_call() {
    let stats = measure(|| {
        for number in [0, 2] {
            let mut polled = 0;
            let work = poll_fn(move |_| {
                polled += 1;
                if polled > number { resume_unwind(Box::new(())) } else { Poll::<()>::Pending }
            });
            let mut future = Box::pin(work.instrument(info_span!("doomed")));
            for _ in 0..number {
                assert!(poll_once(future.as_mut()).is_pending());
            }
            assert!(catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut()))).is_err());
        }
        info_span!("after").in_scope(|| allocate(5));
    });
    assert_eq!(paths(&stats), ["doomed", "after"]);
    assert_eq!(counts(phase_of(&stats, "doomed")), [2, 4, 0, 2, 0]);
}

#[test]
fn a_future_that_is_pending_at_the_end_is_an_open_call() {
    let mut kept = None;
    let stats = measure(|| {
        let mut future = Box::pin(pending::<()>().instrument(info_span!("pending")));
        assert!(poll_once(future.as_mut()).is_pending());
        kept = Some(future);
    });
    assert_eq!(counts(phase_of(&stats, "pending")), [0, 0, 0, 0, 1]);
    drop(kept);
}

#[test]
fn annotated_and_instrumented_futures_nest_in_each_other() {
    #[tracked_phase("annotated")]
    async fn annotated() {
        for _ in 0..3 {
            allocate(10);
            yield_now(1).await;
        }
        turns(2).await;
    }
    let stats = measure(|| {
        on_four_threads().block_on(async {
            let inner = annotated().instrument(info_span!("outer"));
            tokio::spawn(inner).await.unwrap();
            let render = enter("render");
            let handed = turns(1).in_current_phase();
            drop(render);
            tokio::spawn(handed).await.unwrap();
        });
    });
    let tree = ["outer", "outer/annotated", "outer/annotated/turns", "render", "render/turns"];
    assert_eq!(paths(&stats), tree);
    assert_eq!(counts(phase_of(&stats, tree[1])), [1, 6, 0, 0, 0]);
    assert_eq!(counts(phase_of(&stats, tree[2])), [1, 3, 0, 0, 0]);
    assert_eq!(counts(phase_of(&stats, "render/turns")), [1, 2, 0, 0, 0]);
    assert!(phase_of(&stats, tree[2]).self_alloc_bytes >= Some(200));
}
