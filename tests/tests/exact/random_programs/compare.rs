//! Compares a record with the model, and describes the differences.

use std::collections::BTreeMap;
use std::fmt::Debug;

use perf_runtime::{BuildStats, PhaseStats};

use super::truth::{Build, Clock, Memory, Path, Phase, Span, text};

/// How far a thread's level moves before the thread publishes it.
const STEP: i64 = 64 * 1024;

pub(crate) struct Differences {
    of: String,
    pub(crate) all: Vec<String>,
}

impl Differences {
    #[expect(clippy::needless_pass_by_value, reason = "numbers")]
    fn compare<T: PartialEq + Debug>(&mut self, what: &str, found: T, truth: T) {
        if found != truth {
            self.all.push(format!("{}: {what} is {found:?}, and should be {truth:?}", self.of));
        }
    }

    fn compare_time(&mut self, what: &str, found: f64, truth: Span) {
        if !truth.admits(found) {
            let of = &self.of;
            self.all.push(format!("{of}: {what} is {found} ms, and should be {truth:?} ns"));
        }
    }

    fn compare_level(&mut self, what: &str, found: Option<i64>, truth: Option<i64>, error: i64) {
        let close = match (found, truth) {
            (Some(found), Some(truth)) => (found - truth).abs() <= error,
            (found, truth) => found == truth,
        };
        if !close {
            let of = &self.of;
            self.all.push(format!("{of}: {what} is {found:?}, and should be {truth:?} ± {error}"));
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a size of memory")]
fn bytes(megabytes: f64) -> i64 {
    (megabytes * 1_048_576.0).round() as i64
}

/// The differences between the record of a build and its true values.
pub(crate) fn differences(number: usize, stats: &BuildStats, truth: &Build) -> Vec<String> {
    let mut all = Differences { of: format!("build {number}"), all: Vec::new() };
    let found: Vec<&str> = stats.phases.iter().map(|phase| phase.path.as_str()).collect();
    let mut expected: BTreeMap<String, (&Path, &Phase)> = BTreeMap::new();
    expected.extend(truth.phases.iter().map(|(path, phase)| (text(path), (path, phase))));
    for path in expected.keys().filter(|path| !found.contains(&path.as_str())) {
        all.all.push(format!("build {number}: {path} is not among {found:?}"));
    }
    // The level of the process at the model's zero.
    let zero = bytes(stats.memory_heap_mb.unwrap_or(-1.0)) - truth.process_end;
    // Without requests of other threads, none. Otherwise one step for each living thread, including
    // those of the test and its runner.
    let others = i64::try_from(truth.helped.len()).unwrap_or(0);
    let error = if others == 0 { 0 } else { (others + 2) * STEP };
    for phase in &stats.phases {
        all.of = format!("build {number}, {}", phase.path);
        let Some((path, expected)) = expected.get(&phase.path) else {
            all.all.push(format!("{}: should not be", all.of));
            continue;
        };
        compare_counts(&mut all, phase, expected);
        compare_memory(&mut all, phase, expected);
        let process_peak = expected.process_peak.map(|peak| zero + peak);
        let found = phase.process_peak_bytes.map(u64::cast_signed);
        all.compare_level("process_peak_bytes", found, process_peak, error);
        compare_times(&mut all, phase, (path, expected), truth);
    }
    all.of = format!("build {number}");
    let peak = stats.memory_peak_mb.map(bytes);
    all.compare_level("memory_peak_mb", peak, Some(zero + truth.process_peak), error);
    all.compare(
        "peak_phase is right",
        is_peak_phase(stats.peak_phase.as_deref(), truth, error),
        true,
    );
    compare_outside(&mut all, stats, truth);
    all.all
}

/// Whether a phase saw the highest level of the process. If any such phase raised the level, it must have,
/// and no such phase is below it.
fn is_peak_phase(found: Option<&str>, truth: &Build, error: i64) -> bool {
    let reaches = |phase: &Phase, level| phase.process_peak.is_some_and(|peak| peak >= level);
    let level = truth.process_peak - 2 * error;
    let highest = truth.phases.iter().filter(|(_, phase)| reaches(phase, level));
    let highest: Vec<_> = highest.map(|(path, phase)| (text(path), phase.peak > 0)).collect();
    let Some(found) = found else { return error > 0 || highest.is_empty() };
    let Some((_, raises)) = highest.iter().find(|(path, _)| path == found) else { return false };
    let is_better = |(path, other_raises): &(String, bool)| {
        let is_below = path.strip_prefix(found).is_some_and(|rest| rest.starts_with('/'));
        if is_below { other_raises >= raises } else { other_raises > raises }
    };
    error > 0 || !highest.iter().any(is_better)
}

fn compare_counts(all: &mut Differences, phase: &PhaseStats, truth: &Phase) {
    all.compare("calls", phase.calls, truth.calls);
    all.compare("open_calls", phase.open_calls, truth.open_calls);
    all.compare("polls", phase.polls, truth.polls);
    all.compare("panics", phase.panics, truth.panics);
    all.compare("cancelled", phase.cancelled, truth.cancelled);
    all.compare("items", phase.items, truth.items);
    all.compare("threads", phase.threads, truth.threads.len() as u64);
}

fn compare_memory(all: &mut Differences, phase: &PhaseStats, truth: &Phase) {
    let Phase { total, alone, .. } = truth;
    all.compare("alloc_count", phase.alloc_count, Some(total.alloc_count));
    all.compare("alloc_bytes", phase.alloc_bytes, Some(total.alloc_bytes));
    all.compare("freed_count", phase.freed_count, Some(total.freed_count));
    all.compare("freed_bytes", phase.freed_bytes, Some(total.freed_bytes));
    all.compare("realloc_count", phase.realloc_count, Some(total.realloc_count));
    all.compare("self_alloc_count", phase.self_alloc_count, Some(alone.alloc_count));
    all.compare("self_alloc_bytes", phase.self_alloc_bytes, Some(alone.alloc_bytes));
    let net = total.alloc_bytes.cast_signed() - total.freed_bytes.cast_signed();
    all.compare("net_bytes", phase.net_bytes, Some(net));
    all.compare("peak_bytes", phase.peak_bytes.map(u64::cast_signed), Some(truth.peak));
}

fn compare_times(
    all: &mut Differences,
    phase: &PhaseStats,
    (path, truth): (&Path, &Phase),
    build: &Build,
) {
    let clock = |clock: fn(Path) -> Clock| {
        build.clocks.get(&clock(path.clone())).copied().unwrap_or_default()
    };
    all.compare_time("total_ms", phase.total_ms, clock(Clock::Total));
    all.compare_time("self_ms", phase.self_ms, clock(Clock::Alone));
    all.compare(
        "whether it ran on the build thread",
        phase.build_thread_ms.is_some(),
        truth.process_peak.is_some(),
    );
    all.compare_time("build_thread_ms", phase.build_thread_ms.unwrap_or(0.0), clock(Clock::Own));
    all.compare_time(
        "build_thread_self_ms",
        phase.build_thread_self_ms.unwrap_or(0.0),
        clock(Clock::OwnAlone),
    );
    let first = truth.first_entry.unwrap_or_default();
    all.compare_time("started_ms", phase.started_ms, first.since(build.started));
    all.compare_time("elapsed_ms", phase.elapsed_ms, truth.last_exit.since(first));
    all.compare("whether it has a latency", phase.latency_ms.is_some(), truth.polls > 0);
    all.compare_time("latency_ms", phase.latency_ms.unwrap_or(0.0), truth.latency);
    let spread = [phase.min_ms, phase.p50_ms, phase.p95_ms, phase.p99_ms, phase.max_ms];
    all.compare("the spread of calls", spread.map(|time| time.is_some()), [phase.calls > 0; 5]);
    all.compare("whether the spread is in order", spread.is_sorted(), true);
}

fn compare_outside(all: &mut Differences, stats: &BuildStats, truth: &Build) {
    let outside = stats.unattributed.as_ref().expect("it is measured");
    let count = |it: Option<u64>| it.unwrap_or(u64::MAX);
    let found = Memory {
        alloc_count: count(outside.alloc_count),
        alloc_bytes: count(outside.alloc_bytes),
        freed_count: count(outside.freed_count),
        freed_bytes: count(outside.freed_bytes),
        realloc_count: count(outside.realloc_count),
    };
    all.compare("unattributed", found, truth.outside);
    let unclaimed = stats.unclaimed.as_ref().map(|unclaimed| Memory {
        alloc_count: unclaimed.alloc_count,
        alloc_bytes: unclaimed.alloc_bytes,
        freed_count: unclaimed.freed_count,
        freed_bytes: unclaimed.freed_bytes,
        realloc_count: unclaimed.realloc_count,
    });
    all.compare("unclaimed", unclaimed, truth.unclaimed);
    let clock = truth.clocks.get(&Clock::Outside).copied().unwrap_or_default();
    all.compare_time("unattributed build_thread_ms", outside.build_thread_ms, clock);
    all.compare_time("build_time_ms", stats.build_time_ms, truth.ended.since(truth.started));

    let phases = || stats.phases.iter();
    let bytes: u64 = phases().filter_map(|phase| phase.self_alloc_bytes).sum();
    let allocs: u64 = phases().filter_map(|phase| phase.self_alloc_count).sum();
    all.compare("the sum of bytes", Some(bytes + found.alloc_bytes), stats.alloc_bytes);
    all.compare("the sum of allocations", Some(allocs + found.alloc_count), stats.alloc_count);
    let own: f64 = phases().filter_map(|phase| phase.build_thread_self_ms).sum();
    let difference = own + outside.build_thread_ms - stats.build_time_ms;
    if difference.abs() > 1e-9 * stats.build_time_ms.max(1.0) {
        all.all.push(format!("{}: {difference} ms more than the build took", all.of));
    }
}
