//! A build as gauges for monitoring: in seconds and bytes, with labels that are the same from build
//! to build.

use perf_history::{BuildStats, Outcome, PhaseStats};

use crate::context::Invocation;
use crate::failure::Failure;
use crate::present::export::prometheus::{self, Metric};
use crate::present::units;
use crate::select::Mode;

use super::BuildArgs;

/// Writes the gauges.
pub(super) fn run(invocation: &mut Invocation<'_, '_>, args: &BuildArgs) -> Result<(), Failure> {
    let stats = super::build(invocation, &args.build)?;
    let mut metrics = of_build(&stats);
    metrics.extend(of_counts(&stats));
    metrics.extend(of_phases(&stats));
    super::write_to(invocation, &args.output, |target| prometheus::write(target, &metrics))
}

fn seconds(ms: f64) -> Option<f64> {
    Some(ms / 1_000.0).filter(|seconds| seconds.is_finite())
}

fn bytes(mebibytes: f64) -> Option<f64> {
    Some(units::mebibytes(mebibytes)).filter(|bytes| bytes.is_finite())
}

/// The labels of all gauges: the tool, and the kind of build.
const OF_BUILD: [&str; 2] = ["tool", "mode"];

fn labels_of(stats: &BuildStats) -> Vec<String> {
    let mode = Mode::from_build(stats).map_or("unknown", Mode::name);
    vec![stats.tool.clone(), mode.to_owned()]
}

fn of_build(stats: &BuildStats) -> Vec<Metric> {
    let started = stats.started_at().and_then(|time| {
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(since.as_secs_f64())
    });
    let ms = |ms: Option<f64>| ms.and_then(seconds);
    let mb = |mb: Option<f64>| mb.and_then(bytes);
    let count = |count: Option<u64>| count.map(units::float);
    let rest = stats.unattributed.as_ref();
    let succeeded = f64::from(u8::from(stats.outcome == Outcome::Success));
    let all: [(&str, &str, Option<f64>); 15] = [
        ("build_start_timestamp_seconds", "When the build started.", started),
        ("build_duration_seconds", "The time of the build.", seconds(stats.build_time_ms)),
        ("build_success", "Whether the build ended well.", Some(succeeded)),
        ("build_cpu_user_seconds", "Processor time.", ms(stats.cpu_user_ms)),
        ("build_cpu_system_seconds", "Processor time in the kernel.", ms(stats.cpu_system_ms)),
        (
            "build_resident_memory_bytes",
            "Resident set at the build's end.",
            mb(stats.memory_rss_mb),
        ),
        (
            "build_peak_resident_memory_bytes",
            "Highest resident set of the process so far.",
            mb(stats.memory_peak_rss_mb),
        ),
        ("build_heap_bytes", "Live heap at the build's end.", mb(stats.memory_heap_mb)),
        ("build_peak_heap_bytes", "Highest live heap during the build.", mb(stats.memory_peak_mb)),
        ("build_allocated_bytes", "Bytes requested, on all threads.", count(stats.alloc_bytes)),
        ("build_allocations", "Allocations, on all threads.", count(stats.alloc_count)),
        ("build_overhead_seconds", "A lower bound of what measuring cost.", ms(stats.overhead_ms)),
        (
            "build_skipped",
            "Whether there was nothing to build.",
            stats.skipped.map(|skipped| f64::from(u8::from(skipped))),
        ),
        (
            "unattributed_build_thread_seconds",
            "Time in no phase, on the thread that started the build.",
            rest.and_then(|rest| seconds(rest.build_thread_ms)),
        ),
        (
            "unattributed_allocated_bytes",
            "Bytes requested in no phase.",
            rest.and_then(|rest| count(rest.alloc_bytes)),
        ),
    ];
    all.into_iter()
        .map(|(name, help, value)| Metric {
            name,
            help,
            labels: OF_BUILD.to_vec(),
            samples: value.map(|value| (labels_of(stats), value)).into_iter().collect(),
        })
        .collect()
}

/// The user's counts, and facts that may explain a change.
fn of_counts(stats: &BuildStats) -> [Metric; 2] {
    let with = |more: &[&str]| -> Vec<String> {
        labels_of(stats).into_iter().chain(more.iter().map(|label| (*label).to_owned())).collect()
    };
    let counts = stats.counts.iter();
    let version = |version: &Option<String>| version.clone().unwrap_or_default();
    let info = with(&[&version(&stats.tool_version), &version(&stats.rust_version)]);
    let labels = |more: &[&'static str]| OF_BUILD.iter().chain(more).copied().collect();
    [
        Metric {
            name: "build_items",
            help: "What the tool counted, under its own names.",
            labels: labels(&["name"]),
            samples: counts.map(|(name, count)| (with(&[name]), units::float(*count))).collect(),
        },
        Metric {
            name: "build_info",
            help: "The versions of the tool and of its compiler; always 1.",
            labels: labels(&["tool_version", "rust_version"]),
            samples: vec![(info, 1.0)],
        },
    ]
}

/// The name, help and value of a gauge of phases.
type OfPhase = (&'static str, &'static str, fn(&PhaseStats) -> Option<f64>);

fn of_phases(stats: &BuildStats) -> Vec<Metric> {
    let all: [OfPhase; 13] = [
        ("phase_build_thread_seconds", "Time on the thread that started the build.", |phase| {
            phase.build_thread_ms.and_then(seconds)
        }),
        ("phase_total_seconds", "Thread time, over all threads.", |phase| seconds(phase.total_ms)),
        (
            "phase_self_seconds",
            "Thread time without the phases below, over all threads.",
            |phase| seconds(phase.self_ms),
        ),
        ("phase_elapsed_seconds", "Last exit minus first entry.", |phase| {
            seconds(phase.elapsed_ms)
        }),
        ("phase_calls", "Finished calls.", |phase| Some(units::float(phase.calls))),
        ("phase_items", "Units of work.", |phase| {
            Some(phase.items).filter(|items| *items > 0).map(units::float)
        }),
        ("phase_allocated_bytes", "Bytes requested.", |phase| phase.alloc_bytes.map(units::float)),
        ("phase_self_allocated_bytes", "Bytes requested without the phases below.", |phase| {
            phase.self_alloc_bytes.map(units::float)
        }),
        ("phase_allocations", "Allocations.", |phase| phase.alloc_count.map(units::float)),
        (
            "phase_peak_bytes",
            "Highest live heap above the level at entry, on one thread, of the worst call.",
            |phase| phase.peak_bytes.map(units::float),
        ),
        (
            "phase_process_peak_bytes",
            "Highest live heap of the whole process during the phase.",
            |phase| phase.process_peak_bytes.map(units::float),
        ),
        (
            "phase_retained_bytes",
            "Bytes that the phase itself requested and that were live at the build's end, estimated.",
            |phase| phase.retained_bytes.map(units::float),
        ),
        ("phase_panics", "Calls that ended by unwinding.", |phase| {
            Some(units::float(phase.panics))
        }),
    ];
    all.into_iter()
        .map(|(name, help, of)| Metric {
            name,
            help,
            labels: OF_BUILD.iter().copied().chain(["phase"]).collect(),
            samples: stats
                .phases
                .iter()
                .filter_map(|phase| {
                    let mut labels = labels_of(stats);
                    labels.push(phase.path.clone());
                    Some((labels, of(phase)?))
                })
                .collect(),
        })
        .collect()
}
