//! All that was measured of one build, for the recorder.

use crate::measure::counters::Counters;
use crate::measure::ticks::{Scale, Ticks};
use crate::measure::timeline::Interval;
use crate::phase::node::Usage;
use crate::phase::path::Paths;
use crate::phase::reading::TreeReading;

use super::{PhaseTotals, Readings, UserFacts};

/// All that was measured of one build.
#[derive(Debug)]
#[non_exhaustive]
pub struct Measured {
    /// When the build started.
    pub start: Ticks,
    /// When the build ended.
    pub end: Ticks,
    /// The length of a tick.
    pub scale: Scale,
    /// Whether the clock stepped back on some thread.
    pub clock_stepped_back: bool,
    /// All that was allocated and freed between start and end.
    pub counters: Counters,
    /// The live heap of the process at the end, in bytes.
    pub live_bytes: u64,
    /// The highest live heap of the process, in bytes.
    pub peak_bytes: Option<u64>,
    /// Phases by the number of their path; the first is the root, which is no phase.
    pub phases: Vec<PhaseTotals>,
    /// The paths of the phases.
    pub paths: Paths,
    /// The intervals of each thread, if the build has a timeline.
    pub threads: Vec<ThreadIntervals>,
    /// What was done in no phase. The ticks are those of the build thread.
    pub unattributed: Usage,
    /// What belonged to none of several builds. `None` if there was one build only.
    pub unclaimed: Option<Counters>,
    /// The facts that the tool added.
    pub user: UserFacts,
}

/// The intervals of one thread, or of several that used one slot after another.
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

impl ThreadIntervals {
    /// Takes the intervals out of the trees. The build thread comes first, then the thread that
    /// started first.
    pub(super) fn take_from(readings: &Readings) -> Vec<Self> {
        let trees = readings.iter().flat_map(|(_, reading)| &reading.trees);
        let take = |reading: &TreeReading| {
            let mut intervals: Vec<_> = reading.tree.timeline.intervals().collect();
            intervals.extend_from_slice(&reading.open_intervals);
            intervals.sort_by_key(|interval| interval.start);
            let dropped = reading.tree.timeline.dropped();
            reading.tree.timeline.clear();
            Self { is_build_thread: reading.own, intervals, dropped }
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
}
