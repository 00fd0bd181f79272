//! What every record must add up to: no time and no allocation is lost or counted twice.

use perf_runtime::{BuildStats, PhaseStats};

/// Asserts the conservation laws: for bytes and counts exactly, for time up to rounding.
///
/// # Panics
///
/// If one of them does not hold.
#[track_caller]
pub fn assert_conserved(stats: &BuildStats) {
    let outside = stats.unattributed.as_ref().expect("work outside all phases is measured");
    let sum =
        |field: fn(&PhaseStats) -> Option<u64>| stats.phases.iter().filter_map(field).sum::<u64>();
    let (bytes, count) = (sum(|phase| phase.self_alloc_bytes), sum(|phase| phase.self_alloc_count));
    assert_eq!(Some(bytes + outside.alloc_bytes.unwrap()), stats.alloc_bytes, "bytes");
    assert_eq!(Some(count + outside.alloc_count.unwrap()), stats.alloc_count, "allocations");
    let in_phases: f64 = stats.phases.iter().filter_map(|phase| phase.build_thread_self_ms).sum();
    let (outside, build_time) = (outside.build_thread_ms, stats.build_time_ms);
    assert!(
        (in_phases + outside - build_time).abs() <= 1e-9 * build_time.max(1.0),
        "{in_phases} ms in phases and {outside} ms in none are not the build's {build_time} ms"
    );
}
