//! Cases that once broke a record, each named after what went wrong.

#![forbid(unsafe_code)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::thread;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{collector, turn};
use perf_runtime::{
    BuildStats, PerformanceCollector, TrackingAllocator, enter, phase, tracked_phase,
};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// No number is one that wrapped around.
#[track_caller]
fn assert_sane(stats: &BuildStats) {
    for phase in &stats.phases {
        let times = [phase.total_ms, phase.self_ms, phase.elapsed_ms, phase.started_ms];
        let own = phase.build_thread_ms.into_iter().chain(phase.build_thread_self_ms);
        for time in times.into_iter().chain(own) {
            assert!((0.0..1e9).contains(&time), "{phase:?}");
        }
        let counters = [
            phase.alloc_bytes,
            phase.alloc_count,
            phase.freed_bytes,
            phase.freed_count,
            phase.self_alloc_bytes,
            phase.self_alloc_count,
            phase.peak_bytes,
        ];
        assert!(counters.into_iter().flatten().all(|it| it < 1 << 60), "{phase:?}");
    }
    let outside = stats.unattributed.as_ref().unwrap();
    let counters =
        [outside.alloc_bytes, outside.alloc_count, outside.freed_bytes, outside.freed_count];
    assert!(counters.into_iter().flatten().all(|it| it < 1 << 60), "{outside:?}");
    assert!((0.0..1e9).contains(&outside.build_thread_ms), "{outside:?}");
    assert!(stats.memory_peak_mb >= stats.memory_heap_mb, "{stats:?}");
}

fn allocate(bytes: usize) {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(bytes)));
}

#[test]
fn a_guess_made_while_a_phase_is_open_twice_is_not_taken_later() {
    let _turn = turn();
    let mut collector = collector();
    collector.start_build();
    phase!("A", { phase!("B", { phase!("A", { phase!("C", { phase!("B", {}) }) }) }) });
    phase!("A", { phase!("C", { phase!("B", { allocate(1_000_000) }) }) });
    let stats = collector.end_build();
    assert_sane(&stats);
    assert_conserved(&stats);
    let bytes = |path| stats.phase(path).unwrap().self_alloc_bytes;
    assert_eq!((bytes("A/B"), bytes("A/C/B")), (Some(0), Some(1_000_000)));
}

#[test]
fn a_build_that_ends_on_another_thread_conserves_its_own_threads_time() {
    let _turn = turn();
    let (send, receive) = mpsc::channel::<PerformanceCollector>();
    let (send_back, receive_back) = mpsc::channel();
    let ender = thread::spawn(move || {
        for mut collector in receive {
            let stats = collector.end_build();
            send_back.send((collector, stats)).unwrap();
        }
    });
    let mut collector = collector();
    for _ in 0..300 {
        collector.start_build();
        send.send(collector).unwrap();
        let stats;
        loop {
            phase!("outer", { phase!("inner", { allocate(10) }) });
            if let Ok(ended) = receive_back.try_recv() {
                (collector, stats) = ended;
                break;
            }
        }
        assert_sane(&stats);
        assert_conserved(&stats);
    }
    drop(send);
    ender.join().unwrap();
}

#[test]
fn threads_that_enter_and_exit_while_builds_start_and_end_lose_nothing() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let _turn = turn();
    let workers: Vec<_> = (0..3)
        .map(|worker| {
            thread::spawn(move || {
                let mut kept = Vec::new();
                for round in 0_usize.. {
                    if STOP.load(Ordering::Relaxed) {
                        break;
                    }
                    let _outer = enter(["a", "b", "c"][(round + worker) % 3]);
                    kept.push(vec![0_u8; 1 + round % 5_000]);
                    phase!("inner", { phase!("a", { allocate(1 + round % 100) }) });
                    if kept.len() > 20 {
                        kept = Vec::new();
                    }
                    allocate(7);
                }
            })
        })
        .collect();
    let mut collector = collector();
    for _ in 0..300 {
        collector.start_build();
        for _ in 0..20 {
            phase!("own", { allocate(100) });
        }
        let stats = collector.end_build();
        assert_sane(&stats);
        assert_conserved(&stats);
        assert_eq!(stats.phase("own").unwrap().calls, 20);
    }
    STOP.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().unwrap();
    }
}

#[test]
fn more_builds_at_once_than_can_be_watched_all_get_their_records() {
    let _turn = turn();
    let builders: Vec<_> = (0..12_usize)
        .map(|builder| {
            thread::spawn(move || {
                for _ in 0..20 {
                    let mut collector = collector();
                    collector.start_build();
                    phase!("mine", { allocate(1_000 + builder) });
                    let stats = collector.end_build();
                    assert_sane(&stats);
                    let mine = stats.phase("mine").unwrap();
                    assert_eq!((mine.calls, mine.alloc_bytes), (1, Some(1_000 + builder as u64)));
                }
            })
        })
        .collect();
    for builder in builders {
        builder.join().unwrap();
    }
}

#[test]
fn items_beyond_all_numbers_are_the_largest() {
    let _turn = turn();
    let mut collector = collector();
    collector.start_build();
    let most = || phase!("many", items = u64::MAX, { perf_runtime::add_items(1) });
    most();
    thread::spawn(most).join().unwrap();
    assert_eq!(collector.end_build().phase("many").unwrap().items, u64::MAX);
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[tracked_phase("pending")]
async fn pending(on_drop: impl FnMut()) {
    let _on_drop = OnDrop(on_drop);
    std::future::pending::<()>().await;
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) {
    let poll = future.poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_pending());
}

#[test]
fn a_future_whose_destructor_panics_leaves_the_stack() {
    let _turn = turn();
    let mut collector = collector();
    collector.start_build();
    let mut future = Box::pin(pending(|| std::panic::resume_unwind(Box::new(()))));
    poll_once(future.as_mut());
    assert!(catch_unwind(AssertUnwindSafe(move || drop(future))).is_err());
    phase!("later", { allocate(1_000) });
    let stats = collector.end_build();
    assert_conserved(&stats);
    let paths: Vec<_> = stats.phases.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["pending", "later"]);
    assert_eq!((stats.phases[0].calls, stats.phases[0].open_calls), (1, 0));
}

#[test]
fn a_future_dropped_elsewhere_than_it_began_stays_in_the_record() {
    let _turn = turn();
    let mut collector = collector();
    collector.start_build();
    let mut future = Box::pin(pending(|| allocate(1_000)));
    phase!("a", { poll_once(future.as_mut()) });
    drop(future);
    let stats = collector.end_build();
    assert_sane(&stats);
    assert_conserved(&stats);
    let begun = stats.phase("a/pending").unwrap();
    assert_eq!((begun.calls, begun.cancelled, begun.open_calls), (1, 1, 0));
    assert_eq!(stats.phase("pending").unwrap().alloc_bytes, Some(1_000));
}

#[test]
fn a_build_whose_thread_has_ended_keeps_its_threads_place() {
    let _turn = turn();
    let mut collector = thread::spawn(|| {
        let mut collector = collector();
        collector.start_build();
        phase!("own", { allocate(10) });
        collector
    })
    .join()
    .unwrap();
    for _ in 0..4 {
        thread::spawn(|| phase!("other", { allocate(100) })).join().unwrap();
    }
    let stats = collector.end_build();
    assert_sane(&stats);
    assert_conserved(&stats);
    assert!(stats.phase("own").unwrap().build_thread_ms.is_some());
    let other = stats.phase("other").unwrap();
    assert_eq!((other.build_thread_ms, other.calls, other.alloc_bytes), (None, 4, Some(400)));
}

#[test]
fn a_refused_count_is_counted_as_the_users_where_the_user_gets_the_error() {
    let _turn = turn();
    let mut collector = collector();
    collector.start_build();
    phase!("count", {
        drop(perf_runtime::build().try_count("build_time_ms", 1).unwrap_err());
    });
    let stats = collector.end_build();
    let count = stats.phase("count").unwrap();
    assert_eq!((count.alloc_count, count.freed_count), (Some(1), Some(1)));
    assert_eq!((count.alloc_bytes, count.net_bytes), (Some(13), Some(0)));
}
