//! What every record must add up to: no time and no allocation is lost, and none is counted twice.

use perf_runtime::BuildStats;

/// Asserts the conservation laws: bytes and counts exactly, time but for the rounding of floating
/// point numbers.
///
/// # Panics
///
/// Where one of them does not hold.
#[track_caller]
pub fn assert_conserved(stats: &BuildStats) {
    let outside = stats.unattributed.as_ref().expect("what was in no phase is measured");
    let bytes: u64 = stats.phases.iter().filter_map(|it| it.self_alloc_bytes).sum();
    let count: u64 = stats.phases.iter().filter_map(|it| it.self_alloc_count).sum();
    assert_eq!(Some(bytes + outside.alloc_bytes.unwrap()), stats.alloc_bytes, "bytes");
    assert_eq!(Some(count + outside.alloc_count.unwrap()), stats.alloc_count, "allocations");
    let own: f64 = stats.phases.iter().filter_map(|it| it.build_thread_self_ms).sum();
    let difference = own + outside.build_thread_ms - stats.build_time_ms;
    assert!(
        difference.abs() <= 1e-9 * stats.build_time_ms.max(1.0),
        "{own} ms in phases and {} ms in none are not the build's {} ms",
        outside.build_thread_ms,
        stats.build_time_ms
    );
}
