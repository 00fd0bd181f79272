//! The level of a series and its spread, untouched by outliers: the median, and Qn of ln(time).
//!
//! On the logarithm a change is a factor whatever the level, and the long right tail of build times
//! is shorter. Qn estimates the standard deviation of normal noise, as 1.4826·MAD does, but with
//! half the variance from sample to sample, which is what a short history is judged by: P. J. Rousseeuw, C. Croux:
//! Alternatives to the median absolute deviation. JASA 88 (1993).

use super::median;

/// Makes the quantile of the distances of normal numbers their standard deviation: 1/(√2·Φ⁻¹(5/8)).
const Q_TO_SIGMA: f64 = 2.219_14;
/// One nanosecond, in milliseconds: the logarithm of 0 is no level.
const LEAST: f64 = 1e-6;

/// Median and spread of some times (or of any other numbers that are not negative).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// How many numbers it was made of.
    pub count: usize,
    /// Their median, in their own unit.
    pub median: f64,
    /// max(Qn, the least) of their logarithms: 0.03 is a spread of about 3 %.
    pub sigma: f64,
}

impl Level {
    /// The level of `numbers`, with `least_sigma` for those that hardly differ. `None` where none of
    /// them is finite. What is below a millionth counts as a millionth.
    #[must_use]
    pub fn of(numbers: &[f64], least_sigma: f64) -> Option<Self> {
        let logarithms: Vec<f64> =
            numbers.iter().copied().filter(|number| number.is_finite()).map(ln).collect();
        let median_number = median(numbers.iter().copied())?;
        Some(Self {
            count: logarithms.len(),
            median: median_number,
            sigma: q_n(&logarithms).max(least_sigma),
        })
    }

    /// The same level of what varies by so small a `share` of it, but by no less than `least_sigma`.
    #[must_use]
    pub fn steadier(self, share: f64, least_sigma: f64) -> Self {
        Self { sigma: (self.sigma * share).max(least_sigma), ..self }
    }

    /// How many sigmas `number` lies above this level (below: negative), on the logarithm.
    #[must_use]
    pub fn z(&self, number: f64) -> f64 {
        (ln(number) - ln(self.median)) / self.sigma
    }

    /// `number` as a multiple of this level; `None` where the level is 0.
    #[must_use]
    pub fn ratio(&self, number: f64) -> Option<f64> {
        (self.median > 0.0).then(|| number / self.median)
    }
}

/// The scale Qn of Rousseeuw and Croux: a low quantile of the distances of all pairs, made the standard
/// deviation of normal numbers, with their correction for small samples. 0 of fewer than two.
fn q_n(numbers: &[f64]) -> f64 {
    let n = numbers.len();
    if n < 2 {
        return 0.0;
    }
    let mut distances: Vec<f64> = Vec::with_capacity(n * (n - 1) / 2);
    for (at, number) in numbers.iter().enumerate() {
        distances.extend(numbers[at + 1..].iter().map(|other| (number - other).abs()));
    }
    let half = n / 2 + 1;
    let rank = half * (half - 1) / 2;
    let (_, quantile, _) = distances.select_nth_unstable_by(rank - 1, f64::total_cmp);
    Q_TO_SIGMA * small_sample(n) * *quantile
}

/// What makes Qn unbiased for `n` normal numbers: C. Croux, P. J. Rousseeuw: Time-efficient algorithms
/// for two highly robust estimators of scale (1992).
fn small_sample(n: usize) -> f64 {
    const FEW: [f64; 8] = [0.399, 0.994, 0.512, 0.844, 0.611, 0.857, 0.669, 0.872];
    #[expect(clippy::cast_precision_loss, reason = "numbers of builds are far below 2^53")]
    let count = n as f64;
    match n {
        2..=9 => FEW[n - 2],
        n if n % 2 == 1 => count / (count + 1.4),
        _ => count / (count + 3.8),
    }
}

fn ln(number: f64) -> f64 {
    number.max(LEAST).ln()
}
