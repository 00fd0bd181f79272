//! Threads without end that work for a phase: nothing is lost, and nothing stays behind of them.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::thread;

use contract_tests::one_build::{measure, paths, phase_of};
use perf_runtime::{PhaseHandle, TrackingAllocator, enter};

#[global_allocator]
static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();

const THREADS: u64 = 100_000;
const AT_ONCE: u64 = 10;

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_hundred_thousand_short_threads_are_counted_once_each_and_leave_no_memory_behind() {
    let batch = |phase: PhaseHandle| {
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(move || {
                    let _handed = phase.enter();
                    let _page = enter("page");
                    drop(std::hint::black_box(Vec::<u8>::with_capacity(123)));
                });
            }
        });
    };
    let stats = measure(|| {
        let _render = enter("render");
        let phase = PhaseHandle::current();
        let warm = THREADS / AT_ONCE / 10;
        (0..warm).for_each(|_| batch(phase));
        let before = resident_kib();
        (warm..THREADS / AT_ONCE).for_each(|_| batch(phase));
        // A place for each would be 900 MiB.
        let grown = resident_kib().saturating_sub(before);
        assert!(grown < 4 << 10, "{grown} KiB");
    });
    assert_eq!(paths(&stats), ["render", "render/page"]);
    let page = phase_of(&stats, "render/page");
    assert_eq!((page.calls, page.threads, page.open_calls), (THREADS, THREADS, 0));
    assert_eq!((page.alloc_count, page.alloc_bytes), (Some(THREADS), Some(THREADS * 123)));
    assert_eq!((page.freed_count, page.freed_bytes), (Some(THREADS), Some(THREADS * 123)));
    assert_eq!((page.net_bytes, page.peak_bytes), (Some(0), Some(123)));
    let render = phase_of(&stats, "render");
    assert_eq!((render.calls, render.threads), (1, THREADS + 1));
}
