//! From what was measured to the record: ticks become milliseconds, paths become text.

use std::cmp::Reverse;

use perf_history::{BuildStats, Clock, Outcome, PhaseStats, SCHEMA, Unattributed, Unclaimed};

use crate::environment::{self, Facts};
use crate::measure::counters::Counters;
use crate::phase::path::PathId;
use crate::phase::threads;
use crate::registry::{LONG, Measured, PhaseSum};

use super::{Open, build_id, overhead};

/// Bytes in a megabyte, as the records have it.
const MEGABYTE: f64 = 1_048_576.0;
/// The system slept if its clocks drifted apart by more than this while the build ran.
const SUSPENDED_NS: u64 = 1_000_000;

/// The record of a build, but for the tool and the facts of the environment.
pub(super) fn assemble(open: &Open, outcome: Outcome, measured: &Measured) -> BuildStats {
    let ms = |ticks| measured.scale.to_ms(ticks);
    let tracked = threads::allocator_is_tracked();
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
    BuildStats {
        schema: SCHEMA,
        build_id: build_id::build_id(open.started),
        outcome,
        build_time_ms: ms(measured.end.since(measured.start)),
        parallel: measured.user.parallel,
        incremental: measured.user.incremental,
        skipped: Some(measured.user.skipped),
        clock: clock(open, measured),
        counts: measured.user.counts.clone(),
        memory_heap_mb: memory(measured.live_bytes).map(megabytes),
        memory_peak_mb: measured.peak_bytes.and_then(memory).map(megabytes),
        peak_phase: peak_phase(&phases, measured.peak_bytes),
        alloc_count: memory(measured.counters.alloc_count),
        alloc_bytes: memory(measured.counters.alloc_bytes),
        phase_timings_ms,
        phases,
        unattributed: Some(unattributed(measured, tracked)),
        unclaimed: measured.unclaimed.filter(|_| tracked).map(unclaimed),
        overhead_ms: Some(ms(entries.saturating_mul(overhead::ticks_per_call()))),
        rust_version: option_env!("PERF_RUNTIME_RUST_VERSION").map(str::to_owned),
        labels,
        ..BuildStats::default()
    }
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
    (slept || measured.stepped_back).then_some(Clock::Suspect)
}

/// The phases in tree order: each before its children, siblings by their first entry.
fn phases(measured: &Measured, tracked: bool) -> Vec<PhaseStats> {
    let mut children = vec![Vec::new(); measured.phases.len()];
    for index in 1..measured.phases.len() {
        let parent =
            u32::try_from(index).ok().and_then(|it| measured.paths.parent(PathId::from_raw(it)));
        if let Some(siblings) = parent.and_then(|it| children.get_mut(it.index())) {
            siblings.push(index);
        }
    }
    let mut phases = Vec::with_capacity(measured.phases.len());
    let mut waiting = children[0].clone();
    sort_last_first(&mut waiting, measured);
    while let Some(index) = waiting.pop() {
        let sum = &measured.phases[index];
        if sum.ran() {
            phases.push(phase(path_of(index, measured), sum, measured, tracked));
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

fn path_of(index: usize, measured: &Measured) -> String {
    u32::try_from(index)
        .map_or_else(|_| String::new(), |it| measured.paths.text(PathId::from_raw(it)))
}

fn sort_last_first(siblings: &mut [usize], measured: &Measured) {
    siblings.sort_by_key(|&it| Reverse((measured.phases[it].first_entry, it)));
}

fn phase(path: String, sum: &PhaseSum, measured: &Measured, tracked: bool) -> PhaseStats {
    let ms = |ticks| measured.scale.to_ms(ticks);
    let alone = sum.alone();
    let finished = |ticks| (sum.calls > 0).then(|| ms(ticks));
    // What a bucket stands for may lie outside of what was seen.
    let percentile = |percent| {
        let middle = sum.spread.percentile(percent)?;
        finished(middle.clamp(sum.shortest.min(sum.longest), sum.longest))
    };
    let memory = |count: u64| tracked.then_some(count);
    let counters = sum.total.counters;
    let first_entry = sum.first_entry.unwrap_or(measured.start);
    let long = sum.longest.max(sum.own_ticks().filter(|_| sum.open_calls > 0).unwrap_or(0))
        >= measured.scale.ticks_in(LONG);
    PhaseStats {
        path,
        calls: sum.calls,
        open_calls: sum.open_calls,
        total_ms: ms(sum.total.ticks),
        self_ms: ms(alone.ticks),
        build_thread_ms: sum.own_ticks().map(ms),
        build_thread_self_ms: sum.own_self_ticks().map(ms),
        // Other threads are cut off a little after the build's end.
        elapsed_ms: ms(sum.last_exit.min(measured.end).since(first_entry)),
        started_ms: ms(first_entry.since(measured.start)),
        threads: sum.threads,
        latency_ms: (sum.polls > 0).then(|| ms(sum.latency_ticks)),
        polls: sum.polls,
        min_ms: finished(sum.shortest),
        p50_ms: percentile(50),
        p95_ms: percentile(95),
        p99_ms: percentile(99),
        max_ms: finished(sum.longest),
        items: sum.items,
        panics: sum.panics,
        cancelled: sum.cancelled,
        alloc_count: memory(counters.alloc_count),
        alloc_bytes: memory(counters.alloc_bytes),
        freed_count: memory(counters.freed_count),
        freed_bytes: memory(counters.freed_bytes()),
        realloc_count: memory(counters.realloc_count),
        net_bytes: tracked.then_some(counters.net_bytes.cast_signed()),
        peak_bytes: u64::try_from(sum.peak).ok().and_then(memory),
        process_peak_bytes: sum.process_peak.and_then(|it| u64::try_from(it).ok()).and_then(memory),
        self_alloc_count: memory(alone.counters.alloc_count),
        self_alloc_bytes: memory(alone.counters.alloc_bytes),
        rss_delta_mb: sum.resident_delta.filter(|_| long).map(signed_megabytes),
        ..PhaseStats::default()
    }
}

fn unattributed(measured: &Measured, tracked: bool) -> Unattributed {
    let memory = |count: u64| tracked.then_some(count);
    let counters = measured.unattributed.counters;
    Unattributed {
        build_thread_ms: measured.scale.to_ms(measured.unattributed.ticks),
        alloc_count: memory(counters.alloc_count),
        alloc_bytes: memory(counters.alloc_bytes),
        freed_count: memory(counters.freed_count),
        freed_bytes: memory(counters.freed_bytes()),
        realloc_count: memory(counters.realloc_count),
        net_bytes: tracked.then_some(counters.net_bytes.cast_signed()),
        ..Unattributed::default()
    }
}

fn unclaimed(counters: Counters) -> Unclaimed {
    Unclaimed {
        alloc_count: counters.alloc_count,
        alloc_bytes: counters.alloc_bytes,
        freed_count: counters.freed_count,
        freed_bytes: counters.freed_bytes(),
        realloc_count: counters.realloc_count,
        ..Unclaimed::default()
    }
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
        let phase = |&(path, peak, process_peak): &(&str, u64, Option<u64>)| PhaseStats {
            path: path.to_owned(),
            peak_bytes: Some(peak),
            process_peak_bytes: process_peak,
            ..PhaseStats::default()
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
