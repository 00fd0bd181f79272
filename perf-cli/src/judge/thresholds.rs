//! The thresholds that a change must exceed to be reported: their defaults, and how they are read.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::sequential;

/// What a change must exceed, and how many builds are needed to say so.
///
/// The keys of `[thresholds]` in `buildperf.toml` and the options of `check` and `ab` are these
/// fields, with `-` for `_`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table", rename_all = "kebab-case")]
pub struct Thresholds {
    /// Time, in percent of what it was.
    #[serde(deserialize_with = "not_negative")]
    pub time_percent: f64,
    /// The build's time, in milliseconds: of sessions of three builds and more, and of pairs.
    #[serde(deserialize_with = "not_negative")]
    pub build_ms: f64,
    /// The same of a phase's self time.
    #[serde(deserialize_with = "not_negative")]
    pub phase_ms: f64,
    /// The build's time, in milliseconds: of one build or two.
    #[serde(deserialize_with = "not_negative")]
    pub single_build_ms: f64,
    /// The same of a phase's self time.
    #[serde(deserialize_with = "not_negative")]
    pub single_phase_ms: f64,
    /// Memory peaks, in percent of what they were.
    #[serde(deserialize_with = "not_negative")]
    pub memory_percent: f64,
    /// Memory peaks, in MiB.
    #[serde(deserialize_with = "not_negative")]
    pub memory_mb: f64,
    /// Allocations, in percent of what they were, outside of the range of the builds before. With
    /// 0.45, 1 % more is found even where builds differ by 0.5 %.
    #[serde(deserialize_with = "not_negative")]
    pub allocations_percent: f64,
    /// How many robust σ of thirty builds before. With fewer builds more σ are needed, by
    /// Student's t.
    #[serde(deserialize_with = "sigmas")]
    pub z: f64,
    /// The highest one-sided p of a session against sessions.
    #[serde(deserialize_with = "probability")]
    pub session_p: f64,
    /// The highest one-sided p of builds run in turn, summed over all looks. With one look, as with
    /// 8 pairs and fewer, it is 1.6 times as high.
    #[serde(deserialize_with = "probability_of_pairs")]
    pub pairs_p: f64,
    /// The share of false findings among all findings of one judgement.
    #[serde(deserialize_with = "probability")]
    pub false_discovery_rate: f64,
    /// With fewer builds in the baseline, neither times nor peaks are judged.
    #[serde(deserialize_with = "builds")]
    pub least_builds: usize,
    /// With fewer builds (for a session: sessions) in the baseline, its spread is hardly known, and
    /// no finding is more than `suspect`.
    #[serde(deserialize_with = "builds")]
    pub enough_builds: usize,
    /// With fewer builds that ran together, no finding is more than `suspect`.
    #[serde(deserialize_with = "builds")]
    pub session_builds: usize,
    /// How many of the newest sessions are the baseline.
    #[serde(deserialize_with = "builds")]
    pub baseline_sessions: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            time_percent: 5.0,
            build_ms: 5.0,
            phase_ms: 2.0,
            single_build_ms: 50.0,
            single_phase_ms: 20.0,
            memory_percent: 5.0,
            memory_mb: 1.0,
            allocations_percent: 0.45,
            z: 3.5,
            session_p: 0.05,
            pairs_p: 0.0025,
            false_discovery_rate: 0.05,
            least_builds: 5,
            enough_builds: 10,
            session_builds: 3,
            baseline_sessions: 30,
        }
    }
}

impl Thresholds {
    /// While the spread is hardly known: the smallest ratio of the medians.
    pub(super) const EARLY_RATIO: f64 = 1.20;
    /// No spread is taken to be smaller.
    pub(super) const LEAST_SIGMA: f64 = 0.01;
    /// Where the amount of work differs by a larger share, no finding is certain.
    pub(super) const WORKLOAD_CHANGE: f64 = 0.10;
    /// With fewer builds in the baseline, allocations are judged like time.
    pub(super) const ALLOCATION_BUILDS: usize = 5;
    /// The same with a wider range in the baseline, as a share of its median.
    pub(super) const ALLOCATION_RANGE: f64 = 0.005;

    /// While the spread is hardly known: the smallest robust z.
    pub(super) fn early_z(&self) -> f64 {
        self.z - 0.5
    }

    /// When builds run in turn are a change.
    pub fn pairs(&self) -> sequential::Rule {
        let rule = sequential::Rule::default();
        let factor = self.pairs_p / rule.p();
        sequential::Rule {
            false_discovery_rate: self.false_discovery_rate,
            ..rule.with_p_times(factor)
        }
    }

    /// Why these thresholds would never find anything for certain.
    ///
    /// # Errors
    ///
    /// They contradict each other.
    pub fn validate(&self) -> Result<(), String> {
        let Self { enough_builds, baseline_sessions, .. } = self;
        if enough_builds <= baseline_sessions {
            return Ok(());
        }
        Err(format!(
            "enough-builds is {enough_builds} and baseline-sessions {baseline_sessions}: \
             no finding would ever be certain"
        ))
    }
}

fn within<'de, D: Deserializer<'de>, T: From<f64>>(
    source: D,
    least: f64,
    most: f64,
) -> Result<T, D::Error> {
    let number = f64::deserialize(source).ok().filter(|number| (least..=most).contains(number));
    let number = number.map(T::from);
    number.ok_or_else(|| D::Error::custom(format!("expected a number from {least} to {most}")))
}

pub(crate) fn not_negative<'de, D: Deserializer<'de>, T: From<f64>>(
    source: D,
) -> Result<T, D::Error> {
    let number = f64::deserialize(source).ok();
    let number = number.filter(|number| *number >= 0.0 && number.is_finite()).map(T::from);
    number.ok_or_else(|| D::Error::custom("expected a number that is not negative"))
}

/// With more than 10 σ, a short history could show nothing at all.
pub(crate) fn sigmas<'de, D: Deserializer<'de>, T: From<f64>>(source: D) -> Result<T, D::Error> {
    within(source, 1.0, 10.0)
}

pub(crate) fn probability<'de, D: Deserializer<'de>, T: From<f64>>(
    source: D,
) -> Result<T, D::Error> {
    within(source, 0.0001, 0.5)
}

/// With less, eight pairs could show nothing.
fn probability_of_pairs<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    within(source, 0.0002, 0.05)
}

fn builds<'de, D: Deserializer<'de>>(source: D) -> Result<usize, D::Error> {
    let number = usize::deserialize(source).ok().filter(|number| (2..=200).contains(number));
    number.ok_or_else(|| D::Error::custom("expected an integer from 2 to 200"))
}
