//! The timeline of a build, from the intervals that its calls left.

use perf_history::{Interval, Timeline, TimelineFacts, TimelineThread};

use perf_core::recorder::{Measured, PathId, ThreadIntervals};

/// The timeline of a build. `None` where none was asked for, or no phase was called.
pub(super) fn timeline(build_id: &str, tool: &str, measured: &Measured) -> Option<Timeline> {
    if measured.threads.is_empty() {
        return None;
    }
    let text = |it| u32::try_from(it).map(|it| measured.paths.text(PathId::from_raw(it)));
    let paths = (0..measured.paths.len()).map(|it| text(it).unwrap_or_default()).collect();
    let mut timeline = Timeline::new(build_id, tool, paths);
    timeline.build_time_ns = measured.scale.to_ns(measured.end.since(measured.start));
    timeline.threads = measured.threads.iter().map(|it| thread(it, measured)).collect();
    timeline.dropped = measured.threads.iter().map(|it| it.dropped).sum();
    Some(timeline)
}

/// What the record says of a timeline.
pub(super) fn facts(timeline: &Timeline) -> TimelineFacts {
    let mut facts = TimelineFacts::default();
    facts.intervals = timeline.intervals();
    facts.dropped = timeline.dropped;
    facts
}

fn thread(thread_intervals: &ThreadIntervals, measured: &Measured) -> TimelineThread {
    let ns = |ticks| measured.scale.to_ns(ticks);
    let intervals = thread_intervals
        .intervals
        .iter()
        .map(|it| Interval::new(it.path, ns(it.start.since(measured.start)), ns(it.length)));
    TimelineThread::new(thread_intervals.is_build_thread, intervals.collect())
}
