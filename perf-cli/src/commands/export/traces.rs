//! A build as a file for trace viewers.

use perf_history::BuildStats;
use serde_json::{Map, Value};

use crate::context::Invocation;
use crate::failure::Failure;
use crate::present::escape;
use crate::present::export::{Stacks, chrome_trace as trace_events, speedscope as speedscope_file};

use super::{BuildArgs, name_of, output, sums, timeline};

/// Writes the Trace Event format.
pub(super) fn chrome_trace(
    invocation: &mut Invocation<'_, '_>,
    args: &BuildArgs,
) -> Result<(), Failure> {
    let stats = super::build(invocation, &args.build)?;
    let calls = timeline::calls(invocation, &stats);
    let name = name_of(&stats);
    let name =
        if calls.is_timeline { name } else { format!("{name}: a layout of sums, not of moments") };
    let trace = trace_events::Trace {
        name,
        about: about(&stats, calls.is_timeline),
        phases: &calls.phases,
        lanes: &calls.lanes,
    };
    output::write(invocation, &args.output, |target| trace_events::write(target, &trace))
}

/// Writes the file format of speedscope.
pub(super) fn speedscope(
    invocation: &mut Invocation<'_, '_>,
    args: &BuildArgs,
) -> Result<(), Failure> {
    let stats = super::build(invocation, &args.build)?;
    let calls = timeline::calls(invocation, &stats);
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
    output::write(invocation, &args.output, |target| speedscope_file::write(target, &file))
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
