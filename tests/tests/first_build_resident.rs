//! The first build of a process, which has measured no other: alone in its process.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

use std::{thread, time::Duration};

use perf_runtime::{PerformanceCollector, enter};

#[test]
fn a_phase_of_ten_milliseconds_in_the_first_build_says_how_the_resident_set_changed() {
    let mut collector = PerformanceCollector::new("never written").with_tool("first", "1");
    collector.start_build();
    {
        let _phase = enter("ten milliseconds");
        thread::sleep(Duration::from_micros(10_100));
    }
    let stats = collector.end_build();
    let phase = stats.phase("ten milliseconds").unwrap();
    assert!(phase.build_thread_ms.unwrap() >= 10.0);
    assert!(phase.rss_delta_mb.is_some(), "{phase:?}");
}
