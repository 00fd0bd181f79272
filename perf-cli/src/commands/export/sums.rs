//! The quantities of each phase itself, by stack: from the sums of the record, or by code location
//! from samples.

use perf_history::{AllocationPlace, BuildStats};

use crate::commands::describe::location;
use crate::present::export::{Stacks, Unit};

/// A phase without its nested phases, or what is in no phase.
struct Part<'a> {
    frames: Vec<String>,
    /// On all threads. What is in no phase is on the build thread.
    time_ms: f64,
    build_thread_ms: f64,
    alloc_bytes: u64,
    alloc_count: u64,
    retained_bytes: u64,
    places: &'a [AllocationPlace],
}

fn parts(stats: &BuildStats) -> impl Iterator<Item = Part<'_>> {
    let phases = stats.phases.iter().map(|phase| Part {
        frames: phase.path.split('/').map(str::to_owned).collect(),
        time_ms: phase.self_ms,
        build_thread_ms: phase.build_thread_self_ms.unwrap_or(0.0),
        alloc_bytes: phase.self_alloc_bytes.unwrap_or(0),
        alloc_count: phase.self_alloc_count.unwrap_or(0),
        retained_bytes: phase.retained_bytes.unwrap_or(0),
        places: &phase.top_allocators,
    });
    phases.chain(stats.unattributed.as_ref().map(|rest| Part {
        frames: vec!["unattributed".to_owned()],
        time_ms: rest.build_thread_ms,
        build_thread_ms: rest.build_thread_ms,
        alloc_bytes: rest.alloc_bytes.unwrap_or(0),
        alloc_count: rest.alloc_count.unwrap_or(0),
        retained_bytes: rest.retained_bytes.unwrap_or(0),
        places: &rest.top_allocators,
    }))
}

fn sums(stats: &BuildStats, name: &str, unit: Unit, value: fn(&Part<'_>) -> u64) -> Stacks {
    let mut stacks = Stacks::new(name, unit);
    for part in parts(stats) {
        let value = value(&part);
        stacks.push(part.frames, value);
    }
    stacks
}

/// Self time on the build thread. With what is unattributed, it adds up to the build's time.
pub(super) fn build_thread_time(stats: &BuildStats) -> Stacks {
    let name = "build thread, sums of self time";
    sums(stats, name, Unit::Nanoseconds, |part| nanoseconds(part.build_thread_ms))
}

/// Self time on all threads except the build thread.
pub(super) fn other_time(stats: &BuildStats) -> Stacks {
    let name = "all other threads, sums of self time";
    sums(stats, name, Unit::Nanoseconds, |part| nanoseconds(part.time_ms - part.build_thread_ms))
}

pub(super) fn time(stats: &BuildStats) -> Stacks {
    let name = "all threads, sums of self time";
    sums(stats, name, Unit::Nanoseconds, |part| nanoseconds(part.time_ms))
}

pub(super) fn allocated(stats: &BuildStats) -> Stacks {
    sums(stats, "allocated bytes", Unit::Bytes, |part| part.alloc_bytes)
}

pub(super) fn allocations(stats: &BuildStats) -> Stacks {
    sums(stats, "allocations", Unit::Count, |part| part.alloc_count)
}

/// Bytes allocated, by code location.
pub(super) fn allocated_by_place(stats: &BuildStats) -> Stacks {
    let name = "allocated bytes by place, estimated";
    by_place(stats, name, |part| part.alloc_bytes, |place| place.alloc_bytes)
}

/// Bytes still live at the end of the build, by code location.
pub(super) fn retained_by_place(stats: &BuildStats) -> Stacks {
    let name = "retained bytes by place, estimated";
    by_place(stats, name, |part| part.retained_bytes, |place| place.retained_bytes)
}

/// A code location is a frame above its phase. What a phase allocated elsewhere is its own, so that
/// the total is that of the record.
fn by_place(
    stats: &BuildStats,
    name: &str,
    of_part: fn(&Part<'_>) -> u64,
    of_place: fn(&AllocationPlace) -> u64,
) -> Stacks {
    let mut stacks = Stacks::new(name, Unit::Bytes);
    for part in parts(stats) {
        let in_places = part.places.iter().map(of_place).fold(0, u64::saturating_add);
        stacks.push(part.frames.clone(), of_part(&part).saturating_sub(in_places));
        for place in part.places {
            let mut frames = part.frames.clone();
            frames.push(location(&place.function, place.file.as_deref(), place.line));
            stacks.push(frames, of_place(place));
        }
    }
    stacks
}

/// Milliseconds as whole nanoseconds. NaN and negative times are 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and no NaN"
)]
pub(super) fn nanoseconds(ms: f64) -> u64 {
    (ms.max(0.0) * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn a_time_is_exact_to_the_nanosecond_and_nonsense_is_none() {
        assert_eq!(nanoseconds(1_268.443_96), 1_268_443_960);
        assert_eq!(nanoseconds(0.000_001), 1);
        assert_eq!(nanoseconds(-1.0), 0);
        assert_eq!(nanoseconds(f64::NAN), 0);
        assert_eq!(nanoseconds(1e300), u64::MAX);
    }
}
