//! The timeline of a build, from the intervals that its calls left.

use perf_history::{Interval, Timeline, TimelineFacts, TimelineThread};

use crate::phase::path::PathId;
use crate::registry::{Lane, Measured};

/// The timeline of a build. `None` where none was asked for, or no phase was called.
pub(super) fn timeline(build_id: &str, tool: &str, measured: &Measured) -> Option<Timeline> {
    if measured.lanes.is_empty() {
        return None;
    }
    let text = |it| u32::try_from(it).map(|it| measured.paths.text(PathId::from_raw(it)));
    Some(Timeline {
        build_id: build_id.to_owned(),
        tool: tool.to_owned(),
        build_time_ns: measured.scale.to_ns(measured.end.since(measured.start)),
        paths: (0..measured.paths.len()).map(|it| text(it).unwrap_or_default()).collect(),
        threads: measured.lanes.iter().map(|it| thread(it, measured)).collect(),
        dropped: measured.lanes.iter().map(|it| it.dropped).sum(),
    })
}

/// What the record says of a timeline.
pub(super) fn facts(timeline: &Timeline) -> TimelineFacts {
    TimelineFacts {
        intervals: timeline.intervals(),
        dropped: timeline.dropped,
        ..TimelineFacts::default()
    }
}

fn thread(lane: &Lane, measured: &Measured) -> TimelineThread {
    let ns = |ticks| measured.scale.to_ns(ticks);
    let intervals = lane.intervals.iter().map(|it| Interval {
        path: it.path,
        start_ns: ns(it.start.since(measured.start)),
        duration_ns: ns(it.length),
    });
    TimelineThread { own: lane.own, intervals: intervals.collect() }
}
