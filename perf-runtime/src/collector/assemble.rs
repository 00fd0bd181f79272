//! Converts what was measured into a record and a timeline: ticks into milliseconds, paths into text.

use std::cmp::Reverse;

use perf_core::recorder::{
    Counters, Measured, PathId, PhaseTotals, RESIDENT_INTERVAL, ThreadIntervals,
    allocator_is_tracked, ticks_per_call,
};
use perf_history::{
    BuildStats, Clock, Interval, Outcome, PhaseStats, SCHEMA, Timeline, TimelineFacts,
    TimelineThread, Unattributed, Unclaimed,
};

use crate::environment::{self, Facts};

use super::{Open, build_id};

/// Bytes in a megabyte of the record.
const MEGABYTE: f64 = 1_048_576.0;
/// The system was suspended if its clocks drifted apart by more than this during the build.
const MIN_SUSPENSION_NS: u64 = 1_000_000;

/// The record of a build without the tool and the facts of the environment.
pub(super) fn assemble(open: &Open, outcome: Outcome, measured: &Measured) -> BuildStats {
    let ms = |ticks| measured.scale.to_ms(ticks);
    let tracked = allocator_is_tracked();
    let memory = |count: u64| tracked.then_some(count);
    let phases = phases(measured, tracked);
    let phase_timings_ms = phases
        .iter()
        .filter(|phase| !phase.path.contains('/'))
        .map(|phase| (phase.path.clone(), phase.build_thread_ms.unwrap_or(phase.elapsed_ms)))
        .collect();
    let entries: u64 = measured.phases.iter().map(|phase| phase.calls.max(phase.polls)).sum();
    let mut labels = open.switches.labels.clone();
    labels.extend(measured.user.labels.clone());
    let mut stats = BuildStats::default();
    stats.schema = SCHEMA;
    stats.build_id = build_id::build_id(open.started);
    stats.outcome = outcome;
    stats.build_time_ms = ms(measured.end.since(measured.start));
    stats.parallel = measured.user.parallel;
    stats.incremental = measured.user.incremental;
    stats.skipped = Some(measured.user.skipped);
    stats.clock = clock(open, measured);
    stats.counts = measured.user.counts.clone();
    stats.memory_heap_mb = memory(measured.live_bytes).map(megabytes);
    stats.memory_peak_mb = measured.peak_bytes.and_then(memory).map(megabytes);
    stats.peak_phase = peak_phase(&phases, measured.peak_bytes);
    stats.alloc_count = memory(measured.counters.alloc_count);
    stats.alloc_bytes = memory(measured.counters.alloc_bytes);
    stats.phase_timings_ms = phase_timings_ms;
    stats.phases = phases;
    stats.unattributed = Some(unattributed(measured, tracked));
    stats.unclaimed = measured.unclaimed.filter(|_| tracked).map(unclaimed);
    stats.overhead_ms = Some(ms(entries.saturating_mul(ticks_per_call())));
    stats.rust_version = option_env!("PERF_RUNTIME_RUST_VERSION").map(str::to_owned);
    stats.labels = labels;
    stats
}

/// Adds the facts of the environment to a record.
pub(super) fn add_facts(stats: &mut BuildStats, facts: Facts) {
    stats.cpu_user_ms = facts.cpu_user_ms;
    stats.cpu_system_ms = facts.cpu_system_ms;
    stats.memory_rss_mb = facts.memory_rss_mb;
    stats.memory_start_rss_mb = facts.memory_start_rss_mb;
    stats.memory_peak_rss_mb = facts.memory_peak_rss_mb;
    stats.platform = facts.platform;
    stats.system = facts.system;
    stats.noise = facts.noise;
    stats.git = facts.git;
    stats.ci = facts.ci;
}

fn clock(open: &Open, measured: &Measured) -> Option<Clock> {
    let was_suspended = match (open.suspended_ns, environment::suspended_ns()) {
        (Some(before), Some(after)) => after.abs_diff(before) > MIN_SUSPENSION_NS,
        _ => false,
    };
    (was_suspended || measured.clock_stepped_back).then_some(Clock::Suspect)
}

/// The phases in tree order: each one before its children, siblings by their first entry.
fn phases(measured: &Measured, tracked: bool) -> Vec<PhaseStats> {
    let mut children = vec![Vec::new(); measured.phases.len()];
    for index in 1..measured.phases.len() {
        let parent = measured.paths.parent(path_id(index));
        if let Some(siblings) = parent.and_then(|path| children.get_mut(path.to_raw() as usize)) {
            siblings.push(index);
        }
    }
    let mut phases = Vec::with_capacity(measured.phases.len());
    let mut waiting = children[0].clone();
    sort_last_first(&mut waiting, measured);
    while let Some(index) = waiting.pop() {
        let sum = &measured.phases[index];
        if sum.ran() {
            let path = path_id(index);
            let mut phase = phase(measured.paths.text(path), sum, measured, tracked);
            if let Some((file, line)) = measured.paths.location(path) {
                phase.file = Some(file.replace('\\', "/"));
                phase.line = Some(line);
            }
            phases.push(phase);
        }
        let mut below = std::mem::take(&mut children[index]);
        sort_last_first(&mut below, measured);
        waiting.append(&mut below);
    }
    phases
}

/// The phase in which the live heap of the process was highest. If several phases reached the peak, it is
/// the first of them, or the innermost one below that. A phase that only started at the peak level does
/// not count, unless there are no others.
fn peak_phase(phases: &[PhaseStats], peak: Option<u64>) -> Option<String> {
    peak?;
    let at_peak = || phases.iter().filter(|phase| phase.process_peak_bytes == peak);
    let raised = at_peak().filter(|phase| phase.peak_bytes > Some(0));
    innermost_below_first(raised).or_else(|| innermost_below_first(at_peak())).map(str::to_owned)
}

/// The path of the first phase or of the innermost one below it. The phases are in tree order.
fn innermost_below_first<'a>(mut phases: impl Iterator<Item = &'a PhaseStats>) -> Option<&'a str> {
    let first = phases.next()?.path.as_str();
    Some(phases.fold(first, |outer, phase| {
        let is_below = phase.path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        if is_below { &phase.path } else { outer }
    }))
}

fn path_id(index: usize) -> PathId {
    u32::try_from(index).map_or(PathId::ROOT, PathId::from_raw)
}

fn sort_last_first(siblings: &mut [usize], measured: &Measured) {
    siblings.sort_by_key(|&index| Reverse((measured.phases[index].first_entry, index)));
}

fn phase(path: String, sum: &PhaseTotals, measured: &Measured, tracked: bool) -> PhaseStats {
    let ms = |ticks| measured.scale.to_ms(ticks);
    let alone = sum.self_usage();
    let finished = |ticks| (sum.calls > 0).then(|| ms(ticks));
    // The value of a histogram bucket may lie outside the range that was measured.
    let percentile = |percent| {
        let value = sum.spread.percentile(percent)?;
        finished(value.clamp(sum.shortest.min(sum.longest), sum.longest))
    };
    let memory = |count: u64| tracked.then_some(count);
    let counters = sum.total.counters;
    let first_entry = sum.first_entry.unwrap_or(measured.start);
    let is_long =
        sum.longest.max(sum.build_thread_ticks().filter(|_| sum.open_calls > 0).unwrap_or(0))
            >= measured.scale.ticks_in(RESIDENT_INTERVAL);
    let mut phase = PhaseStats::new(path);
    phase.calls = sum.calls;
    phase.open_calls = sum.open_calls;
    phase.total_ms = ms(sum.total.ticks);
    phase.self_ms = ms(alone.ticks);
    phase.build_thread_ms = sum.build_thread_ticks().map(ms);
    phase.build_thread_self_ms = sum.build_thread_self_ticks().map(ms);
    // Other threads stop measuring a little after the end of the build.
    phase.elapsed_ms = ms(sum.last_exit.min(measured.end).since(first_entry));
    phase.started_ms = ms(first_entry.since(measured.start));
    phase.threads = sum.threads;
    phase.latency_ms = (sum.polls > 0).then(|| ms(sum.latency_ticks));
    phase.polls = sum.polls;
    phase.min_ms = finished(sum.shortest);
    phase.p50_ms = percentile(50);
    phase.p95_ms = percentile(95);
    phase.p99_ms = percentile(99);
    phase.max_ms = finished(sum.longest);
    phase.items = sum.items;
    phase.panics = sum.panics;
    phase.cancelled = sum.cancelled;
    phase.alloc_count = memory(counters.alloc_count);
    phase.alloc_bytes = memory(counters.alloc_bytes);
    phase.freed_count = memory(counters.freed_count);
    phase.freed_bytes = memory(counters.freed_bytes());
    phase.realloc_count = memory(counters.realloc_count);
    phase.net_bytes = tracked.then_some(counters.net_bytes.cast_signed());
    phase.peak_bytes = u64::try_from(sum.peak).ok().and_then(memory);
    phase.process_peak_bytes =
        sum.process_peak.and_then(|bytes| u64::try_from(bytes).ok()).and_then(memory);
    phase.self_alloc_count = memory(alone.counters.alloc_count);
    phase.self_alloc_bytes = memory(alone.counters.alloc_bytes);
    phase.rss_delta_mb = sum.resident_delta.filter(|_| is_long).map(signed_megabytes);
    phase
}

fn unattributed(measured: &Measured, tracked: bool) -> Unattributed {
    let memory = |count: u64| tracked.then_some(count);
    let counters = measured.unattributed.counters;
    let mut unattributed = Unattributed::default();
    unattributed.build_thread_ms = measured.scale.to_ms(measured.unattributed.ticks);
    unattributed.alloc_count = memory(counters.alloc_count);
    unattributed.alloc_bytes = memory(counters.alloc_bytes);
    unattributed.freed_count = memory(counters.freed_count);
    unattributed.freed_bytes = memory(counters.freed_bytes());
    unattributed.realloc_count = memory(counters.realloc_count);
    unattributed.net_bytes = tracked.then_some(counters.net_bytes.cast_signed());
    unattributed
}

fn unclaimed(counters: Counters) -> Unclaimed {
    let mut unclaimed = Unclaimed::default();
    unclaimed.alloc_count = counters.alloc_count;
    unclaimed.alloc_bytes = counters.alloc_bytes;
    unclaimed.freed_count = counters.freed_count;
    unclaimed.freed_bytes = counters.freed_bytes();
    unclaimed.realloc_count = counters.realloc_count;
    unclaimed
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
fn signed_megabytes(bytes: i64) -> f64 {
    bytes as f64 / MEGABYTE
}

/// The timeline of a build. `None` if none was recorded, or no phase was called.
pub(super) fn timeline(build_id: &str, tool: &str, measured: &Measured) -> Option<Timeline> {
    if measured.threads.is_empty() {
        return None;
    }
    let paths = (0..measured.paths.len()).map(|index| measured.paths.text(path_id(index)));
    let mut timeline = Timeline::new(build_id, tool, paths.collect());
    timeline.build_time_ns = measured.scale.to_ns(measured.end.since(measured.start));
    timeline.threads =
        measured.threads.iter().map(|thread| timeline_thread(thread, measured)).collect();
    timeline.dropped = measured.threads.iter().map(|thread| thread.dropped).sum();
    Some(timeline)
}

/// The summary of a timeline for the record.
pub(super) fn timeline_facts(timeline: &Timeline) -> TimelineFacts {
    let mut facts = TimelineFacts::default();
    facts.intervals = timeline.intervals();
    facts.dropped = timeline.dropped;
    facts
}

fn timeline_thread(thread: &ThreadIntervals, measured: &Measured) -> TimelineThread {
    let ns = |ticks| measured.scale.to_ns(ticks);
    let intervals = thread.intervals.iter().map(|call| {
        Interval::new(call.path, ns(call.start.since(measured.start)), ns(call.length))
    });
    TimelineThread::new(thread.is_build_thread, intervals.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Phases with these paths, peaks and peaks of the process.
    fn phases(rows: &[(&str, u64, Option<u64>)]) -> Vec<PhaseStats> {
        let phase = |&(path, peak, process_peak): &(&str, u64, Option<u64>)| {
            let mut phase = PhaseStats::new(path);
            phase.peak_bytes = Some(peak);
            phase.process_peak_bytes = process_peak;
            phase
        };
        rows.iter().map(phase).collect()
    }

    #[test]
    fn the_peak_is_in_the_innermost_phase_that_raised_the_live_heap_to_it() {
        let (less, peak) = (Some(900), Some(1_000));
        for (rows, expected) in [
            (&[][..], None),
            (&[("load", 5, less), ("load/text", 5, less)], None),
            (&[("a", 1, less), ("b", 9, peak), ("b/c", 9, peak), ("b/d", 2, less)], Some("b/c")),
            // Some phases only start at the peak level.
            (&[("load", 5, peak), ("free", 0, peak), ("free/text", 0, peak)], Some("load")),
            (&[("b", 9, peak), ("b/free", 0, peak)], Some("b")),
            // Two phases reach it one after the other.
            (&[("b", 9, peak), ("c", 9, peak), ("c/d", 9, peak)], Some("b")),
            // One name is a prefix of another.
            (&[("b", 9, peak), ("bc", 9, peak), ("bc/d", 9, peak)], Some("b")),
            // Another thread raised the level, outside the phases.
            (&[("b", 7, None), ("c", 0, peak), ("c/wait", 0, peak)], Some("c/wait")),
        ] {
            assert_eq!(peak_phase(&phases(rows), peak).as_deref(), expected, "{rows:?}");
        }
        assert_eq!(peak_phase(&phases(&[("b", 7, None)]), None), None);
    }
}
