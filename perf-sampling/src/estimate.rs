//! What samples say of the whole: estimates that are right on average, and the interval that the
//! truth is in.
//!
//! # Implementation
//!
//! A block of `size` bytes is a sample with the chance `p = 1 - exp(-size / mean)`. It stands for
//! `size / p` bytes (the Horvitz-Thompson estimator), and `(size / p)² (1 - p)` of the variance. The
//! interval is the one of Fay and Feuer for weighted sums of Poisson counts: with an estimate `T`
//! of variance `V`, between the quantiles of the gamma distributions that have the mean `T` and the
//! variance `V`, and `T + w` and `V + w²`. `w` is what one more sample could have weighed, the mean
//! gap for blocks that are smaller than that. Quantiles are those of Wilson and Hilferty (1931),
//! which for a single sample are within 3 % above.

/// The quantile of the normal distribution that 99.95 % are below: both ends leave out 0.1 %.
const Z: f64 = 3.290_526_731_491_925;

/// A sum of samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sum {
    /// Bytes that they stand for.
    pub(crate) bytes: f64,
    /// The variance of `bytes`.
    pub(crate) variance: f64,
    /// Bytes that they hold themselves.
    pub(crate) seen: u64,
    /// How many they are.
    pub(crate) samples: u64,
}

/// An estimate and its 99.9 % interval, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub(crate) bytes: u64,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

/// The chance of a block of `size` bytes to be a sample.
pub(crate) fn chance(size: u64, mean: u64) -> f64 {
    -(-as_f64(size) / as_f64(mean)).exp_m1()
}

impl Sum {
    /// A sample of a block of `size` bytes, of which `live` are told of.
    pub(crate) fn of(live: u64, size: u64, mean: u64) -> Self {
        let chance = chance(size, mean);
        let weight = as_f64(live) / chance;
        Self { bytes: weight, variance: weight * weight * (1.0 - chance), seen: live, samples: 1 }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            variance: self.variance + other.variance,
            seen: self.seen + other.seen,
            samples: self.samples + other.samples,
        }
    }

    /// The estimate and its interval. The truth is known to be at most `most`.
    pub(crate) fn estimate(self, mean: u64, most: u64) -> Estimate {
        let mean = as_f64(mean);
        let low = quantile(self.bytes, self.variance, -Z);
        let high = quantile(self.bytes + mean, self.variance + mean * mean, Z);
        let high = whole(high.ceil()).min(most).max(self.seen);
        let low = whole(low).max(self.seen).min(high);
        Estimate { bytes: whole(self.bytes.round()).clamp(low, high), low, high }
    }
}

/// The quantile of a gamma distribution that the quantile `z` of the normal one belongs to.
fn quantile(mean: f64, variance: f64, z: f64) -> f64 {
    if mean <= 0.0 || variance <= 0.0 {
        return mean.max(0.0);
    }
    // Of a chi-squared distribution of `2 mean² / variance` degrees, times `variance / (2 mean)`.
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

    /// A simple generator of its own: the one under test is not to judge itself.
    struct Lcg(u64);

    impl Lcg {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            as_f64(self.0 >> 11) / as_f64(1 << 53)
        }
    }

    #[test]
    fn estimates_are_right_on_average_and_their_intervals_hold_the_truth() {
        const MEAN: u64 = 4_096;
        const RUNS: u32 = 4_000;
        let mut random = Lcg(7);
        // Sizes and how many blocks of them.
        for mix in [
            &[(16_u64, 40_000_u32)][..],
            &[(16, 100)],
            &[(1_000, 3), (100_000, 2)],
            &[(4_096, 30)],
            &[(64, 2_000), (3_000, 50), (20_000, 9)],
        ] {
            let truth: u64 = mix.iter().map(|it| it.0 * u64::from(it.1)).sum();
            let (mut total, mut spread, mut missed) = (0.0, 0.0, 0);
            for _ in 0..RUNS {
                let mut sum = Sum::default();
                for &(size, blocks) in mix {
                    // By the gaps between picked blocks, so that few numbers are drawn.
                    let chance = chance(size, MEAN);
                    let mut at = 0.0;
                    loop {
                        at += 1.0 + ((1.0 - random.uniform()).ln() / (-chance).ln_1p()).floor();
                        if at > f64::from(blocks) {
                            break;
                        }
                        sum = sum.plus(Sum::of(size, size, MEAN));
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
            // 4 of 4000 are expected where the interval is exact.
            assert!(missed <= 12, "{mix:?}: {missed}");
        }
    }

    #[test]
    fn an_interval_never_denies_what_was_seen_or_exceeds_what_there_was() {
        let sum = Sum::of(1 << 20, 1 << 20, 4_096);
        let estimate = sum.estimate(4_096, 1 << 20);
        assert_eq!(estimate, Estimate { bytes: 1 << 20, low: 1 << 20, high: 1 << 20 });
        let one = Sum::of(100, 100, 1_000).estimate(1_000, u64::MAX);
        assert_eq!((one.low, one.bytes), (100, 1_051));
        assert!((8_000..12_000).contains(&one.high), "{one:?}");
        let none = Sum::default().estimate(1_000, 500);
        assert_eq!(none, Estimate { bytes: 0, low: 0, high: 500 });
    }
}
