//! What samples say of each phase's places, as quantities by stack: a place is a frame above its
//! phase.

use perf_history::{AllocationPlace, BuildStats};

use crate::present::export::{Stacks, Unit};

use super::sums::{UNATTRIBUTED, frames};

/// Bytes requested. What a phase requested beyond its places is its own, so that it has as much as
/// was counted.
pub(super) fn allocated(stats: &BuildStats) -> Stacks {
    let stacks = Stacks::new("allocated bytes by place, estimated", Unit::Bytes);
    by_place(stats, stacks, |place| place.alloc_bytes, |whole| whole.allocated)
}

/// Bytes that were requested and are live at the build's end.
pub(super) fn retained(stats: &BuildStats) -> Stacks {
    let stacks = Stacks::new("retained bytes by place, estimated", Unit::Bytes);
    by_place(stats, stacks, |place| place.retained_bytes, |whole| whole.retained)
}

/// What is known of all of a phase.
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
