//! Builds one after another in one process, as in watch mode: each knows nothing of the one before
//! it, and none leaves anything behind but its record.
#![forbid(unsafe_code)]

mod tool;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{collector, paths, turn};
use perf_runtime::perf_history::History;
use perf_runtime::{
    BuildStats, Outcome, PerformanceCollector, TrackingAllocator, build, enter, tracked_phase,
};
use tempfile::TempDir;
use tool::{Place, succeed};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// The record of a build that does `work`.
#[track_caller]
fn measure(collector: &mut PerformanceCollector, work: impl FnOnce()) -> BuildStats {
    collector.start_build();
    work();
    let stats = collector.end_build();
    assert_conserved(&stats);
    stats
}

#[tracked_phase("allocate")]
fn allocate(bytes: usize) {
    drop(std::hint::black_box(vec![0_u8; bytes]));
}

// ---- nothing is carried over -------------------------------------------------------------------

#[test]
fn the_second_build_knows_nothing_of_the_first() {
    let _turn = turn();
    let mut collector = collector();
    let first = measure(&mut collector, || {
        let now = build();
        now.count("total_pages", 83);
        now.set_incremental(true);
        now.set_parallel(true);
        now.set_label("run", "a");
        now.skip();
        let _only_here = enter("only in the first");
        allocate(1_000);
        std::mem::forget(enter("never closed"));
    });
    let between = vec![0_u8; 5_000];
    let _nowhere = enter("between the builds");
    build().count("between", 1);
    build().set_label("between", "the builds");
    allocate(9_000);
    let second = measure(&mut collector, || allocate(10));
    let third = measure(&mut collector, || drop(between));

    assert_eq!(first.counts.get("total_pages"), Some(&83));
    assert_eq!(
        (first.incremental, first.parallel, first.skipped),
        (Some(true), Some(true), Some(true))
    );
    assert_eq!(first.labels["run"], "a");
    assert_eq!(
        paths(&first),
        ["only in the first", "only in the first/allocate", "only in the first/never closed"]
    );

    assert_eq!((second.counts.len(), second.labels.len()), (0, 0));
    assert_eq!((second.incremental, second.parallel, second.skipped), (None, None, Some(false)));
    assert_eq!(paths(&second), ["allocate"]);
    let allocate = second.phase("allocate").unwrap();
    assert_eq!(
        (allocate.calls, allocate.alloc_bytes, allocate.peak_bytes),
        (1, Some(10), Some(10))
    );
    assert_eq!((third.phases.len(), third.phase_timings_ms.len()), (0, 0));
    assert!(third.unattributed.unwrap().freed_bytes.unwrap() >= 5_000);
}

#[test]
fn each_build_has_an_id_of_its_own_that_sorts_after_the_one_before() {
    let _turn = turn();
    let mut collector = collector();
    let builds: Vec<_> = (0..20)
        .map(|_| {
            // Ids tell milliseconds.
            thread::sleep(std::time::Duration::from_millis(2));
            measure(&mut collector, || ())
        })
        .collect();
    for pair in builds.windows(2) {
        assert!(pair[0].build_id < pair[1].build_id, "{} {}", pair[0].build_id, pair[1].build_id);
        assert!(pair[0].timestamp < pair[1].timestamp);
    }
}

#[test]
fn the_peak_of_a_build_is_not_that_of_the_one_before() {
    let _turn = turn();
    let mut collector = collector();
    let large = measure(&mut collector, || allocate(64 << 20));
    let small = measure(&mut collector, || allocate(1 << 20));
    assert!(large.memory_peak_mb.unwrap() >= 64.0, "{:?}", large.memory_peak_mb);
    assert!((1.0..60.0).contains(&small.memory_peak_mb.unwrap()), "{:?}", small.memory_peak_mb);
    let phase = small.phase("allocate").unwrap();
    assert_eq!(phase.peak_bytes, Some(1 << 20));
    assert!(phase.process_peak_bytes.unwrap() < 60 << 20, "{phase:?}");
}

// ---- calls across the border -------------------------------------------------------------------

#[test]
fn a_call_across_the_border_is_open_in_the_first_build_and_nothing_in_the_second() {
    let _turn = turn();
    let mut collector = collector();
    let mut across = None;
    let first = measure(&mut collector, || {
        across = Some((enter("outer"), enter("inner")));
        allocate(100);
    });
    let second = measure(&mut collector, || {
        let block = vec![0_u8; 700];
        drop(across.take());
        allocate(20);
        drop(block);
    });
    assert_eq!(paths(&first), ["outer", "outer/inner", "outer/inner/allocate"]);
    for path in ["outer", "outer/inner"] {
        let phase = first.phase(path).unwrap();
        assert_eq!((phase.calls, phase.open_calls, phase.alloc_bytes), (0, 1, Some(100)), "{path}");
    }
    assert_eq!(paths(&second), ["allocate"]);
    assert_eq!(second.phase("allocate").unwrap().alloc_bytes, Some(20));
    assert!(second.unattributed.unwrap().alloc_bytes.unwrap() >= 700);
}

#[test]
fn a_call_on_another_thread_across_the_border_is_open_in_the_first_and_nothing_in_the_second() {
    let _turn = turn();
    let mut collector = collector();
    let border = Barrier::new(2);
    thread::scope(|scope| {
        collector.start_build();
        let worker = scope.spawn(|| {
            let across = enter("across");
            allocate(100);
            border.wait();
            border.wait();
            // In the second build, which this thread has not noticed yet.
            drop(std::hint::black_box(vec![0_u8; 50_000]));
            border.wait();
            border.wait();
            // In the third.
            drop(std::hint::black_box(vec![0_u8; 60_000]));
            allocate(70_000);
            drop(across);
            allocate(30);
        });
        border.wait();
        let first = collector.end_build();
        collector.start_build();
        border.wait();
        border.wait();
        let second = collector.end_build();
        collector.start_build();
        border.wait();
        worker.join().unwrap();
        let third = collector.end_build();

        for stats in [&first, &second, &third] {
            assert_conserved(stats);
        }
        assert_eq!(paths(&first), ["across", "across/allocate"]);
        let across = first.phase("across").unwrap();
        assert_eq!((across.calls, across.open_calls, across.alloc_bytes), (0, 1, Some(100)));
        assert_eq!(across.build_thread_ms, None);
        assert_eq!(paths(&second), <[&str; 0]>::default());
        assert!(second.unattributed.unwrap().alloc_bytes.unwrap() >= 50_000);
        // What was open is no parent of what comes now.
        assert_eq!(paths(&third), ["allocate"]);
        assert_eq!(third.phase("allocate").unwrap().alloc_bytes, Some(70_030));
        assert!(third.unattributed.unwrap().alloc_bytes.unwrap() >= 60_000);
    });
}

#[test]
fn builds_that_start_and_end_while_other_threads_enter_and_leave_phases_lose_nothing() {
    let _turn = turn();
    let mut collector = collector();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for name in ["one", "other"] {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let _outer = enter(name);
                    let block = vec![0_u8; 40];
                    allocate(7);
                    drop(block);
                }
            });
        }
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..500 {
                let stats = measure(&mut collector, || {
                    let _mine = enter("mine");
                    for _ in 0..20 {
                        allocate(100);
                    }
                });
                let mine = stats.phase("mine/allocate").unwrap();
                assert_eq!((mine.calls, mine.threads, mine.alloc_bytes), (20, 1, Some(2_000)));
            }
        }));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = stopped {
            resume_unwind(panic);
        }
    });
}

// ---- what stays --------------------------------------------------------------------------------

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_builds_grow_neither_the_live_heap_nor_the_process_nor_its_threads() {
    let place = Place::new();
    let mut tool = place.command(env!("CARGO_BIN_EXE_many_builds"));
    // With one arena, what is resident depends on no race for them.
    tool.arg("1200").env("MALLOC_ARENA_MAX", "1");
    let said = succeed(&mut tool);
    let numbers = |line: &str| line.split(' ').map(|it| it.parse().unwrap()).collect::<Vec<f64>>();
    let lines: Vec<_> = said.lines().map(numbers).collect();
    assert_eq!(lines.len(), 12);
    let warm = &lines[1];
    for line in &lines[1..] {
        let [threads, resident_kib, live_heap] = line[..] else { panic!("{said}") };
        // Its own and the two workers.
        assert!(threads <= 3.0, "{said}");
        assert!(resident_kib - warm[1] < 512.0, "{said}");
        assert_eq!(live_heap.to_bits(), warm[2].to_bits(), "{said}");
    }
    let records = place.records(".build-metrics");
    assert_eq!(records.len(), 12);
    for (record, number) in records.iter().zip((100_usize..).step_by(100)) {
        assert_eq!(record["total_pages"], number);
        // The day, two workers and four short threads.
        let day = format!("parse/{}", ["monday", "tuesday", "wednesday"][number % 3]);
        let phases = record["phases"].as_array().unwrap();
        let paths: Vec<_> = phases.iter().map(|it| it["path"].as_str().unwrap()).collect();
        assert_eq!(paths.len(), 4, "{paths:?}");
        assert!(paths.contains(&day.as_str()), "{paths:?}");
        let render = phases.iter().find(|it| it["path"] == "render").unwrap();
        assert_eq!((&render["calls"], &render["items"]), (&6.into(), &8_000.into()));
    }
}

// ---- builds that do not come to their end ------------------------------------------------------

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Outcomes in the history, oldest first.
fn outcomes(dir: &TempDir) -> Vec<Outcome> {
    let records = History::open(dir.path()).last(100).unwrap();
    records.iter().map(|it| it.outcome).collect()
}

#[test]
fn a_collector_that_is_dropped_with_its_build_open_records_a_failure() {
    let _turn = turn();
    let dir = dir();
    {
        let mut collector = PerformanceCollector::new(dir.path()).with_tool("row", "1");
        collector.start_build();
        allocate(10);
    }
    assert_eq!(outcomes(&dir), [Outcome::Failed]);
    let record = History::open(dir.path()).latest().unwrap().unwrap();
    assert_eq!(record.phase("allocate").unwrap().calls, 1);
}

#[test]
fn a_collector_that_is_dropped_while_unwinding_records_a_panic() {
    let _turn = turn();
    let dir = dir();
    let caught = catch_unwind(|| {
        let mut collector = PerformanceCollector::new(dir.path()).with_tool("row", "1");
        collector.start_build();
        let _doomed = enter("doomed");
        resume_unwind(Box::new(()));
    });
    assert!(caught.is_err());
    assert_eq!(outcomes(&dir), [Outcome::Panicked]);
    let record = History::open(dir.path()).latest().unwrap().unwrap();
    assert_eq!(record.phase("doomed").unwrap().panics, 1);
}

#[test]
fn a_collector_that_is_dropped_after_its_build_or_without_one_records_nothing_more() {
    let _turn = turn();
    let dir = dir();
    drop(PerformanceCollector::new(dir.path()));
    let mut collector = PerformanceCollector::new(dir.path()).with_tool("row", "1");
    let stats = measure(&mut collector, || ());
    drop(collector);
    assert!(!dir.path().join("history.jsonl").exists());
    PerformanceCollector::new(dir.path()).save(&stats);
    assert_eq!(outcomes(&dir), [Outcome::Success]);
}

#[test]
fn the_outcome_is_that_of_the_result() {
    let _turn = turn();
    let mut collector = collector();
    let mut outcome = |result: Result<u8, &str>| {
        collector.start_build();
        collector.end_build_with(&result).outcome
    };
    assert_eq!(outcome(Ok(1)), Outcome::Success);
    assert_eq!(outcome(Err("no template")), Outcome::Failed);
}

#[test]
fn an_end_without_a_start_gives_a_record_that_is_not_saved() {
    let _turn = turn();
    let dir = dir();
    let mut collector = PerformanceCollector::new(dir.path()).with_tool("row", "1");
    for _ in 0..2 {
        let stats = collector.end_build();
        assert_eq!((stats.tool.as_str(), stats.build_id.as_str()), ("row", ""));
        assert_eq!(
            (stats.alloc_count, stats.phases.len(), stats.unattributed.is_some()),
            (None, 0, false)
        );
        collector.save(&stats);
        assert!(collector.try_save(&stats).is_ok());
        assert_eq!(collector.end_build_with(&Err::<(), _>(())).outcome, Outcome::Failed);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    // A second end is one without a start.
    measure(&mut collector, || ());
    assert_eq!(collector.end_build().build_id, "");
}

#[test]
fn a_second_start_ends_the_first_build_as_a_failure() {
    let _turn = turn();
    let dir = dir();
    let mut collector = PerformanceCollector::new(dir.path()).with_tool("row", "1");
    collector.start_build();
    allocate(10);
    let _open = enter("open");
    build().set_label("build", "first");
    collector.start_build();
    allocate(20);
    let second = collector.end_build();
    collector.save(&second);
    assert_conserved(&second);
    assert_eq!(paths(&second), ["allocate"]);
    assert_eq!(second.phase("allocate").unwrap().alloc_bytes, Some(20));
    assert_eq!(second.labels.len(), 0);
    assert_eq!(outcomes(&dir), [Outcome::Failed, Outcome::Success]);
    let first = &History::open(dir.path()).last(2).unwrap()[0];
    assert_eq!(first.phase("open").unwrap().open_calls, 1);
    assert_eq!(first.labels["build"], "first");
}

#[test]
fn a_build_may_end_on_another_thread_than_it_started_on() {
    let _turn = turn();
    let mut collector = collector();
    collector.start_build();
    allocate(10);
    let stats = thread::scope(|scope| {
        scope
            .spawn(|| {
                allocate(20);
                collector.end_build()
            })
            .join()
            .unwrap()
    });
    assert_conserved(&stats);
    let phase = stats.phase("allocate").unwrap();
    assert_eq!((phase.calls, phase.threads, phase.alloc_bytes), (2, 2, Some(30)));
}
