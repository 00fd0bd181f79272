//! The calls of a build on a time axis: those of its timeline, or its phases' times laid out.

use perf_history::{BuildStats, HistoryError, Timeline};
use serde_json::{Map, Value};

use crate::present::export::{Lane, Phases, Slice};
use crate::present::units;
use crate::run::Invocation;

use super::sums;

/// The calls of a build.
pub(super) struct Calls {
    pub(super) phases: Phases,
    pub(super) lanes: Vec<Lane>,
    /// When the build ended.
    pub(super) end_ns: u64,
    /// Whether each slice is a call, at its time.
    pub(super) is_timeline: bool,
}

/// The calls of a build, as far as they are known. Says where they are not.
pub(super) fn calls(invocation: &mut Invocation<'_, '_>, stats: &BuildStats) -> Calls {
    match invocation.history().timeline(&stats.build_id) {
        Ok(Some(timeline)) => return recorded(invocation, stats, timeline),
        // An id that no file can have is that of a record which has none.
        Ok(None) | Err(HistoryError::BadBuildId { .. }) => {}
        Err(error) => {
            let error = error.describe();
            invocation.warn(&format!("{error}; the phases' sums are laid out instead"));
        }
    }
    if stats.timeline.is_some() {
        invocation.warn("the build's timeline is not there; the phases' sums are laid out instead");
    } else {
        invocation.note(
            "the build recorded no timeline (BUILD_METRICS_TIMELINE=1 does): the phases' sums are \
             laid out one after another",
        );
    }
    laid_out(stats)
}

fn recorded(invocation: &mut Invocation<'_, '_>, stats: &BuildStats, timeline: Timeline) -> Calls {
    let mut phases = Phases::default();
    let places: Vec<usize> = timeline.paths.iter().map(|path| phases.place(path)).collect();
    let mut lanes = Vec::new();
    let mut missing = timeline.dropped;
    let mut others = 0;
    for thread in timeline.threads {
        let name = if thread.build_thread {
            "own thread".to_owned()
        } else {
            others += 1;
            format!("thread {others}")
        };
        let calls = thread.intervals.iter().map(|call| Slice {
            phase: places[call.path as usize],
            start_ns: call.start_ns,
            end_ns: call.end_ns(),
        });
        let (of_thread, left_out) = Lane::of_calls(&name, calls.collect());
        lanes.extend(of_thread);
        missing += left_out;
    }
    if missing > 0 {
        let missing = units::counted(missing, "call");
        invocation.warn(&format!("{missing} did not fit into the timeline of the build"));
    }
    // The own thread first, whenever it first ran a phase.
    lanes.sort_by_key(|lane| !lane.name.starts_with("own"));
    let end_ns = timeline.build_time_ns.max(sums::nanoseconds(stats.build_time_ms));
    Calls { phases, lanes, end_ns, is_timeline: true }
}

fn laid_out(stats: &BuildStats) -> Calls {
    let mut phases = Phases::default();
    for phase in &stats.phases {
        phases.describe(&phase.path, facts(phase));
    }
    let lanes = [
        ("own thread: a layout of sums, not of moments", sums::own_time(stats)),
        ("all other threads together: a layout of sums, not of moments", sums::other_time(stats)),
    ];
    let lanes = lanes
        .into_iter()
        .filter(|(_, stacks)| stacks.total() > 0)
        .map(|(name, stacks)| Lane::laid_out(name, &stacks, &mut phases))
        .collect();
    Calls { phases, lanes, end_ns: sums::nanoseconds(stats.build_time_ms), is_timeline: false }
}

/// What the record says of the phase, under the names of its fields.
fn facts(phase: &perf_history::PhaseStats) -> Map<String, Value> {
    let of_record = serde_json::to_value(phase);
    let Ok(Value::Object(mut facts)) = of_record else { return Map::new() };
    facts.retain(|name, value| name != "path" && value.is_number());
    facts
}
