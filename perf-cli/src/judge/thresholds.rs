//! Every number that the rules of judging hold builds against, with its default.

use super::sequential;

/// The thresholds for one number: of the build, or of a phase.
///
/// Shares are fractions (0.05 is 5 %), sigmas are on the logarithm of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// With fewer builds in the baseline there is no verdict: 5.
    pub least_builds: usize,
    /// With fewer builds (for a session: sessions) in the baseline, its spread is hardly known: 10.
    pub enough_builds: usize,
    /// So many builds make a session that can be a regression: 3.
    pub session_builds: usize,
    /// While the spread is hardly known: the least ratio of the medians, 1.20.
    pub early_ratio: f64,
    /// While the spread is hardly known: the least robust z, 3.
    pub early_z: f64,
    /// The least robust z against thirty: 3.5. Against fewer it is higher, by Student's t.
    pub z: f64,
    /// No spread is taken to be less: 0.01.
    pub least_sigma: f64,
    /// The least change of time, as a share: 0.05.
    pub least_change: f64,
    /// The highest one-sided p of a session: 0.05.
    pub p: f64,
    /// The least difference of one or two builds' times: 50 ms.
    pub build_floor_ms: f64,
    /// The same for a phase: 20 ms.
    pub phase_floor_ms: f64,
    /// The least difference of a session's times, and of interleaved pairs: 5 ms.
    pub session_build_floor_ms: f64,
    /// The same for a phase: 2 ms.
    pub session_phase_floor_ms: f64,
    /// The share of false findings among all findings of one judgement: 0.05.
    pub false_discovery_rate: f64,
    /// Where the amount of work differs by more, nothing is sure: 0.10.
    pub workload_change: f64,
    /// With fewer builds in the baseline, allocations are judged like time: 5.
    pub allocation_builds: usize,
    /// With a wider range in the baseline, as a share of its median, they are as well: 0.005.
    pub allocation_range: f64,
    /// The least distance from that range, as a share of the median: 0.0045, so that 1 % more is
    /// found even where builds differ by 0.5 %.
    pub allocation_change: f64,
    /// The least change of a memory peak, as a share: 0.05.
    pub memory_change: f64,
    /// The least difference of a memory peak: 1 MiB.
    pub memory_floor_bytes: f64,
    /// When interleaved pairs are a change.
    pub pairs: sequential::Rule,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            least_builds: 5,
            enough_builds: 10,
            session_builds: 3,
            early_ratio: 1.20,
            early_z: 3.0,
            z: 3.5,
            least_sigma: 0.01,
            least_change: 0.05,
            p: 0.05,
            build_floor_ms: 50.0,
            phase_floor_ms: 20.0,
            session_build_floor_ms: 5.0,
            session_phase_floor_ms: 2.0,
            false_discovery_rate: 0.05,
            workload_change: 0.10,
            allocation_builds: 5,
            allocation_range: 0.005,
            allocation_change: 0.45 / 100.0,
            memory_change: 0.05,
            memory_floor_bytes: 1_048_576.0,
            pairs: sequential::Rule::default(),
        }
    }
}
