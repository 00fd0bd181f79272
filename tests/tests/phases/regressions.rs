//! Cases that once broke a record, each named after what went wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{
    allocate, collector, measure, on_a_thread, paths, phase_of, poll_once, started, turn,
};
use perf_runtime::{BuildStats, PerformanceCollector, enter, phase, tracked_phase};

/// Asserts that no number has wrapped around.
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
        assert!(counters.into_iter().flatten().all(|count| count < 1 << 60), "{phase:?}");
    }
    let outside = stats.unattributed.as_ref().unwrap();
    let counters =
        [outside.alloc_bytes, outside.alloc_count, outside.freed_bytes, outside.freed_count];
    assert!(counters.into_iter().flatten().all(|count| count < 1 << 60), "{outside:?}");
    assert!((0.0..1e9).contains(&outside.build_thread_ms), "{outside:?}");
    assert!(stats.memory_peak_mb >= stats.memory_heap_mb, "{stats:?}");
}

#[test]
fn a_guess_made_while_a_phase_is_open_twice_is_not_taken_later() {
    let stats = measure(|| {
        phase!("A", { phase!("B", { phase!("A", { phase!("C", { phase!("B", {}) }) }) }) });
        phase!("A", { phase!("C", { phase!("B", { allocate(1_000_000) }) }) });
    });
    assert_sane(&stats);
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
    for _ in 0..500 {
        collector.start_build();
        for _ in 0..20 {
            phase!("own", { allocate(100) });
        }
        let stats = collector.end_build();
        assert_sane(&stats);
        assert_conserved(&stats);
        let own = phase_of(&stats, "own");
        assert_eq!((own.calls, own.threads, own.alloc_bytes), (20, 1, Some(2_000)));
    }
    STOP.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join().unwrap();
    }
}

#[test]
fn more_builds_at_once_than_there_are_slots_all_get_their_records() {
    let _turn = turn();
    let builders: Vec<_> = (0..12_usize)
        .map(|builder| {
            thread::spawn(move || {
                for _ in 0..20 {
                    let mut collector = started();
                    phase!("mine", { allocate(1_000 + builder) });
                    let stats = collector.end_build();
                    assert_sane(&stats);
                    let mine = phase_of(&stats, "mine");
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
fn the_number_of_items_saturates() {
    let stats = measure(|| {
        let most = || phase!("many", items = u64::MAX, { perf_runtime::add_items(1) });
        most();
        on_a_thread(most);
    });
    assert_eq!(phase_of(&stats, "many").items, u64::MAX);
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

#[test]
fn a_future_whose_destructor_panics_leaves_the_stack() {
    let stats = measure(|| {
        let mut future = Box::pin(pending(|| std::panic::resume_unwind(Box::new(()))));
        assert!(poll_once(future.as_mut()).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(move || drop(future))).is_err());
        phase!("later", { allocate(1_000) });
    });
    assert_eq!(paths(&stats), ["pending", "later"]);
    assert_eq!((stats.phases[0].calls, stats.phases[0].open_calls), (1, 0));
}

#[test]
fn a_future_dropped_in_another_phase_than_it_began_in_stays_in_the_record() {
    let stats = measure(|| {
        let mut future = Box::pin(pending(|| allocate(1_000)));
        phase!("a", { assert!(poll_once(future.as_mut()).is_pending()) });
        drop(future);
    });
    assert_sane(&stats);
    let begun = phase_of(&stats, "a/pending");
    assert_eq!((begun.calls, begun.cancelled, begun.open_calls), (1, 1, 0));
    assert_eq!(phase_of(&stats, "pending").alloc_bytes, Some(1_000));
}

#[test]
fn the_slot_of_a_build_thread_that_has_ended_is_not_reused() {
    let _turn = turn();
    let mut collector = on_a_thread(|| {
        let collector = started();
        phase!("own", { allocate(10) });
        collector
    });
    for _ in 0..4 {
        on_a_thread(|| phase!("other", { allocate(100) }));
    }
    let stats = collector.end_build();
    assert_sane(&stats);
    assert_conserved(&stats);
    assert!(phase_of(&stats, "own").build_thread_ms.is_some());
    let other = phase_of(&stats, "other");
    assert_eq!((other.build_thread_ms, other.calls, other.alloc_bytes), (None, 4, Some(400)));
}

#[test]
fn the_error_of_a_refused_count_is_memory_of_the_user() {
    let stats = measure(|| {
        phase!("count", {
            drop(perf_runtime::build().try_count("build_time_ms", 1).unwrap_err());
        });
    });
    let count = phase_of(&stats, "count");
    assert_eq!((count.alloc_count, count.freed_count), (Some(1), Some(1)));
    assert_eq!((count.alloc_bytes, count.net_bytes), (Some(13), Some(0)));
}

/// Allocates in its phase. What it allocates is freed in no phase.
#[tracked_phase("keep")]
fn keep(kept: &mut Vec<Vec<u8>>) {
    while kept.len() < kept.capacity() {
        kept.push(vec![0; 100]);
    }
}

#[test]
fn allocations_during_the_end_of_a_build_are_not_counted_as_freed() {
    let _turn = turn();
    let mut collector = collector();
    let stop = AtomicBool::new(false);
    let records: Vec<_> = thread::scope(|scope| {
        scope.spawn(|| {
            let mut kept = Vec::with_capacity(200);
            while !stop.load(Ordering::Relaxed) {
                keep(&mut kept);
                kept.clear();
            }
        });
        let records = (0..400)
            .map(|_| {
                collector.start_build();
                // Long enough for the other thread to see the build.
                for _ in 0..20 {
                    thread::yield_now();
                }
                collector.end_build()
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        records
    });
    for stats in &records {
        assert_conserved(stats);
        for phase in &stats.phases {
            assert_eq!((phase.freed_count, phase.freed_bytes), (Some(0), Some(0)), "{phase:?}");
        }
    }
}
