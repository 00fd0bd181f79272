//! The quantities of each phase itself, by stack: from the sums of the record, or by code location
//! from samples.

use perf_history::{AllocationPlace, BuildStats, PhaseStats, Unattributed};

use crate::present::export::{Stacks, Unit};

/// The frame of what is in no phase.
const UNATTRIBUTED: &str = "unattributed";

/// Self time on the build thread. With what is unattributed, it adds up to the build's time.
pub(super) fn build_thread_time(stats: &BuildStats) -> Stacks {
    of(
        stats,
        Stacks::new("build thread, sums of self time", Unit::Nanoseconds),
        |phase| nanoseconds(phase.build_thread_self_ms.unwrap_or(0.0)),
        |rest| nanoseconds(rest.build_thread_ms),
    )
}

/// Self time on all threads except the build thread.
pub(super) fn other_time(stats: &BuildStats) -> Stacks {
    of(
        stats,
        Stacks::new("all other threads, sums of self time", Unit::Nanoseconds),
        |phase| nanoseconds(phase.self_ms - phase.build_thread_self_ms.unwrap_or(0.0)),
        |_| 0,
    )
}

/// Self time on all threads. What is unattributed is on the build thread.
pub(super) fn time(stats: &BuildStats) -> Stacks {
    of(
        stats,
        Stacks::new("all threads, sums of self time", Unit::Nanoseconds),
        |phase| nanoseconds(phase.self_ms),
        |rest| nanoseconds(rest.build_thread_ms),
    )
}

/// Bytes allocated.
pub(super) fn allocated(stats: &BuildStats) -> Stacks {
    of(
        stats,
        Stacks::new("allocated bytes", Unit::Bytes),
        |phase| phase.self_alloc_bytes.unwrap_or(0),
        |rest| rest.alloc_bytes.unwrap_or(0),
    )
}

/// Number of allocations.
pub(super) fn allocations(stats: &BuildStats) -> Stacks {
    of(
        stats,
        Stacks::new("allocations", Unit::Count),
        |phase| phase.self_alloc_count.unwrap_or(0),
        |rest| rest.alloc_count.unwrap_or(0),
    )
}

fn of(
    stats: &BuildStats,
    mut stacks: Stacks,
    of_phase: impl Fn(&PhaseStats) -> u64,
    of_rest: impl Fn(&Unattributed) -> u64,
) -> Stacks {
    for phase in &stats.phases {
        stacks.push(frames(&phase.path), of_phase(phase));
    }
    if let Some(rest) = &stats.unattributed {
        stacks.push(vec![UNATTRIBUTED.to_owned()], of_rest(rest));
    }
    stacks
}

/// The names in a path.
fn frames(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

/// Bytes allocated, by code location: a frame above its phase. What a phase allocated elsewhere is its
/// own, so that the total is that of the record.
pub(super) fn allocated_by_place(stats: &BuildStats) -> Stacks {
    let stacks = Stacks::new("allocated bytes by place, estimated", Unit::Bytes);
    by_place(stats, stacks, |place| place.alloc_bytes, |whole| whole.allocated)
}

/// Bytes still live at the end of the build, by code location.
pub(super) fn retained_by_place(stats: &BuildStats) -> Stacks {
    let stacks = Stacks::new("retained bytes by place, estimated", Unit::Bytes);
    by_place(stats, stacks, |place| place.retained_bytes, |whole| whole.retained)
}

/// The totals of a phase.
struct Whole {
    allocated: Option<u64>,
    retained: Option<u64>,
}

fn by_place(
    stats: &BuildStats,
    mut stacks: Stacks,
    of_place: impl Fn(&AllocationPlace) -> u64,
    of_whole: impl Fn(&Whole) -> Option<u64>,
) -> Stacks {
    let phases = stats.phases.iter().map(|phase| {
        let whole = Whole { allocated: phase.self_alloc_bytes, retained: phase.retained_bytes };
        (frames(&phase.path), whole, &phase.top_allocators)
    });
    let rest = stats.unattributed.iter().map(|rest| {
        let whole = Whole { allocated: rest.alloc_bytes, retained: rest.retained_bytes };
        (vec![UNATTRIBUTED.to_owned()], whole, &rest.top_allocators)
    });
    for (path, whole, places) in phases.chain(rest) {
        let in_places = places.iter().map(&of_place).fold(0, u64::saturating_add);
        let beyond = of_whole(&whole).unwrap_or(0).saturating_sub(in_places);
        stacks.push(path.clone(), beyond);
        for place in places {
            let mut frames = path.clone();
            frames.push(name_of(place));
            stacks.push(frames, of_place(place));
        }
    }
    stacks
}

fn name_of(place: &AllocationPlace) -> String {
    match (&place.file, place.line) {
        (Some(file), Some(line)) => format!("{} ({file}:{line})", place.function),
        (Some(file), None) => format!("{} ({file})", place.function),
        (None, _) => place.function.clone(),
    }
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
