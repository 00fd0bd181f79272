//! From what was measured to the record: ticks become milliseconds, paths become text.

use std::cmp::Reverse;

use perf_history::{
    BuildStats, Clock, Outcome, PhaseStats, Profile, SCHEMA, Unattributed, Unclaimed,
};

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
        .map(|it| (it.path.clone(), it.own_ms.unwrap_or(it.window_ms)))
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
        alloc_count: memory(measured.counters.alloc_count),
        alloc_bytes: memory(measured.counters.alloc_bytes),
        phase_timings_ms,
        phases,
        unattributed: Some(unattributed(measured, tracked)),
        unclaimed: measured.unclaimed.filter(|_| tracked).map(unclaimed),
        overhead_ms: Some(ms(entries.saturating_mul(overhead::ticks_per_call()))),
        rust_version: option_env!("PERF_RUNTIME_RUST_VERSION").map(str::to_owned),
        profile: Some(if cfg!(debug_assertions) { Profile::Debug } else { Profile::Release }),
        labels,
        ..BuildStats::default()
    }
}

/// Adds the facts of the environment to a record.
pub(super) fn add_facts(stats: &mut BuildStats, facts: Facts) {
    stats.cpu_user_ms = facts.cpu_user_ms;
    stats.cpu_system_ms = facts.cpu_system_ms;
    stats.memory_rss_mb = facts.memory_rss_mb;
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
    let mut phases = Vec::new();
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
        own_ms: sum.own_ticks().map(ms),
        own_self_ms: sum.own_self_ticks().map(ms),
        // Other threads are cut off a little after the build's end.
        window_ms: ms(sum.last_exit.min(measured.end).since(first_entry)),
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
        own_ms: measured.scale.to_ms(measured.unattributed.ticks),
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
