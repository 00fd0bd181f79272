//! The peak of the resident set is the tool's, not that of whoever started it.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod tool;

use tool::{Place, succeed};

#[test]
fn the_peak_of_the_resident_set_is_not_that_of_the_process_that_started_the_tool() {
    // 200 MiB, all of them touched.
    let large = std::hint::black_box(vec![1_u8; 200 << 20]);
    let place = Place::new();
    succeed(&mut place.command(env!("CARGO_BIN_EXE_without_allocator")));
    drop(large);
    let record = &place.records(".build-metrics")[0];
    let peak = record["memory_peak_rss_mb"].as_f64().unwrap();
    assert!(peak >= record["memory_rss_mb"].as_f64().unwrap(), "{record}");
    assert!(peak < 100.0, "{record}");
}
