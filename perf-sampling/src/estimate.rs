//! Estimates of allocated bytes from samples: unbiased, with a confidence interval.
//!
//! # Implementation
//!
//! A block of `size` bytes is sampled with the probability `p = 1 - exp(-size / mean)`. It contributes
//! `size / p` bytes to the estimate (Horvitz and Thompson) and `(size / p)² (1 - p)` to the variance. The
//! confidence interval is that of Fay and Feuer for weighted sums of Poisson counts. For an estimate `T`
//! with the variance `V`, its lower end is a quantile of the gamma distribution with the mean `T` and the
//! variance `V`, and its upper end one of that with the mean `T + w` and the variance `V + w²`. Here `w`
//! is the weight of one more sample: the mean gap, for blocks that are smaller. The quantiles are computed
//! as by Wilson and Hilferty (1931); for a single sample they are at most 3 % too large.
//!
//! For example, one sampled block of 100 bytes with a mean gap of 1,000 has `p` = 0.095. The estimate is
//! 1,051 bytes, in an interval from 100 to about 10,000.

/// The quantile of the normal distribution at 99.95 %: the two tails together are 0.1 %.
const Z: f64 = 3.290_526_731_491_925;

/// A sum of samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sum {
    /// The estimated bytes.
    pub(crate) bytes: f64,
    /// The variance of `bytes`.
    pub(crate) variance: f64,
    /// The bytes of the sampled blocks themselves.
    pub(crate) seen: u64,
    /// The number of samples.
    pub(crate) samples: u64,
}

/// An estimate and its 99.9 % interval, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub(crate) bytes: u64,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// The probability that a block of `size` bytes is sampled.
pub(crate) fn probability(size: u64, mean: u64) -> f64 {
    -(-as_f64(size) / as_f64(mean)).exp_m1()
}

impl Sum {
    /// A sample of a block of `size` bytes, of which `counted` count.
    pub(crate) fn from_sample(counted: u64, size: u64, mean: u64) -> Self {
        let probability = probability(size, mean);
        let weight = as_f64(counted) / probability;
        Self {
            bytes: weight,
            variance: weight * weight * (1.0 - probability),
            seen: counted,
            samples: 1,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            variance: self.variance + other.variance,
            seen: self.seen + other.seen,
            samples: self.samples + other.samples,
        }
    }

    /// The estimate and its interval. The true number is at most `max`.
    pub(crate) fn estimate(self, mean: u64, max: u64) -> Estimate {
        let mean = as_f64(mean);
        let low = quantile(self.bytes, self.variance, -Z);
        let high = quantile(self.bytes + mean, self.variance + mean * mean, Z);
        let high = whole(high.ceil()).min(max).max(self.seen);
        let low = whole(low).max(self.seen).min(high);
        Estimate { bytes: whole(self.bytes.round()).clamp(low, high), low, high }
    }
}

/// The quantile of a gamma distribution that corresponds to the quantile `z` of the normal distribution.
fn quantile(mean: f64, variance: f64, z: f64) -> f64 {
    if mean <= 0.0 || variance <= 0.0 {
        return mean.max(0.0);
    }
    // That of a chi-squared distribution with `2 mean² / variance` degrees of freedom, scaled by
    // `variance / (2 mean)`.
    let ninth = variance / (9.0 * mean * mean);
    mean * (1.0 - ninth + z * ninth.sqrt()).max(0.0).powi(3)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator that is independent of the one under test.
    struct Lcg(u64);

    impl Lcg {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            as_f64(self.0 >> 11) / as_f64(1 << 53)
        }
    }

    #[test]
    fn estimates_are_unbiased_and_their_intervals_contain_the_true_number() {
        const MEAN: u64 = 4_096;
        const RUNS: u32 = 4_000;
        let mut random = Lcg(7);
        // Sizes and numbers of blocks.
        for mix in [
            &[(16_u64, 40_000_u32)][..],
            &[(16, 100)],
            &[(1_000, 3), (100_000, 2)],
            &[(4_096, 30)],
            &[(64, 2_000), (3_000, 50), (20_000, 9)],
        ] {
            let truth: u64 = mix.iter().map(|&(size, blocks)| size * u64::from(blocks)).sum();
            let (mut total, mut spread, mut missed) = (0.0, 0.0, 0);
            for _ in 0..RUNS {
                let mut sum = Sum::default();
                for &(size, blocks) in mix {
                    // Draws the gaps between sampled blocks, as this needs fewer random numbers.
                    let probability = probability(size, MEAN);
                    let mut at = 0.0;
                    loop {
                        at +=
                            1.0 + ((1.0 - random.uniform()).ln() / (-probability).ln_1p()).floor();
                        if at > f64::from(blocks) {
                            break;
                        }
                        sum = sum.plus(Sum::from_sample(size, size, MEAN));
                    }
                }
                total += sum.bytes;
                spread += (sum.bytes - as_f64(truth)).powi(2);
                let estimate = sum.estimate(MEAN, u64::MAX);
                missed += u32::from(truth < estimate.low || estimate.high < truth);
            }
            let runs = f64::from(RUNS);
            let error = (spread / runs / runs).sqrt();
            assert!((total / runs - as_f64(truth)).abs() < 4.0 * error + 1e-6, "{mix:?}");
            // 4 of 4,000 are expected if the interval is exact.
            assert!(missed <= 12, "{mix:?}: {missed}");
        }
    }

    #[test]
    fn an_interval_is_limited_by_the_samples_and_by_the_maximum() {
        let sum = Sum::from_sample(1 << 20, 1 << 20, 4_096);
        let estimate = sum.estimate(4_096, 1 << 20);
        assert_eq!(estimate, Estimate { bytes: 1 << 20, low: 1 << 20, high: 1 << 20 });
        let one = Sum::from_sample(100, 100, 1_000).estimate(1_000, u64::MAX);
        assert_eq!((one.low, one.bytes), (100, 1_051));
        assert!((8_000..12_000).contains(&one.high), "{one:?}");
        let none = Sum::default().estimate(1_000, 500);
        assert_eq!(none, Estimate { bytes: 0, low: 0, high: 500 });
    }
}
