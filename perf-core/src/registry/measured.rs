//! The result of a build, for the recorder.

use crate::measure::counters::Counters;
use crate::measure::ticks::{Scale, Ticks};
use crate::measure::timeline::Interval;
use crate::phase::node::Usage;
use crate::phase::path::Paths;
use crate::phase::reading::TreeReading;

use super::merge::PhaseTotals;
use super::user_facts::UserFacts;

/// All that was measured of one build.
#[derive(Debug)]
#[non_exhaustive]
pub struct Measured {
    /// When the build started.
    pub start: Ticks,
    /// When the build ended.
    pub end: Ticks,
    /// Converts ticks to time.
    pub scale: Scale,
    /// Whether the clock stepped back on any thread.
    pub clock_stepped_back: bool,
    /// All that was allocated and freed between start and end.
    pub counters: Counters,
    /// The live heap of the process at the end, in bytes.
    pub live_bytes: u64,
    /// The highest live heap of the process, in bytes.
    pub peak_bytes: Option<u64>,
    /// The phases, indexed by the number of their path. The first is the root, which is no phase.
    pub phases: Vec<PhaseTotals>,
    /// The paths of the phases.
    pub paths: Paths,
    /// The intervals of each thread, if the build has a timeline.
    pub threads: Vec<ThreadIntervals>,
    /// What was done in no phase. The time is that of the build thread, the memory that of all threads.
    pub unattributed: Usage,
    /// What threads did that worked for none of several builds. `None` if no other build overlapped.
    pub unclaimed: Option<Counters>,
    /// The facts that the tool added.
    pub user: UserFacts,
}

/// The intervals of one thread, or of several threads that had the same slot one after another.
#[derive(Debug)]
#[non_exhaustive]
pub struct ThreadIntervals {
    /// Whether it is the build thread.
    pub is_build_thread: bool,
    /// The intervals, by start.
    pub intervals: Vec<Interval>,
    /// How many intervals did not fit.
    pub dropped: u64,
}

/// Takes the intervals out of the trees. The build thread comes first, the others in the order of
/// their first intervals.
pub(super) fn take_intervals<'readings>(
    trees: impl Iterator<Item = &'readings TreeReading>,
) -> Vec<ThreadIntervals> {
    let take = |reading: &TreeReading| {
        let mut intervals: Vec<_> = reading.tree.timeline.intervals().collect();
        intervals.extend_from_slice(&reading.open_intervals);
        intervals.sort_by_key(|interval| interval.start);
        let dropped = reading.tree.timeline.dropped();
        reading.tree.timeline.clear();
        ThreadIntervals { is_build_thread: reading.is_of_build_thread, intervals, dropped }
    };
    let mut threads: Vec<_> = trees
        .filter(|reading| reading.tree.is_timed())
        .map(take)
        .filter(|thread| !thread.intervals.is_empty() || thread.dropped > 0)
        .collect();
    threads.sort_by_key(|thread| {
        (!thread.is_build_thread, thread.intervals.first().map(|interval| interval.start))
    });
    threads
}
