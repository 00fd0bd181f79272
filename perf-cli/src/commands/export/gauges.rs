//! A build as gauges for monitoring, in the text format of Prometheus
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>): in seconds and bytes, with labels
//! that are the same from build to build.

use std::io;

use perf_history::{BuildStats, Outcome, PhaseStats};
use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};

use crate::context::Invocation;
use crate::failure::Result;
use crate::present::export::shown;
use crate::present::units;
use crate::select::Mode;

use super::BuildArgs;

/// Writes the gauges in the order of their names.
pub(super) fn run(invocation: &mut Invocation<'_, '_>, args: &BuildArgs) -> Result {
    let stats = super::build(invocation, &args.build)?;
    super::write_to(invocation, &args.output, |target| {
        let text = Gauges::text(&stats).map_err(io::Error::other)?;
        target.write_all(&text)
    })
}

struct Gauges<'a> {
    stats: &'a BuildStats,
    registry: Registry,
}

impl<'a> Gauges<'a> {
    fn text(stats: &'a BuildStats) -> prometheus::Result<Vec<u8>> {
        let gauges = Self { stats, registry: Registry::new() };
        gauges.add_build()?;
        gauges.add_counts()?;
        gauges.add_phases()?;
        let mut text = Vec::new();
        TextEncoder::new().encode(&gauges.registry.gather(), &mut text)?;
        Ok(text)
    }

    /// Adds a gauge with a value for each set of labels. Tool and mode are labels of all gauges. A
    /// gauge without values is left out.
    fn add(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        values: impl IntoIterator<Item = (Vec<String>, f64)>,
    ) -> prometheus::Result<()> {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let labels = [&["tool", "mode"], labels].concat();
        let gauges = GaugeVec::new(Opts::new(name, help).namespace("buildperf"), &labels)?;
        self.registry.register(Box::new(gauges.clone()))?;
        let mode = Mode::from_build(self.stats).map_or("unknown", Mode::name);
        for (labels, value) in values {
            let labels = [self.stats.tool.as_str(), mode]
                .into_iter()
                .map(shown)
                .chain(labels.iter().map(|label| shown(label)));
            gauges.get_metric_with_label_values(&labels.collect::<Vec<_>>())?.set(value);
        }
        Ok(())
    }

    fn add_build(&self) -> prometheus::Result<()> {
        let stats = self.stats;
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
            (
                "build_peak_heap_bytes",
                "Highest live heap during the build.",
                mb(stats.memory_peak_mb),
            ),
            ("build_allocated_bytes", "Bytes requested, on all threads.", count(stats.alloc_bytes)),
            ("build_allocations", "Allocations, on all threads.", count(stats.alloc_count)),
            (
                "build_overhead_seconds",
                "A lower bound of what measuring cost.",
                ms(stats.overhead_ms),
            ),
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
        for (name, help, value) in all {
            self.add(name, help, &[], value.map(|value| (Vec::new(), value)))?;
        }
        Ok(())
    }

    /// The user's counts, and facts that may explain a change.
    fn add_counts(&self) -> prometheus::Result<()> {
        let counts = self.stats.counts.iter();
        let counts = counts.map(|(name, count)| (vec![name.clone()], units::float(*count)));
        let help = "What the tool counted, under its own names.";
        self.add("build_items", help, &["name"], counts)?;
        let versions = [&self.stats.tool_version, &self.stats.rust_version];
        let versions = versions.map(|version| version.clone().unwrap_or_default()).to_vec();
        let help = "The versions of the tool and of its compiler; always 1.";
        self.add("build_info", help, &["tool_version", "rust_version"], [(versions, 1.0)])
    }

    fn add_phases(&self) -> prometheus::Result<()> {
        let all: [PhaseGauge; 13] = [
            ("phase_build_thread_seconds", "Time on the thread that started the build.", |phase| {
                phase.build_thread_ms.and_then(seconds)
            }),
            ("phase_total_seconds", "Thread time, over all threads.", |phase| {
                seconds(phase.total_ms)
            }),
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
            ("phase_allocated_bytes", "Bytes requested.", |phase| {
                phase.alloc_bytes.map(units::float)
            }),
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
        for (name, help, value) in all {
            let phases = self.stats.phases.iter();
            let values = phases.filter_map(|phase| Some((vec![phase.path.clone()], value(phase)?)));
            self.add(name, help, &["phase"], values)?;
        }
        Ok(())
    }
}

/// The name, help and value of a gauge of phases.
type PhaseGauge = (&'static str, &'static str, fn(&PhaseStats) -> Option<f64>);

fn seconds(ms: f64) -> Option<f64> {
    Some(ms / 1_000.0).filter(|seconds| seconds.is_finite())
}

fn bytes(mebibytes: f64) -> Option<f64> {
    Some(units::mebibytes(mebibytes)).filter(|bytes| bytes.is_finite())
}
