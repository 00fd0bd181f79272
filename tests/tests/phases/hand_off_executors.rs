//! Polls on the threads of async executors belong to the phase that handed the future off: with tokio and
//! with async-executor.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use async_executor::Executor;
use contract_tests::one_build::{
    allocate, block_on, counts, measure, paths, phase_of, turn, yield_now,
};
use perf_runtime::{
    BuildStats, InCurrentPhase as _, enter, in_current_phase, phase, tracked_phase,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Barrier, oneshot};

/// A runtime whose threads are started while no build is open.
fn on_threads(threads: usize) -> Runtime {
    let _turn = turn();
    Builder::new_multi_thread().worker_threads(threads).enable_time().build().unwrap()
}

/// The record of a build that runs a future in a phase, on a runtime.
#[track_caller]
fn measure_on(runtime: &Runtime, phase: &'static str, future: impl Future) -> BuildStats {
    measure(|| {
        let _phase = enter(phase);
        runtime.block_on(future);
    })
}

/// The time between the polls of a future, from its first poll to its completion, and never more than that.
async fn time_between_polls<F: Future>(future: F) -> Duration {
    let mut future = Box::pin(future);
    let mut waited = Duration::ZERO;
    let mut left: Option<Instant> = None;
    poll_fn(|context| {
        waited += left.map_or(Duration::ZERO, |instant| instant.elapsed());
        let result = future.as_mut().poll(context);
        left = Some(Instant::now());
        result
    })
    .await;
    waited
}

#[tracked_phase("fetch")]
async fn fetch(bytes: usize) {
    for _ in 0..4 {
        allocate(bytes);
        yield_now(1).await;
    }
}

#[tracked_phase("for ever")]
async fn wait_for_ever(block: Vec<u8>) {
    pending::<()>().await;
    drop(block);
}

// ---- tokio ---------------------------------------------------------------------------------------------

#[test]
fn tasks_that_migrate_are_in_the_phase_that_spawned_them() {
    let runtime = on_threads(4);
    let stats = measure_on(&runtime, "crawl", async {
        let tasks: Vec<_> =
            (1..=100).map(|bytes| tokio::spawn(fetch(bytes).in_current_phase())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(paths(&stats), ["crawl", "crawl/fetch"]);
    let (crawl, fetch) = (phase_of(&stats, "crawl"), phase_of(&stats, "crawl/fetch"));
    assert_eq!(counts(fetch), [100, 500, 0, 0, 0]);
    assert_eq!((fetch.alloc_count, fetch.alloc_bytes), (Some(400), Some(4 * 5_050)));
    assert_eq!((fetch.net_bytes, fetch.peak_bytes), (Some(0), Some(100)));
    assert_eq!(crawl.calls, 1);
    assert!((1..=4).contains(&fetch.threads), "{fetch:?}");
    assert!(crawl.threads >= fetch.threads, "{crawl:?}");
    // All polls belong to the phase above as well. Only futures have a latency.
    assert!(crawl.total_ms >= fetch.total_ms && crawl.latency_ms.is_none(), "{crawl:?}");
    assert!(fetch.latency_ms.unwrap() + 1e-6 >= fetch.total_ms, "{fetch:?}");
}

#[test]
fn tasks_that_are_polled_at_the_same_time_are_counted_on_both_threads() {
    let runtime = on_threads(2);
    let stats = measure_on(&runtime, "crawl", async {
        // Both polls wait for each other, so that each has its own thread.
        let both = Arc::new(std::sync::Barrier::new(2));
        let tasks = [(); 2].map(|()| {
            let both = both.clone();
            let work = async move {
                let _poll = enter("poll");
                both.wait();
                allocate(100);
                both.wait();
            };
            tokio::spawn(work.in_current_phase())
        });
        for task in tasks {
            task.await.unwrap();
        }
    });
    let poll = phase_of(&stats, "crawl/poll");
    assert_eq!((poll.calls, poll.threads, poll.alloc_bytes), (2, 2, Some(200)));
    assert_eq!(phase_of(&stats, "crawl").threads, 3);
}

#[test]
fn joined_futures_are_in_the_same_phase_with_separate_memory() {
    #[tracked_phase("page")]
    async fn page() {
        tokio::join!(fetch(10), in_turn(1_000));
    }
    #[tracked_phase("in turn")]
    async fn in_turn(bytes: usize) {
        yield_now(1).await;
        allocate(bytes);
    }
    let runtime = on_threads(2);
    let stats = measure_on(&runtime, "site", async {
        tokio::spawn(page().in_current_phase()).await.unwrap();
    });
    assert_eq!(paths(&stats), ["site", "site/page", "site/page/fetch", "site/page/in turn"]);
    assert_eq!(phase_of(&stats, "site/page/fetch").alloc_bytes, Some(40));
    assert_eq!(phase_of(&stats, "site/page/in turn").alloc_bytes, Some(1_000));
    let page = phase_of(&stats, "site/page");
    assert_eq!((page.calls, page.alloc_bytes, page.self_alloc_bytes), (1, Some(1_040), Some(0)));
}

#[test]
fn the_losing_branch_of_a_select_frees_its_memory_in_its_phase() {
    let runtime = on_threads(2);
    let stats = measure_on(&runtime, "site", async {
        let race = async {
            tokio::select! {
                biased;
                () = wait_for_ever(vec![0; 500]) => unreachable!(),
                () = fetch(1) => {}
            }
        };
        tokio::spawn(race.in_current_phase()).await.unwrap();
    });
    let lost = phase_of(&stats, "site/for ever");
    assert_eq!(counts(lost), [1, 5, 1, 0, 0]);
    assert_eq!((lost.alloc_count, lost.freed_bytes), (Some(0), Some(500)));
    assert_eq!(counts(phase_of(&stats, "site/fetch")), [1, 5, 0, 0, 0]);
}

#[test]
fn an_aborted_task_frees_its_memory_in_the_phase_that_spawned_it() {
    let runtime = on_threads(2);
    let stats = measure_on(&runtime, "site", async {
        let (polled, is_polled) = oneshot::channel();
        let waiting = async move {
            polled.send(()).unwrap();
            wait_for_ever(vec![0; 500]).await;
        };
        let task = tokio::spawn(waiting.in_current_phase());
        is_polled.await.unwrap();
        // The task starts to wait in the same poll as it sends.
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
    let aborted = phase_of(&stats, "site/for ever");
    assert_eq!((aborted.calls, aborted.cancelled, aborted.open_calls), (1, 1, 0));
    assert_eq!(aborted.freed_bytes, Some(500));
    assert!(paths(&stats).iter().all(|path| path.starts_with("site")), "{:?}", paths(&stats));
}

#[test]
fn a_panic_in_a_spawned_task_ends_its_call_in_the_phase_that_spawned_it() {
    #[tracked_phase("doomed")]
    async fn doomed() {
        yield_now(2).await;
        let _inner = enter("inner");
        std::panic::resume_unwind(Box::new(()));
    }
    let runtime = on_threads(2);
    let stats = measure_on(&runtime, "site", async {
        let task = tokio::spawn(doomed().in_current_phase());
        assert!(task.await.unwrap_err().is_panic());
        tokio::spawn(fetch(10).in_current_phase()).await.unwrap();
    });
    assert_eq!(counts(phase_of(&stats, "site/doomed")), [1, 3, 0, 1, 0]);
    let inner = phase_of(&stats, "site/doomed/inner");
    assert_eq!((inner.calls, inner.panics), (1, 1));
    assert_eq!(phase_of(&stats, "site/fetch").alloc_bytes, Some(40));
}

#[test]
fn a_nested_block_on_of_another_phases_future_is_not_part_of_the_waiting_phase() {
    let stats = measure(|| {
        let handed = phase!("other", { fetch(1_000).in_current_phase() });
        phase!("waits", {
            allocate(1);
            block_on(handed);
            block_on(fetch(5));
        });
    });
    assert_eq!(paths(&stats), ["other", "other/fetch", "waits", "waits/fetch"]);
    assert_eq!(phase_of(&stats, "other/fetch").alloc_bytes, Some(4_000));
    assert_eq!(phase_of(&stats, "waits/fetch").alloc_bytes, Some(20));
    let (other, waits) = (phase_of(&stats, "other"), phase_of(&stats, "waits"));
    assert_eq!((other.calls, other.alloc_bytes), (1, Some(4_000)));
    // Waiting for a future allocates, too.
    assert!(waits.alloc_bytes.unwrap() < 1_000 && waits.peak_bytes.unwrap() < 1_000, "{waits:?}");
    assert_eq!(other.build_thread_ms, Some(other.total_ms));
    assert_eq!((other.threads, waits.threads), (1, 1));
}

#[test]
fn blocking_work_of_a_task_is_in_the_phase_that_handed_it_off() {
    let runtime = on_threads(2);
    let stats = measure_on(&runtime, "site", async {
        let work = in_current_phase!(|| phase!("minify", { allocate(70) }));
        tokio::task::spawn_blocking(work).await.unwrap();
    });
    let minify = phase_of(&stats, "site/minify");
    assert_eq!((minify.calls, minify.alloc_bytes, minify.threads), (1, Some(70), 1));
    assert_eq!(phase_of(&stats, "site").threads, 2);
}

#[test]
fn a_task_is_in_no_phase_while_it_waits() {
    let runtime = on_threads(2);
    let mut waited = Duration::ZERO;
    let stats = measure(|| {
        let nap = phase!("nap", {
            async { tokio::time::sleep(Duration::from_millis(30)).await }.in_current_phase()
        });
        waited = runtime.block_on(async { tokio::spawn(time_between_polls(nap)).await.unwrap() });
    });
    let nap = phase_of(&stats, "nap");
    assert!(nap.elapsed_ms >= 30.0, "{nap:?}");
    // Up to some microseconds, because the clocks differ.
    assert!(
        nap.total_ms <= nap.elapsed_ms - waited.as_secs_f64() * 1e3 + 0.01,
        "{nap:?}, {waited:?}"
    );
    assert_eq!(nap.calls, 1);
    assert!((2..=3).contains(&nap.threads), "{nap:?}");
}

#[test]
fn tasks_that_meet_at_a_barrier_are_polled_twice_each() {
    #[tracked_phase("meet")]
    async fn meet(barrier: Arc<Barrier>) {
        barrier.wait().await;
    }
    let runtime = on_threads(4);
    let stats = measure_on(&runtime, "site", async {
        let barrier = Arc::new(Barrier::new(20));
        let tasks: Vec<_> =
            (0..20).map(|_| tokio::spawn(meet(barrier.clone()).in_current_phase())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let meet = phase_of(&stats, "site/meet");
    assert_eq!((meet.calls, meet.cancelled, meet.open_calls), (20, 0, 0));
    // The last task does not wait. Others may be polled more often than needed.
    assert!((20..=100).contains(&meet.polls), "{meet:?}");
}

// ---- async-executor ------------------------------------------------------------------------------------

#[test]
fn tasks_of_another_executor_are_counted_alike() {
    let stats = measure(|| {
        phase!("crawl", {
            let executor = Executor::new();
            let tasks: Vec<_> =
                (1..=50).map(|bytes| executor.spawn(fetch(bytes).in_current_phase())).collect();
            thread::scope(|scope| {
                let stopped = Stopped::default();
                for _ in 0..3 {
                    let (executor, stopped) = (&executor, stopped.clone());
                    scope.spawn(move || block_on(executor.run(stopped)));
                }
                block_on(async {
                    for task in tasks {
                        task.await;
                    }
                });
                stopped.stop();
            });
        });
    });
    let fetch = phase_of(&stats, "crawl/fetch");
    assert_eq!(counts(fetch), [50, 250, 0, 0, 0]);
    assert_eq!((fetch.alloc_count, fetch.alloc_bytes), (Some(200), Some(4 * 1_275)));
    assert!((1..=3).contains(&fetch.threads), "{fetch:?}");
    assert_eq!(paths(&stats), ["crawl", "crawl/fetch"]);
    assert_eq!(fetch.build_thread_ms, None);
}

/// Pending until it is stopped.
#[derive(Clone, Default)]
struct Stopped(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Stopped {
    fn stop(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        state.1.drain(..).for_each(Waker::wake);
    }
}

impl Future for Stopped {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        if state.0 {
            return Poll::Ready(());
        }
        state.1.push(context.waker().clone());
        Poll::Pending
    }
}

#[test]
fn a_task_of_another_executor_dropped_on_another_thread_is_cancelled_and_frees_in_its_phase() {
    let stats = measure(|| {
        phase!("crawl", {
            let executor = Executor::new();
            let task = executor.spawn(wait_for_ever(vec![0; 300]).in_current_phase());
            thread::scope(|scope| {
                scope.spawn(|| assert!(executor.try_tick()));
            });
            thread::scope(|scope| {
                scope.spawn(|| {
                    // A cancelled task is dropped where it would run next.
                    drop(task);
                    while executor.try_tick() {}
                });
            });
        });
    });
    let for_ever = phase_of(&stats, "crawl/for ever");
    assert_eq!(counts(for_ever), [1, 1, 1, 0, 0]);
    assert_eq!((for_ever.freed_bytes, for_ever.threads), (Some(300), 2));
    assert_eq!(phase_of(&stats, "crawl").threads, 3);
}
