//! The level of a series and its spread, both robust against outliers: the median, and Qn of ln(time).
//!
//! On the logarithm a change is a factor at any level, and the long right tail of build times is
//! shorter. Qn estimates the standard deviation of normal noise, like 1.4826·MAD, but varies half as
//! much between samples (variance), which matters for short histories: P. J. Rousseeuw, C. Croux:
//! Alternatives to the median absolute deviation. JASA 88 (1993).

use super::float;

/// Scales the quantile of the distances of normal numbers to their standard deviation: 1/(√2·Φ⁻¹(5/8)).
const Q_TO_SIGMA: f64 = 2.219_14;
/// Smaller numbers count as this (1 ns, in ms), because 0 has no logarithm.
const MIN: f64 = 1e-6;

/// The median of finite numbers: the mean of the two middle ones if their number is even. `None` if
/// there are none.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    if numbers.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(numbers[middle - 1], upper))
}

/// Median and spread of times, or of other numbers that are not negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// How many numbers it was computed from.
    pub count: usize,
    /// Their median, in their own unit.
    pub median: f64,
    /// Qn of their logarithms, or the minimum given: 0.03 is a spread of about 3 %.
    pub sigma: f64,
}

impl Level {
    /// The level of `numbers`, with a sigma of at least `least_sigma`. `None` if none of them is
    /// finite. A number below a millionth counts as a millionth.
    pub fn new(numbers: &[f64], least_sigma: f64) -> Option<Self> {
        let logarithms: Vec<f64> =
            numbers.iter().copied().filter(|number| number.is_finite()).map(ln).collect();
        let median_number = median(numbers.iter().copied())?;
        Some(Self {
            count: logarithms.len(),
            median: median_number,
            sigma: q_n(&logarithms).max(least_sigma),
        })
    }

    /// The same level with `share` of the spread, but with a sigma of at least `least_sigma`.
    #[must_use]
    pub fn with_spread(self, share: f64, least_sigma: f64) -> Self {
        Self { sigma: (self.sigma * share).max(least_sigma), ..self }
    }

    /// How many sigmas `number` lies above this level (below: negative), on the logarithm.
    pub fn z(&self, number: f64) -> f64 {
        (ln(number) - ln(self.median)) / self.sigma
    }
}

/// The scale Qn of Rousseeuw and Croux: a low quantile of the distances of all pairs, scaled to the
/// standard deviation of normal numbers, with their correction for small samples. 0 for fewer than two.
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

/// The factor that makes Qn unbiased for `n` normal numbers: C. Croux, P. J. Rousseeuw: Time-efficient algorithms
/// for two highly robust estimators of scale (1992).
fn small_sample(n: usize) -> f64 {
    const FEW: [f64; 8] = [0.399, 0.994, 0.512, 0.844, 0.611, 0.857, 0.669, 0.872];
    let count = float(n);
    match n {
        2..=9 => FEW[n - 2],
        n if n % 2 == 1 => count / (count + 1.4),
        _ => count / (count + 3.8),
    }
}

pub(super) fn ln(number: f64) -> f64 {
    number.max(MIN).ln()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn half_of_the_numbers_lie_on_each_side_of_the_median() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([7.0]), Some(7.0));
        assert_eq!(median([f64::NAN, 1.0, f64::INFINITY]), Some(1.0));
        assert_eq!(median([]), None);
    }
}
