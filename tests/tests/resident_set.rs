//! The resident set of this process in a record: a binary of its own, because other tests would change it.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use contract_tests::one_build::{measure, on_a_thread, phase_of};
use contract_tests::programs::{Place, succeed};
use perf_runtime::{BuildStats, TrackingAllocator, enter, in_current_phase};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

/// A size at which the allocator maps each block, and unmaps it when it is freed.
const LARGE: usize = 64 << 20;
/// The same in the record's megabytes.
const LARGE_MB: f64 = 64.0;
/// What the rest of the process may have changed, such as a thread of the test runner.
const TOLERANCE_MB: f64 = 8.0;

/// From this duration on, a phase records the change of the resident set.
const LONG: Duration = Duration::from_millis(10);

/// A block whose pages are resident. Tests allocate and free such blocks only during builds, of which
/// there is one at a time.
fn touched(bytes: usize) -> Vec<u8> {
    black_box(vec![1; bytes])
}

/// Does `work` in a phase that is long.
fn long_phase<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    let _phase = enter(name);
    wait();
    work()
}

/// Takes as long as a long phase.
fn wait() {
    thread::sleep(LONG + Duration::from_millis(1));
}

#[track_caller]
fn assert_changed(stats: &BuildStats, path: &str, by: f64) {
    let delta = phase_of(stats, path).rss_delta_mb.unwrap();
    assert!(
        (delta - by).abs() < TOLERANCE_MB,
        "{path} changed the resident set by {delta} MB, not {by}"
    );
}

#[test]
fn long_phases_record_by_how_much_the_resident_set_changed() {
    let stats = measure(|| {
        let block = long_phase("grows", || touched(LARGE));
        long_phase("stays", || ());
        long_phase("shrinks", || drop(block));
        long_phase("both", || drop(touched(LARGE)));
    });
    assert_changed(&stats, "grows", LARGE_MB);
    assert_changed(&stats, "stays", 0.0);
    assert_changed(&stats, "shrinks", -LARGE_MB);
    assert_changed(&stats, "both", 0.0);
    let at_the_end = stats.memory_rss_mb.unwrap();
    assert!(stats.memory_peak_rss_mb.unwrap() >= at_the_end + LARGE_MB - TOLERANCE_MB, "{stats:?}");
}

#[test]
fn the_first_phase_in_a_long_time_counts_from_its_own_entry() {
    let mut block = Vec::new();
    let stats = measure(|| {
        block = touched(2 * LARGE);
        wait();
        long_phase("first", || ());
        block.resize(block.len() + LARGE, 1);
        wait();
        long_phase("second", || ());
    });
    measure(|| drop(block));
    assert_changed(&stats, "first", 0.0);
    assert_changed(&stats, "second", 0.0);
}

#[test]
fn a_record_has_the_resident_set_at_the_start_and_at_the_end() {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    measure(|| before = touched(LARGE));
    let larger = measure(|| {
        drop(before);
        after = touched(3 * LARGE);
    });
    let (start, end) = (larger.memory_start_rss_mb.unwrap(), larger.memory_rss_mb.unwrap());
    assert!((end - start - 2.0 * LARGE_MB).abs() < TOLERANCE_MB, "from {start} to {end} MB");
    let smaller = measure(|| drop(after));
    let (start, end) = (smaller.memory_start_rss_mb.unwrap(), smaller.memory_rss_mb.unwrap());
    assert!((start - end - 3.0 * LARGE_MB).abs() < TOLERANCE_MB, "from {start} to {end} MB");
}

#[test]
fn a_phase_includes_its_children_and_all_of_its_calls() {
    let mut blocks = Vec::new();
    let stats = measure(|| {
        let _outer = enter("outer");
        for _ in 0..3 {
            long_phase("inner", || blocks.push(touched(LARGE)));
        }
    });
    measure(|| drop(blocks));
    assert_changed(&stats, "outer/inner", 3.0 * LARGE_MB);
    assert_changed(&stats, "outer", 3.0 * LARGE_MB);
}

#[test]
fn short_calls_record_no_change_however_many_there_are() {
    // A call is long if its thread loses the processor during it.
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
fn phases_that_never_ran_on_the_build_thread_record_no_change() {
    let stats = measure(|| {
        on_a_thread(|| long_phase("elsewhere", || ()));
        let _phase = enter("waits");
        on_a_thread(in_current_phase!(|| long_phase("handed off", || ())));
    });
    assert_eq!(phase_of(&stats, "elsewhere").rss_delta_mb, None);
    assert_eq!(phase_of(&stats, "waits/handed off").rss_delta_mb, None);
    assert!(phase_of(&stats, "waits").rss_delta_mb.is_some());
}

#[test]
fn without_proc_the_resident_set_is_not_recorded() {
    let place = Place::new();
    let script = r#"mount -t tmpfs tmpfs /proc && exec "$@""#;
    let Some(mut hidden) = place.in_mount_namespace("/proc", script) else { return };
    succeed(hidden.arg(env!("CARGO_BIN_EXE_without_allocator")));
    let record = place.newest_record();
    assert_eq!(record.get("memory_rss_mb"), None);
    assert_eq!(record.get("memory_start_rss_mb"), None);
    let [render] = &record["phases"].as_array().unwrap()[..] else { panic!("{record}") };
    assert!(render["build_thread_ms"].as_f64().unwrap() >= 40.0, "{render}");
    assert_eq!(render.get("rss_delta_mb"), None);
    // The kernel's resource usage of the process has the peak, too.
    assert!(record["memory_peak_rss_mb"].as_f64().unwrap() > 0.0, "{record}");
}
