//! The first build of a process, when the runtime has measured no other: alone in its process.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use contract_tests::one_build::{phase_of, started};
use perf_runtime::enter;

#[test]
fn a_phase_of_ten_milliseconds_in_the_first_build_records_the_change_of_the_resident_set() {
    let mut collector = started();
    {
        let _phase = enter("ten milliseconds");
        thread::sleep(Duration::from_micros(10_100));
    }
    let stats = collector.end_build();
    let phase = phase_of(&stats, "ten milliseconds");
    assert!(phase.build_thread_ms.unwrap() >= 10.0);
    assert!(phase.rss_delta_mb.is_some(), "{phase:?}");
}
