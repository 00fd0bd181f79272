//! Builds one after another in one process, as in watch mode: each is independent of the one before it,
//! and leaves nothing behind but its record.

use std::panic::{catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::thread;

use contract_tests::conservation::assert_conserved;
use contract_tests::one_build::{
    collector, measure_with as measure, paths, phase_of, started, turn,
};
use perf_runtime::perf_history::History;
use perf_runtime::{Outcome, PerformanceCollector, build, enter, tracked_phase};
use tempfile::TempDir;

#[tracked_phase("allocate")]
fn allocate(bytes: usize) {
    drop(std::hint::black_box(vec![0_u8; bytes]));
}

// ---- nothing is carried over -------------------------------------------------------------------

#[test]
fn nothing_of_the_first_build_is_in_the_second() {
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
    let allocate = phase_of(&second, "allocate");
    assert_eq!(
        (allocate.calls, allocate.alloc_bytes, allocate.peak_bytes),
        (1, Some(10), Some(10))
    );
    assert_eq!((third.phases.len(), third.phase_timings_ms.len()), (0, 0));
    assert!(third.unattributed.unwrap().freed_bytes.unwrap() >= 5_000);
}

#[test]
fn ids_of_builds_sort_by_time() {
    let _turn = turn();
    let mut collector = collector();
    let builds: Vec<_> = (0..20)
        .map(|_| {
            // Ids contain milliseconds.
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
    let phase = phase_of(&small, "allocate");
    assert_eq!(phase.peak_bytes, Some(1 << 20));
    assert!(phase.process_peak_bytes.unwrap() < 60 << 20, "{phase:?}");
}

// ---- calls across the end of a build--------------------------------------------------------------

#[test]
fn a_call_that_spans_two_builds_is_open_in_the_first_and_not_in_the_second() {
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
        let phase = phase_of(&first, path);
        assert_eq!((phase.calls, phase.open_calls, phase.alloc_bytes), (0, 1, Some(100)), "{path}");
    }
    assert_eq!(paths(&second), ["allocate"]);
    assert_eq!(phase_of(&second, "allocate").alloc_bytes, Some(20));
    assert!(second.unattributed.unwrap().alloc_bytes.unwrap() >= 700);
}

#[test]
fn a_call_on_another_thread_that_spans_builds_is_open_in_the_first_only() {
    let _turn = turn();
    let mut collector = collector();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        collector.start_build();
        let worker = scope.spawn(|| {
            let across = enter("across");
            allocate(100);
            barrier.wait();
            barrier.wait();
            // In the second build, which this thread has not seen yet.
            drop(std::hint::black_box(vec![0_u8; 50_000]));
            barrier.wait();
            barrier.wait();
            // In the third.
            drop(std::hint::black_box(vec![0_u8; 60_000]));
            allocate(70_000);
            drop(across);
            allocate(30);
        });
        barrier.wait();
        let first = collector.end_build();
        collector.start_build();
        barrier.wait();
        barrier.wait();
        let second = collector.end_build();
        collector.start_build();
        barrier.wait();
        worker.join().unwrap();
        let third = collector.end_build();

        for stats in [&first, &second, &third] {
            assert_conserved(stats);
        }
        assert_eq!(paths(&first), ["across", "across/allocate"]);
        let across = phase_of(&first, "across");
        assert_eq!((across.calls, across.open_calls, across.alloc_bytes), (0, 1, Some(100)));
        assert_eq!(across.build_thread_ms, None);
        assert_eq!(second.phases, []);
        assert!(second.unattributed.unwrap().alloc_bytes.unwrap() >= 50_000);
        // The open call is not a parent of what comes later.
        assert_eq!(paths(&third), ["allocate"]);
        assert_eq!(phase_of(&third, "allocate").alloc_bytes, Some(70_030));
        assert!(third.unattributed.unwrap().alloc_bytes.unwrap() >= 60_000);
    });
}

// ---- what stays --------------------------------------------------------------------------------

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_builds_grow_neither_the_live_heap_nor_the_process_nor_its_threads() {
    use contract_tests::programs::{Place, succeed};

    let place = Place::new();
    let mut tool = place.command(env!("CARGO_BIN_EXE_build_tool"));
    // With several arenas, the resident set would depend on which threads share one.
    tool.args(["many-builds", "1200"]).env("MALLOC_ARENA_MAX", "1");
    let output = succeed(&mut tool);
    let numbers =
        |line: &str| line.split(' ').map(|word| word.parse().unwrap()).collect::<Vec<f64>>();
    let lines: Vec<_> = output.lines().map(numbers).collect();
    assert_eq!(lines.len(), 12);
    let warm = &lines[1];
    for line in &lines[1..] {
        let [threads, resident_kib, live_heap] = line[..] else { panic!("{output}") };
        // The main thread and the two workers.
        assert!(threads <= 3.0, "{output}");
        assert!(resident_kib - warm[1] < 512.0, "{output}");
        assert_eq!(live_heap.to_bits(), warm[2].to_bits(), "{output}");
    }
    let records = place.records(".build-metrics");
    assert_eq!(records.len(), 12);
    for (record, number) in records.iter().zip((100_usize..).step_by(100)) {
        assert_eq!(record["total_pages"], number);
        // The day, two workers and four short threads.
        let day = format!("parse/{}", ["monday", "tuesday", "wednesday"][number % 3]);
        let phases = record["phases"].as_array().unwrap();
        let paths: Vec<_> = phases.iter().map(|phase| phase["path"].as_str().unwrap()).collect();
        assert_eq!(paths.len(), 4, "{paths:?}");
        assert!(paths.contains(&day.as_str()), "{paths:?}");
        let render = phases.iter().find(|phase| phase["path"] == "render").unwrap();
        assert_eq!((&render["calls"], &render["items"]), (&6.into(), &8_000.into()));
    }
}

// ---- builds that do not end normally -----------------------------------------------------------

/// Outcomes in the history, oldest first.
fn outcomes(dir: &TempDir) -> Vec<Outcome> {
    let records = History::open(dir.path()).last(100).unwrap();
    records.iter().map(|record| record.outcome).collect()
}

#[test]
fn a_collector_that_is_dropped_with_its_build_open_records_a_failure() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
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
    let dir = tempfile::tempdir().unwrap();
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
    let dir = tempfile::tempdir().unwrap();
    drop(PerformanceCollector::new(dir.path()));
    let mut collector = PerformanceCollector::new(dir.path()).with_tool("row", "1");
    let stats = measure(&mut collector, || ());
    drop(collector);
    assert!(!dir.path().join("history.jsonl").exists());
    PerformanceCollector::new(dir.path()).save(&stats);
    assert_eq!(outcomes(&dir), [Outcome::Success]);
}

#[test]
fn the_outcome_follows_the_result() {
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
fn an_end_without_a_start_returns_a_record_that_is_not_saved() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
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
    // So does a second end.
    measure(&mut collector, || ());
    assert_eq!(collector.end_build().build_id, "");
}

#[test]
fn a_second_start_ends_the_first_build_as_a_failure() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
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
    assert_eq!(phase_of(&second, "allocate").alloc_bytes, Some(20));
    assert_eq!(second.labels.len(), 0);
    assert_eq!(outcomes(&dir), [Outcome::Failed, Outcome::Success]);
    let first = &History::open(dir.path()).last(2).unwrap()[0];
    assert_eq!(phase_of(first, "open").open_calls, 1);
    assert_eq!(first.labels["build"], "first");
}

#[test]
fn a_build_may_end_on_another_thread_than_it_started_on() {
    let _turn = turn();
    let mut collector = started();
    allocate(10);
    let end = || {
        allocate(20);
        collector.end_build()
    };
    let stats = thread::scope(|scope| scope.spawn(end).join().unwrap());
    assert_conserved(&stats);
    let phase = phase_of(&stats, "allocate");
    assert_eq!((phase.calls, phase.threads, phase.alloc_bytes), (2, 2, Some(30)));
}
