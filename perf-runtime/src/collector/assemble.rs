//! From what was measured to the record: ticks become milliseconds, paths become text.

use std::cmp::Reverse;

use perf_core::recorder::{
    Counters, Measured, PathId, PhaseTotals, RESIDENT_INTERVAL, allocator_is_tracked,
    ticks_per_call,
};
use perf_history::{BuildStats, Clock, Outcome, PhaseStats, SCHEMA, Unattributed, Unclaimed};

use crate::environment::{self, Facts};

use super::{Open, build_id};

/// Bytes in a megabyte, as the records have it.
const MEGABYTE: f64 = 1_048_576.0;
/// The system slept if its clocks drifted apart by more than this while the build ran.
const SUSPENDED_NS: u64 = 1_000_000;

/// The record of a build, but for the tool and the facts of the environment.
pub(super) fn assemble(open: &Open, outcome: Outcome, measured: &Measured) -> BuildStats {
    let ms = |ticks| measured.scale.to_ms(ticks);
    let tracked = allocator_is_tracked();
    let memory = |count: u64| tracked.then_some(count);
    let phases = phases(measured, tracked);
    let phase_timings_ms = phases
        .iter()
        .filter(|it| !it.path.contains('/'))
        .map(|it| (it.path.clone(), it.build_thread_ms.unwrap_or(it.elapsed_ms)))
        .collect();
    let entries: u64 = measured.phases.iter().map(|it| it.calls.max(it.polls)).sum();
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
    let slept = match (open.suspended_ns, environment::suspended_ns()) {
        (Some(before), Some(after)) => after.abs_diff(before) > SUSPENDED_NS,
        _ => false,
    };
    (slept || measured.clock_stepped_back).then_some(Clock::Suspect)
}

/// The phases in tree order: each before its children, siblings by their first entry.
fn phases(measured: &Measured, tracked: bool) -> Vec<PhaseStats> {
    let mut children = vec![Vec::new(); measured.phases.len()];
    for index in 1..measured.phases.len() {
        let parent = measured.paths.parent(path_id(index));
        if let Some(siblings) = parent.and_then(|it| children.get_mut(it.to_raw() as usize)) {
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

/// The phase in which the process's level was highest: the innermost one of the first that saw it.
/// Where phases raised the level, one that merely began at the level that another left does not
/// count.
fn peak_phase(phases: &[PhaseStats], peak: Option<u64>) -> Option<String> {
    peak?;
    let saw_it = || phases.iter().filter(|it| it.process_peak_bytes == peak);
    let raised_it = saw_it().filter(|it| it.peak_bytes > Some(0));
    innermost_of_first(raised_it).or_else(|| innermost_of_first(saw_it())).map(str::to_owned)
}

/// The path of the innermost of those phases, given in tree order, that are in the first.
fn innermost_of_first<'a>(mut phases: impl Iterator<Item = &'a PhaseStats>) -> Option<&'a str> {
    let first = phases.next()?.path.as_str();
    Some(phases.fold(first, |outer, it| {
        let below = it.path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        if below { &it.path } else { outer }
    }))
}

fn path_id(index: usize) -> PathId {
    u32::try_from(index).map_or(PathId::ROOT, PathId::from_raw)
}

fn sort_last_first(siblings: &mut [usize], measured: &Measured) {
    siblings.sort_by_key(|&it| Reverse((measured.phases[it].first_entry, it)));
}

fn phase(path: String, sum: &PhaseTotals, measured: &Measured, tracked: bool) -> PhaseStats {
    let ms = |ticks| measured.scale.to_ms(ticks);
    let alone = sum.self_usage();
    let finished = |ticks| (sum.calls > 0).then(|| ms(ticks));
    // What a bucket stands for may lie outside of what was seen.
    let percentile = |percent| {
        let middle = sum.spread.percentile(percent)?;
        finished(middle.clamp(sum.shortest.min(sum.longest), sum.longest))
    };
    let memory = |count: u64| tracked.then_some(count);
    let counters = sum.total.counters;
    let first_entry = sum.first_entry.unwrap_or(measured.start);
    let long =
        sum.longest.max(sum.build_thread_ticks().filter(|_| sum.open_calls > 0).unwrap_or(0))
            >= measured.scale.ticks_in(RESIDENT_INTERVAL);
    let mut phase = PhaseStats::new(path);
    phase.calls = sum.calls;
    phase.open_calls = sum.open_calls;
    phase.total_ms = ms(sum.total.ticks);
    phase.self_ms = ms(alone.ticks);
    phase.build_thread_ms = sum.build_thread_ticks().map(ms);
    phase.build_thread_self_ms = sum.build_thread_self_ticks().map(ms);
    // Other threads are cut off a little after the build's end.
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
        sum.process_peak.and_then(|it| u64::try_from(it).ok()).and_then(memory);
    phase.self_alloc_count = memory(alone.counters.alloc_count);
    phase.self_alloc_bytes = memory(alone.counters.alloc_bytes);
    phase.rss_delta_mb = sum.resident_delta.filter(|_| long).map(signed_megabytes);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Phases with their own peaks and those of the process.
    fn phases(of: &[(&str, u64, Option<u64>)]) -> Vec<PhaseStats> {
        let phase = |&(path, peak, process_peak): &(&str, u64, Option<u64>)| {
            let mut phase = PhaseStats::new(path);
            phase.peak_bytes = Some(peak);
            phase.process_peak_bytes = process_peak;
            phase
        };
        of.iter().map(phase).collect()
    }

    #[test]
    fn the_peak_is_in_the_innermost_phase_that_raised_the_level_to_it() {
        let (all, most) = (Some(900), Some(1_000));
        for (rows, expected) in [
            (&[][..], None),
            (&[("load", 5, all), ("load/text", 5, all)], None),
            (&[("a", 1, all), ("b", 9, most), ("b/c", 9, most), ("b/d", 2, all)], Some("b/c")),
            // What only begins at the level that another left.
            (&[("load", 5, most), ("free", 0, most), ("free/text", 0, most)], Some("load")),
            (&[("b", 9, most), ("b/free", 0, most)], Some("b")),
            // One after the other: the first.
            (&[("b", 9, most), ("c", 9, most), ("c/d", 9, most)], Some("b")),
            // A name that another begins with.
            (&[("b", 9, most), ("bc", 9, most), ("bc/d", 9, most)], Some("b")),
            // Another thread raised it, of which no phase is known.
            (&[("b", 7, None), ("c", 0, most), ("c/wait", 0, most)], Some("c/wait")),
        ] {
            assert_eq!(peak_phase(&phases(rows), most).as_deref(), expected, "{rows:?}");
        }
        assert_eq!(peak_phase(&phases(&[("b", 7, None)]), None), None);
    }
}
