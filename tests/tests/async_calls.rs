//! Async phases: a call is a future from its first poll to its completion, and is on a stack only
//! while it is polled, on whatever thread that is.
#![forbid(unsafe_code)]

use std::{
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{collector, measure, phase_of, turn};
use perf_runtime::{PhaseStats, TrackingAllocator, add_items, enter, tracked_phase};
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

fn on_one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn on_four_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap()
}

/// Calls, polls, cancelled and panicked ones, and those still open.
fn counts(phase: &PhaseStats) -> [u64; 5] {
    [phase.calls, phase.polls, phase.cancelled, phase.panics, phase.open_calls]
}

/// Polls a future once, as a runtime would that has nothing to wake it for.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Gives others a turn. Tokio's own allocates.
async fn yield_now() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn allocate(bytes: usize) {
    drop(std::hint::black_box(vec![0_u8; bytes]));
}

/// Is polled once more than it is told to.
#[tracked_phase("turns", items = turns)]
async fn take_turns(turns: u32) -> u32 {
    for _ in 0..turns {
        allocate(100);
        yield_now().await;
    }
    turns
}

#[tracked_phase("nap")]
async fn nap(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds)).await;
}

#[tracked_phase("for ever")]
async fn wait_for_ever(block: Vec<u8>) {
    pending::<()>().await;
    drop(block);
}

#[tracked_phase("doomed")]
async fn panic_in_poll(number: u32) {
    let mut polled = 0;
    poll_fn(|_| {
        polled += 1;
        if polled > number { resume_unwind(Box::new(())) } else { Poll::<()>::Pending }
    })
    .await;
}

// ---- calls, polls and times ----------------------------------------------------------------------

#[test]
fn a_future_is_one_call_however_often_it_is_polled() {
    for runtime in [on_one_thread(), on_four_threads()] {
        let stats = measure(|| {
            runtime.block_on(async {
                for turns in [0, 1, 10] {
                    assert_eq!(take_turns(turns).await, turns);
                }
            });
        });
        let turns = phase_of(&stats, "turns");
        assert_eq!(counts(turns), [3, 14, 0, 0, 0]);
        assert_eq!(
            (turns.items, turns.alloc_count, turns.alloc_bytes),
            (11, Some(11), Some(1_100))
        );
        assert_eq!((turns.threads, turns.peak_bytes), (1, Some(100)));
    }
}

#[test]
fn latency_is_from_the_first_poll_to_completion_and_total_only_while_polled() {
    let stats = measure(|| {
        let mut turns = pin!(take_turns(1));
        // Not polled yet, so that this is no part of it.
        thread::sleep(Duration::from_millis(40));
        assert!(poll_once(turns.as_mut()).is_pending());
        // All of it between two polls: what a slow machine adds to those comes to both.
        thread::sleep(Duration::from_millis(30));
        assert!(poll_once(turns).is_ready());
    });
    let turns = phase_of(&stats, "turns");
    assert_eq!(counts(turns), [1, 2, 0, 0, 0]);
    let latency = turns.latency_ms.unwrap();
    assert!(latency - turns.total_ms >= 30.0, "{turns:?}");
    assert!(turns.started_ms >= 40.0, "{turns:?}");
    let spread = [turns.min_ms, turns.p50_ms, turns.p99_ms, turns.max_ms];
    assert_eq!(spread, [turns.latency_ms; 4], "one call, first poll to completion");
    assert_eq!(turns.build_thread_ms, Some(turns.total_ms));
}

#[test]
fn latencies_add_up_over_calls_that_overlap() {
    let stats = measure(|| {
        on_one_thread().block_on(async { tokio::join!(nap(30), nap(30), nap(30)) });
    });
    let nap = phase_of(&stats, "nap");
    assert_eq!(nap.calls, 3);
    assert!(nap.latency_ms.unwrap() >= 90.0, "{nap:?}");
    assert!(nap.elapsed_ms >= 30.0 && nap.elapsed_ms <= stats.build_time_ms, "{nap:?}");
    assert!(nap.total_ms <= nap.elapsed_ms, "{nap:?}");
}

#[test]
fn joined_futures_have_their_own_time_and_memory_and_are_not_nested() {
    #[tracked_phase("small")]
    async fn small() {
        for _ in 0..5 {
            allocate(10);
            thread::sleep(Duration::from_millis(1));
            yield_now().await;
        }
    }
    #[tracked_phase("large")]
    async fn large() {
        for _ in 0..5 {
            allocate(1_000);
            thread::sleep(Duration::from_millis(4));
            yield_now().await;
        }
    }
    #[tracked_phase("both")]
    async fn both() {
        tokio::join!(small(), large());
    }
    let stats = measure(|| on_one_thread().block_on(both()));
    let paths: Vec<_> = stats.phases.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["both", "both/small", "both/large"]);
    let [both, small, large] = [0, 1, 2].map(|index| &stats.phases[index]);
    assert_eq!((small.alloc_bytes, large.alloc_bytes), (Some(50), Some(5_000)));
    assert!(both.alloc_bytes.unwrap() >= 5_050, "{both:?}");
    assert!(small.total_ms >= 5.0 && large.total_ms >= 20.0, "{small:?} {large:?}");
    let sum = small.total_ms + large.total_ms + both.self_ms;
    assert!((both.total_ms - sum).abs() < 1e-9, "{both:?} ≠ {sum}");
    // Each waited for the other.
    for one in [small, large] {
        assert!(one.latency_ms.unwrap() >= 20.0, "{one:?}");
    }
}

#[test]
fn sync_phases_in_an_async_one_are_its_children_and_items_are_its_own() {
    #[tracked_phase("outer")]
    async fn outer() {
        for _ in 0..3 {
            {
                let _inner = enter("inner");
                allocate(50);
            }
            add_items(2);
            yield_now().await;
        }
    }
    let stats = measure(|| on_one_thread().block_on(outer()));
    let outer = phase_of(&stats, "outer");
    assert_eq!((outer.items, outer.polls), (6, 4));
    let inner = phase_of(&stats, "outer/inner");
    assert_eq!((inner.calls, inner.polls, inner.alloc_bytes), (3, 0, Some(150)));
    assert_eq!(inner.latency_ms, None);
}

#[test]
fn async_recursion_is_one_phase_whose_calls_all_count() {
    #[tracked_phase("descend", future = true)]
    fn descend(depth: u32) -> Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(async move {
            yield_now().await;
            if depth == 0 { 0 } else { 1 + descend(depth - 1).await }
        })
    }
    let stats = measure(|| assert_eq!(on_one_thread().block_on(descend(20)), 20));
    assert_eq!(stats.phases.len(), 1, "{:?}", stats.phases);
    let descend = phase_of(&stats, "descend");
    assert_eq!((descend.calls, descend.cancelled, descend.open_calls), (21, 0, 0));
    assert!(descend.total_ms <= descend.elapsed_ms, "{descend:?}");
    assert!((descend.total_ms - descend.self_ms).abs() < 1e-9, "{descend:?}");
}

// ---- the future itself ---------------------------------------------------------------------------

/// Functions that hold an argument of 16 KiB across an `await`, annotated or not.
macro_rules! nested {
    ($module:ident, [$($attribute:ident)?]) => {
        mod $module {
            use super::*;

            $(#[$attribute])?
            pub(super) async fn hold(bytes: [u8; 16_384]) -> u8 {
                std::future::ready(()).await;
                bytes[7]
            }

            $(#[$attribute])?
            pub(super) async fn around<F: Future<Output = u8>>(future: F) -> u8 {
                future.await
            }

            $(#[$attribute])?
            pub(super) async fn small() -> u8 {
                std::future::ready(1).await
            }
        }
    };
}

nested!(bare, []);
nested!(annotated, [tracked_phase]);

#[test]
fn a_future_is_at_most_a_tenth_and_128_bytes_larger_than_the_bare_one_however_deep_it_is() {
    fn assert_bound<B, A>(bare: &B, annotated: &A) {
        let (bare, annotated) = (size_of_val(bare), size_of_val(annotated));
        assert!(annotated <= bare + bare / 10 + 128, "{annotated} bytes instead of {bare}");
    }
    macro_rules! around {
        ($bare:expr, $annotated:expr; $($depth:literal)*) => {
            let (bare, annotated) = ($bare, $annotated);
            assert_bound(&bare, &annotated);
            around!(@ bare, annotated; $($depth)*);
        };
        (@ $bare:ident, $annotated:ident; $depth:literal $($rest:literal)*) => {
            let ($bare, $annotated) = (bare::around($bare), annotated::around($annotated));
            assert_bound(&$bare, &$annotated);
            around!(@ $bare, $annotated; $($rest)*);
        };
        (@ $bare:ident, $annotated:ident;) => {};
    }
    assert_bound(&bare::small(), &annotated::small());
    // The futures are on the stack, each several times.
    let nested = thread::Builder::new().stack_size(256 << 20).spawn(|| {
        around!(bare::hold([0; 16_384]), annotated::hold([0; 16_384]); 2 3 4 5 6);
    });
    nested.unwrap().join().unwrap();
}

// ---- endings -------------------------------------------------------------------------------------

#[test]
fn a_future_that_is_never_polled_is_no_call() {
    let stats = measure(|| {
        drop(take_turns(3));
        let boxed = Box::pin(wait_for_ever(vec![0; 10]));
        drop(boxed);
        let kept = nap(1);
        std::mem::forget(kept);
    });
    assert_eq!(stats.phases.len(), 0, "{:?}", stats.phases);
}

#[test]
fn a_future_dropped_after_its_first_poll_is_a_cancelled_call() {
    let stats = measure(|| {
        on_one_thread().block_on(async {
            let first = tokio::select! {
                biased;
                () = wait_for_ever(vec![0; 100]) => "for ever",
                turns = take_turns(2) => if turns == 2 { "turns" } else { "too few" },
            };
            assert_eq!(first, "turns");
        });
        let mut polled = Box::pin(wait_for_ever(vec![0; 100]));
        assert!(poll_once(polled.as_mut()).is_pending());
        drop(polled);
    });
    let for_ever = phase_of(&stats, "for ever");
    assert_eq!(counts(for_ever), [2, 4, 2, 0, 0]);
    // What the future held is freed by the phase that held it.
    assert_eq!((for_ever.freed_count, for_ever.freed_bytes), (Some(2), Some(200)));
    assert!(for_ever.latency_ms.unwrap() > 0.0 && for_ever.max_ms.is_some(), "{for_ever:?}");
    assert_eq!(counts(phase_of(&stats, "turns")), [1, 3, 0, 0, 0]);
}

#[test]
fn an_aborted_task_is_a_cancelled_call_if_it_was_polled_and_none_if_not() {
    let stats = measure(|| {
        on_one_thread().block_on(async {
            let polled = tokio::spawn(wait_for_ever(Vec::new()));
            yield_now().await;
            let not_polled = tokio::spawn(wait_for_ever(Vec::new()));
            polled.abort();
            not_polled.abort();
            for task in [polled, not_polled] {
                assert!(task.await.unwrap_err().is_cancelled());
            }
        });
    });
    assert_eq!(counts(phase_of(&stats, "for ever")), [1, 1, 1, 0, 0]);
}

#[test]
fn a_panic_in_a_poll_ends_the_call() {
    let stats = measure(|| {
        for number in [0, 2] {
            let mut future = Box::pin(panic_in_poll(number));
            for _ in 0..number {
                assert!(poll_once(future.as_mut()).is_pending());
            }
            let caught = catch_unwind(AssertUnwindSafe(|| poll_once(future.as_mut())));
            assert!(caught.is_err());
            // Not cancelled as well.
            drop(future);
        }
        on_one_thread().block_on(async {
            assert!(tokio::spawn(panic_in_poll(0)).await.unwrap_err().is_panic());
        });
    });
    assert_eq!(counts(phase_of(&stats, "doomed")), [3, 5, 0, 3, 0]);
}

#[test]
fn a_future_dropped_while_unwinding_is_cancelled_and_did_not_panic() {
    let stats = measure(|| {
        let caught = catch_unwind(|| {
            let mut polled = Box::pin(wait_for_ever(Vec::new()));
            assert!(poll_once(polled.as_mut()).is_pending());
            resume_unwind(Box::new(()));
        });
        assert!(caught.is_err());
    });
    assert_eq!(counts(phase_of(&stats, "for ever")), [1, 1, 1, 0, 0]);
}

// ---- borders of the build ------------------------------------------------------------------------

#[test]
fn a_future_polled_before_the_build_is_no_call_of_it() {
    let _turn = turn();
    let mut begun = Box::pin(wait_for_ever(vec![0; 70]));
    assert!(poll_once(begun.as_mut()).is_pending());
    let made = take_turns(0);
    let mut collector = collector();
    collector.start_build();
    assert!(poll_once(begun.as_mut()).is_pending());
    drop(begun);
    // Made before it, and polled in it.
    assert_eq!(poll_once(pin!(made)), Poll::Ready(0));
    let stats = collector.end_build();
    assert_conserved(&stats);
    assert_eq!(stats.phases.len(), 1, "{:?}", stats.phases);
    assert_eq!(counts(phase_of(&stats, "turns")), [1, 1, 0, 0, 0]);
}

#[test]
fn a_future_that_is_pending_at_the_end_is_an_open_call_and_nothing_in_the_next_build() {
    let _turn = turn();
    let mut collector = collector();
    let mut futures: Vec<_> = (0..3).map(|_| Box::pin(wait_for_ever(vec![0; 70]))).collect();
    let mut finishing = Box::pin(take_turns(1));
    collector.start_build();
    for future in &mut futures {
        assert!(poll_once(future.as_mut()).is_pending());
    }
    assert!(poll_once(finishing.as_mut()).is_pending());
    let first = collector.end_build();
    // Between the builds, in the next one, and after all.
    drop(futures.pop());
    collector.start_build();
    drop(futures.pop());
    assert!(poll_once(futures[0].as_mut()).is_pending());
    assert_eq!(poll_once(finishing.as_mut()), Poll::Ready(1));
    let second = collector.end_build();
    drop(futures);

    assert_conserved(&first);
    assert_conserved(&second);
    let for_ever = phase_of(&first, "for ever");
    assert_eq!(counts(for_ever), [0, 3, 0, 0, 3]);
    assert_eq!((for_ever.min_ms, for_ever.p50_ms, for_ever.max_ms), (None, None, None));
    assert_eq!(counts(phase_of(&first, "turns")), [0, 1, 0, 0, 1]);
    assert_eq!(second.phases.len(), 0, "{:?}", second.phases);
}

// ---- threads -------------------------------------------------------------------------------------

#[test]
fn tasks_on_many_threads_are_counted_once_each() {
    let stats = measure(|| {
        on_four_threads().block_on(async {
            let tasks: Vec<_> = (0..200).map(|_| tokio::spawn(take_turns(5))).collect();
            for task in tasks {
                assert_eq!(task.await.unwrap(), 5);
            }
        });
    });
    assert_eq!(stats.phases.len(), 1, "{:?}", stats.phases);
    let turns = phase_of(&stats, "turns");
    assert_eq!(counts(turns), [200, 1_200, 0, 0, 0]);
    assert_eq!(
        (turns.items, turns.alloc_count, turns.alloc_bytes),
        (1_000, Some(1_000), Some(100_000))
    );
    assert!((1..=5).contains(&turns.threads), "{turns:?}");
    let latency = turns.latency_ms.unwrap();
    assert!(latency + 1e-6 >= turns.total_ms, "{turns:?}");
    let (min, max) = (turns.min_ms.unwrap(), turns.max_ms.unwrap());
    assert!(min * 200.0 <= latency + 1e-6 && latency <= max * 200.0 + 1e-6, "{turns:?}");
}

#[test]
fn a_future_that_is_polled_on_one_thread_after_the_other_is_one_call() {
    #[tracked_phase("carried")]
    async fn carried() -> usize {
        let mut blocks = Vec::new();
        for _ in 0..4 {
            blocks.push(vec![0_u8; 1_000]);
            yield_now().await;
        }
        blocks.len()
    }
    let stats = measure(|| {
        let mut future = Box::pin(carried());
        for _ in 0..4 {
            future = thread::spawn(|| {
                assert!(poll_once(future.as_mut()).is_pending());
                future
            })
            .join()
            .unwrap();
        }
        assert_eq!(poll_once(future.as_mut()), Poll::Ready(4));
    });
    let carried = phase_of(&stats, "carried");
    assert_eq!(counts(carried), [1, 5, 0, 0, 0]);
    assert_eq!(carried.threads, 5);
    // Four blocks and the list of them, allocated in four polls and freed in the last.
    let list = (4 * size_of::<Vec<u8>>()) as u64;
    assert_eq!((carried.alloc_count, carried.alloc_bytes), (Some(5), Some(4_000 + list)));
    assert_eq!((carried.freed_count, carried.freed_bytes), (Some(5), Some(4_000 + list)));
    assert_eq!((carried.net_bytes, carried.peak_bytes), (Some(0), Some(1_000 + list)));
    assert!(carried.build_thread_ms.unwrap() < carried.total_ms, "{carried:?}");
}

#[test]
fn a_future_that_is_finished_elsewhere_in_the_tree_is_a_call_where_it_was_first_polled() {
    let stats = measure(|| {
        let mut future = Box::pin(take_turns(1));
        {
            let _first = enter("first");
            assert!(poll_once(future.as_mut()).is_pending());
        }
        let _second = enter("second");
        assert_eq!(poll_once(future.as_mut()), Poll::Ready(1));
    });
    let first = phase_of(&stats, "first/turns");
    assert_eq!((first.calls, first.open_calls, first.items), (1, 0, 1));
    assert!(first.latency_ms.unwrap() >= first.total_ms, "{first:?}");
    let second = phase_of(&stats, "second/turns");
    assert_eq!((second.calls, second.open_calls, second.items), (0, 0, 0));
    assert!(second.total_ms > 0.0, "{second:?}");
    assert_eq!(first.polls + second.polls, 2);
}

#[test]
fn a_task_that_outlives_the_build_on_another_thread_breaks_nothing() {
    let _turn = turn();
    let runtime = on_four_threads();
    let mut collector = collector();
    for round in 0..20 {
        collector.start_build();
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                runtime.spawn(async move {
                    if number % 2 == 0 {
                        take_turns(50).await;
                    } else {
                        wait_for_ever(vec![0; 10]).await;
                    }
                })
            })
            .collect();
        runtime.block_on(take_turns(round));
        let stats = collector.end_build();
        assert_conserved(&stats);
        let begun: u64 = stats.phases.iter().map(|it| it.calls + it.open_calls).sum();
        assert!((1..=21).contains(&begun), "{:?}", stats.phases);
        for task in tasks {
            task.abort();
        }
    }
}
