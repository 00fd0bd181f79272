//! A build as a file for trace viewers.

use perf_history::{BuildStats, HistoryError, Timeline};
use serde_json::{Map, Value};

use super::{BuildArgs, name_of, sums};
use crate::context::Invocation;
use crate::failure::{Result, with_causes};
use crate::present::export::{
    Lane, Phases, Slice, Stacks, chrome_trace as trace_events, speedscope as speedscope_file,
};
use crate::present::{escape, units};

/// Writes the Trace Event format.
pub(super) fn chrome_trace(invocation: &mut Invocation<'_, '_>, args: &BuildArgs) -> Result {
    let stats = super::build(invocation, &args.build)?;
    let calls = calls(invocation, &stats);
    let name = name_of(&stats);
    let name =
        if calls.is_timeline { name } else { format!("{name}: a layout of sums, not of moments") };
    let trace = trace_events::Trace {
        name,
        about: about(&stats, calls.is_timeline),
        phases: &calls.phases,
        lanes: &calls.lanes,
    };
    super::write_to(invocation, &args.output, |target| trace_events::write(target, &trace))
}

/// Writes the file format of speedscope.
pub(super) fn speedscope(invocation: &mut Invocation<'_, '_>, args: &BuildArgs) -> Result {
    let stats = super::build(invocation, &args.build)?;
    let calls = calls(invocation, &stats);
    let mut sums = vec![sums::time(&stats), sums::allocated(&stats)];
    if stats.allocators.is_some() {
        sums.extend([sums::allocated_by_place(&stats), sums::retained_by_place(&stats)]);
    }
    if !calls.is_timeline {
        sums.insert(0, sums::build_thread_time(&stats));
    }
    sums.retain(|stacks: &Stacks| stacks.total() > 0);
    let file = speedscope_file::File {
        name: name_of(&stats),
        phases: &calls.phases,
        // The profiles of sums show the same as a layout of them.
        lanes: if calls.is_timeline { &calls.lanes } else { &[] },
        end_ns: calls.end_ns,
        sums: &sums,
    };
    super::write_to(invocation, &args.output, |target| speedscope_file::write(target, &file))
}

/// What viewers show about the build.
fn about(stats: &BuildStats, is_timeline: bool) -> Map<String, Value> {
    let what = if is_timeline {
        "a timeline: each slice is a call of a phase on a thread"
    } else {
        "a layout of sums: a slice is as long as all calls of its phase together, and begins where \
         the slice before it ends; all other threads are one lane"
    };
    let git = stats.git.as_ref();
    let fields = [
        ("tool", Some(&stats.tool)),
        ("tool_version", stats.tool_version.as_ref()),
        ("build_id", Some(&stats.build_id)),
        ("timestamp", Some(&stats.timestamp)),
        ("commit", git.and_then(|git| git.commit.as_ref())),
        ("branch", git.and_then(|git| git.branch.as_ref())),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?.as_str())));
    let fields = [("what", what)].into_iter().chain(fields);
    fields.map(|(name, value)| (name.to_owned(), escape::terminal(value).into())).collect()
}

pub(super) struct Calls {
    pub(super) phases: Phases,
    pub(super) lanes: Vec<Lane>,
    /// When the build ended.
    pub(super) end_ns: u64,
    /// Whether each slice is one call at its time.
    pub(super) is_timeline: bool,
}

/// The calls of a build as far as they are known. Prints a note if they are not.
pub(super) fn calls(invocation: &mut Invocation<'_, '_>, stats: &BuildStats) -> Calls {
    match invocation.history().timeline(&stats.build_id) {
        Ok(Some(timeline)) => return recorded(invocation, stats, timeline),
        // An id that cannot be a file name has no timeline.
        Ok(None) | Err(HistoryError::BadBuildId { .. }) => {}
        Err(error) => {
            let error = with_causes(&error);
            invocation.warn(&format!("{error}; the phases' sums are laid out instead"));
        }
    }
    if stats.timeline.is_some() {
        invocation
            .warn("the build's timeline does not exist; the phases' sums are laid out instead");
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
    let places: Vec<usize> = timeline.paths.iter().map(|path| phases.index_of(path)).collect();
    let mut lanes = Vec::new();
    let mut missing = timeline.dropped;
    let mut others = 0;
    for thread in timeline.threads {
        let name = if thread.build_thread {
            "build thread".to_owned()
        } else {
            others += 1;
            format!("thread {others}")
        };
        let calls = thread.intervals.iter().map(|call| Slice {
            phase: places[call.path as usize],
            start_ns: call.start_ns,
            end_ns: call.end_ns(),
        });
        let (of_thread, left_out) = Lane::from_calls(&name, calls.collect());
        lanes.extend(of_thread);
        missing += left_out;
    }
    if missing > 0 {
        let missing = units::counted(missing, "call");
        invocation.warn(&format!("{missing} did not fit into the timeline of the build"));
    }
    // The build thread first.
    lanes.sort_by_key(|lane| !lane.name.starts_with("build"));
    let end_ns = timeline.build_time_ns.max(sums::nanoseconds(stats.build_time_ms));
    Calls { phases, lanes, end_ns, is_timeline: true }
}

fn laid_out(stats: &BuildStats) -> Calls {
    let mut phases = Phases::default();
    for phase in &stats.phases {
        phases.describe(&phase.path, facts(phase));
    }
    let lanes = [
        ("build thread: a layout of sums, not of moments", sums::build_thread_time(stats)),
        ("all other threads together: a layout of sums, not of moments", sums::other_time(stats)),
    ];
    let lanes = lanes
        .into_iter()
        .filter(|(_, stacks)| stacks.total() > 0)
        .map(|(name, stacks)| Lane::from_sums(name, &stacks, &mut phases))
        .collect();
    Calls { phases, lanes, end_ns: sums::nanoseconds(stats.build_time_ms), is_timeline: false }
}

/// The fields of the phase's record.
fn facts(phase: &perf_history::PhaseStats) -> Map<String, Value> {
    let of_record = serde_json::to_value(phase);
    let Ok(Value::Object(mut facts)) = of_record else { return Map::new() };
    facts.retain(|name, value| name != "path" && value.is_number());
    facts
}
