//! A confidence interval for the ratio of two builds that were run alternately.
//!
//! The pairs are resampled with replacement, and each sample gives a ratio of medians: B. Efron:
//! Bootstrap methods: another look at the jackknife. Annals of Statistics 7 (1979). Pairs are kept
//! together because the two builds of a pair share the state of the machine. The interval is between
//! percentiles. Corrected percentiles (`BCa`) would estimate the skewness with the jackknife, which is
//! unreliable for medians (J. Shao, C. F. J. Wu: A general theory for jackknife variance estimation.
//! Annals of Statistics 17 (1989)).

use rand::RngExt;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::median;

/// Enough for percentiles of 2.5 %: fifty samples lie beyond each.
const SAMPLES: usize = 2_000;
/// Fixed, so that the same pairs always give the same interval.
const SEED: u64 = 7;

/// A ratio with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioInterval {
    /// The median of the head divided by the median of the base.
    pub ratio: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl RatioInterval {
    /// The interval for interleaved pairs, at a `confidence` such as 0.95. `None` if there are fewer
    /// than three pairs, a number is not finite, or the base is 0.
    ///
    /// With five pairs, the interval of 95 % contains the true ratio about nine times in ten; with
    /// twenty, about 95 % of the time.
    pub fn from_pairs(base: &[f64], head: &[f64], confidence: f64) -> Option<Self> {
        let pairs: Vec<(f64, f64)> = base.iter().copied().zip(head.iter().copied()).collect();
        if pairs.len() < 3 || !pairs.iter().all(|(base, head)| (base + head).is_finite()) {
            return None;
        }
        let ratio = ratio_of(&pairs)?;
        let mut random = Pcg64Mcg::seed_from_u64(SEED);
        let mut sample = vec![(0.0, 0.0); pairs.len()];
        let mut ratios = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            sample.fill_with(|| pairs[random.random_range(..pairs.len())]);
            ratios.push(ratio_of(&sample)?);
        }
        ratios.sort_by(f64::total_cmp);
        let tail = (1.0 - confidence.clamp(0.0, 1.0)) / 2.0;
        Some(Self { ratio, low: quantile(&ratios, tail), high: quantile(&ratios, 1.0 - tail) })
    }
}

fn ratio_of(pairs: &[(f64, f64)]) -> Option<f64> {
    let base = median(pairs.iter().map(|(base, _)| *base)).filter(|base| *base > 0.0)?;
    Some(median(pairs.iter().map(|(_, head)| *head))? / base)
}

/// A quantile of sorted numbers, interpolated between the two nearest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the position is between 0 and the number of samples"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, between) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * between
}
