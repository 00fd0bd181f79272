//! What a record says of the resident set: at the end, at its peak, and by how much long phases
//! changed it.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod tool;

use std::hint::black_box;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use contract_tests::one_build::{measure, on_a_thread, phase_of};
use perf_runtime::{BuildStats, TrackingAllocator, enter, in_current_phase};
use tool::Place;

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// From which on the system takes each block from the kernel, and gives it back when it is freed.
const LARGE: usize = 64 << 20;
/// The same in the record's megabytes.
const LARGE_MB: f64 = 64.0;
/// What else may have come and gone meanwhile, such as a thread of the tests' runner.
const ELSE_MB: f64 = 8.0;

/// As long as a phase must last to be told.
const LONG: Duration = Duration::from_millis(10);

/// A block whose pages are there. One test must not take or give back such while another measures, so
/// it is done in builds alone, of which there is one at a time.
fn touched(bytes: usize) -> Vec<u8> {
    black_box(vec![1; bytes])
}

/// Waits until the phase that was just entered has lasted.
fn last() {
    thread::sleep(LONG + Duration::from_millis(1));
}

#[track_caller]
fn assert_changed(stats: &BuildStats, path: &str, by: f64) {
    let delta = phase_of(stats, path).rss_delta_mb.unwrap();
    assert!((delta - by).abs() < ELSE_MB, "{path} changed it by {delta} MB, not {by}");
}

#[test]
fn long_phases_say_by_how_much_they_made_the_process_larger_or_smaller() {
    let stats = measure(|| {
        let block = {
            let _phase = enter("grows");
            last();
            touched(LARGE)
        };
        {
            let _phase = enter("stands still");
            last();
        }
        {
            let _phase = enter("shrinks");
            last();
            drop(block);
        }
        let _phase = enter("grows and shrinks");
        last();
        drop(touched(LARGE));
    });
    assert_changed(&stats, "grows", LARGE_MB);
    assert_changed(&stats, "stands still", 0.0);
    assert_changed(&stats, "shrinks", -LARGE_MB);
    assert_changed(&stats, "grows and shrinks", 0.0);
    let at_the_end = stats.memory_rss_mb.unwrap();
    assert!(stats.memory_peak_rss_mb.unwrap() >= at_the_end + LARGE_MB - ELSE_MB, "{stats:?}");
}

#[test]
fn a_phase_that_is_the_first_for_long_counts_from_its_own_entry() {
    let mut block = Vec::new();
    let stats = measure(|| {
        block = touched(2 * LARGE);
        last();
        {
            let _phase = enter("first");
            last();
        }
        block.resize(block.len() + LARGE, 1);
        last();
        let _phase = enter("second");
        last();
    });
    measure(|| drop(block));
    assert_changed(&stats, "first", 0.0);
    assert_changed(&stats, "second", 0.0);
}

#[test]
fn a_record_says_how_large_the_process_was_when_the_build_started_and_when_it_ended() {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    measure(|| before = touched(LARGE));
    let larger = measure(|| {
        drop(before);
        after = touched(3 * LARGE);
    });
    let (start, end) = (larger.memory_start_rss_mb.unwrap(), larger.memory_rss_mb.unwrap());
    assert!((end - start - 2.0 * LARGE_MB).abs() < ELSE_MB, "from {start} to {end} MB");
    let smaller = measure(|| drop(after));
    let (start, end) = (smaller.memory_start_rss_mb.unwrap(), smaller.memory_rss_mb.unwrap());
    assert!((start - end - 3.0 * LARGE_MB).abs() < ELSE_MB, "from {start} to {end} MB");
}

#[test]
fn a_phase_says_what_those_below_changed_and_what_all_of_its_calls_did() {
    let mut blocks = Vec::new();
    let stats = measure(|| {
        let _outer = enter("outer");
        for _ in 0..3 {
            let _inner = enter("inner");
            last();
            blocks.push(touched(LARGE));
        }
    });
    measure(|| drop(blocks));
    assert_changed(&stats, "outer/inner", 3.0 * LARGE_MB);
    assert_changed(&stats, "outer", 3.0 * LARGE_MB);
}

#[test]
fn short_phases_do_not_say_and_however_many_of_them_do_not_add_up_to_a_long_one() {
    // A thread that loses its processor in the midst of a call makes it a long one.
    for _ in 0..100 {
        let stats = measure(|| {
            let begin = Instant::now();
            while begin.elapsed() < 3 * LONG {
                let _phase = enter("short");
                thread::sleep(Duration::from_micros(100));
            }
        });
        let short = phase_of(&stats, "short");
        assert!(short.build_thread_ms.unwrap() > 10.0, "{short:?}");
        if short.max_ms.unwrap() < 10.0 {
            assert_eq!(short.rss_delta_mb, None);
            return;
        }
    }
    eprintln!("skipped: no call was short in a hundred builds");
}

#[test]
fn phases_that_never_ran_on_the_own_thread_do_not_say() {
    let stats = measure(|| {
        on_a_thread(|| {
            let _phase = enter("elsewhere");
            last();
        });
        let _phase = enter("waits");
        on_a_thread(in_current_phase!(|| {
            let _phase = enter("handed over");
            last();
        }));
    });
    assert_eq!(phase_of(&stats, "elsewhere").rss_delta_mb, None);
    assert_eq!(phase_of(&stats, "waits/handed over").rss_delta_mb, None);
    assert!(phase_of(&stats, "waits").rss_delta_mb.is_some());
}

/// Runs a tool with a phase of 40 ms behind `mounts`, which hide what the system would say. `None`
/// where that is not permitted.
fn record_behind(mounts: &str) -> Option<serde_json::Value> {
    let place = Place::new();
    let hide = |program: &[&str]| -> Command {
        let mut command = place.command("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg(format!(r#"{mounts} && exec "$@""#)).arg("sh").args(program);
        command
    };
    if !hide(&["true"]).output().is_ok_and(|it| it.status.success()) {
        eprintln!("skipped: mounting in a namespace is not permitted here");
        return None;
    }
    tool::succeed(&mut hide(&[env!("CARGO_BIN_EXE_without_allocator")]));
    place.records(".build-metrics").pop()
}

#[test]
fn where_the_system_says_nothing_of_the_resident_set_neither_does_the_record() {
    let Some(record) = record_behind("mount -t tmpfs tmpfs /proc") else { return };
    assert_eq!(record.get("memory_rss_mb"), None);
    assert_eq!(record.get("memory_start_rss_mb"), None);
    let [render] = &record["phases"].as_array().unwrap()[..] else { panic!("{record}") };
    assert!(render["build_thread_ms"].as_f64().unwrap() >= 40.0, "{render}");
    assert_eq!(render.get("rss_delta_mb"), None);
    // The kernel's count of the process says it as well.
    assert!(record["memory_peak_rss_mb"].as_f64().unwrap() > 0.0, "{record}");
}
