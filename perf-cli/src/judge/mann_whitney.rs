//! The one-sided Mann–Whitney test: whether one set of builds took longer than another, by ranks
//! alone, so that neither outliers nor the shape of the noise matter.
//!
//! H. B. Mann, D. R. Whitney: On a test of whether one of two random variables is stochastically
//! larger than the other. Annals of Mathematical Statistics 18 (1947). Distributions are exact for as
//! many builds as a history lets one judge; beyond, normal with the corrections for ties and
//! continuity, as in `scipy.stats.mannwhitneyu`.

use std::cmp::Ordering;

use statrs::distribution::{ContinuousCDF, Normal};

/// Together no more numbers than this: the number of ways to choose half of them, 9.5e37, still fits
/// into the integers that are used to count.
const MOST_COUNTED: usize = 130;
/// With ties the exact distribution costs the number of builds times the sums that their ranks can
/// have; this many steps are some ten milliseconds.
const MOST_STEPS_WITH_TIES: usize = 20_000_000;

/// How a p value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No number occurs twice, and every order was counted.
    Exact,
    /// Some numbers are equal, and every way to share the numbers out was counted.
    ExactWithTies,
    /// The normal approximation, corrected for ties and continuity.
    Normal,
}

/// What the test says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the candidate is above the baseline; an equal pair is a half.
    pub u: f64,
    /// The probability of a `u` as high as this or higher where both sets are alike.
    pub p: f64,
    /// How `p` was found.
    pub method: Method,
}

impl MannWhitney {
    /// Tests whether the candidate lies above the baseline. `None` where either is empty or holds
    /// a number that is not finite. Exchange the two to test the other way.
    #[must_use]
    pub fn greater(candidate: &[f64], baseline: &[f64]) -> Option<Self> {
        if candidate.is_empty() || baseline.is_empty() {
            return None;
        }
        if !candidate.iter().chain(baseline).all(|number| number.is_finite()) {
            return None;
        }
        let ranks = Ranks::of(candidate, baseline);
        let (n, m) = (candidate.len(), baseline.len());
        let (p, method) = if !ranks.tied() && n + m <= MOST_COUNTED {
            (ranks.exact_p(n, m), Method::Exact)
        } else if let Some(p) = ranks.exact_p_with_ties(n, m) {
            (p, Method::ExactWithTies)
        } else {
            (ranks.normal_p(n, m), Method::Normal)
        };
        Some(Self { u: float(ranks.twice_u) / 2.0, p, method })
    }
}

/// The lowest p that samples of these sizes can give, 1 over the ways to choose the candidate's
/// places: 1/252 for five against five. 1 where either is empty.
#[must_use]
pub fn attainable_p(candidate: usize, baseline: usize) -> f64 {
    let all = candidate + baseline;
    (1..=candidate.min(baseline)).map(|it| float(it) / float(all + 1 - it)).product()
}

/// How many runs a candidate needs so that a p this low can be attained against a baseline of this
/// size. `None` where the baseline is empty, or `p` is not above 0.
#[must_use]
pub fn runs_needed(p: f64, baseline: usize) -> Option<usize> {
    first(p, baseline > 0, |runs| attainable_p(runs, baseline))
}

/// How many pairs are needed so that a p this low can be attained. `None` where `p` is not above 0.
#[must_use]
pub fn pairs_needed(p: f64) -> Option<usize> {
    first(p, true, |pairs| attainable_p(pairs, pairs))
}

fn first(p: f64, possible: bool, attainable: impl Fn(usize) -> f64) -> Option<usize> {
    const MOST: usize = 100_000;
    if !possible {
        return None;
    }
    (1..=MOST).find(|size| attainable(*size) <= p)
}

/// The numbers of both sets in order.
struct Ranks {
    /// Twice the Mann–Whitney statistic, so that a half is whole.
    twice_u: usize,
    /// How often each distinct number occurs, in ascending order.
    groups: Vec<usize>,
}

impl Ranks {
    fn of(candidate: &[f64], baseline: &[f64]) -> Self {
        let mut all: Vec<(f64, bool)> = candidate.iter().map(|number| (*number, true)).collect();
        all.extend(baseline.iter().map(|number| (*number, false)));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut twice_u, mut below) = (0, 0);
        let mut groups = Vec::new();
        // 0 and −0 are a tie, and stand beside each other in the total order.
        for group in all.chunk_by(|a, b| a.0.partial_cmp(&b.0) == Some(Ordering::Equal)) {
            let of_candidate = group.iter().filter(|(_, candidate)| *candidate).count();
            let of_baseline = group.len() - of_candidate;
            twice_u += of_candidate * (2 * below + of_baseline);
            below += of_baseline;
            groups.push(group.len());
        }
        Self { twice_u, groups }
    }

    fn tied(&self) -> bool {
        self.groups.iter().any(|group| *group > 1)
    }

    /// P(U ≥ u) without ties. The numbers of orders with each U are the coefficients of the
    /// Gaussian binomial, ∏ (1 − q^(m+i)) / (1 − q^i), i = 1 … n. (A. Löffler: Über eine Partition
    /// der natürlichen Zahlen und ihre Anwendung beim U-Test, 1982.) Products and quotients are
    /// taken modulo 2^128, which the results are below.
    fn exact_p(&self, n: usize, m: usize) -> f64 {
        let (few, many) = (n.min(m), n.max(m));
        let highest = few * many;
        let mut ways = vec![0_u128; highest + 1];
        ways[0] = 1;
        for i in 1..=few {
            for u in (many + i..=highest).rev() {
                ways[u] = ways[u].wrapping_sub(ways[u - many - i]);
            }
            for u in i..=highest {
                ways[u] = ways[u].wrapping_add(ways[u - i]);
            }
        }
        // The distribution is symmetric.
        let as_high: u128 = ways[..=highest - self.twice_u / 2].iter().sum();
        let all: u128 = ways.iter().sum();
        ratio(as_high, all)
    }

    /// P(U ≥ u) over all ways to choose the candidate among the numbers as they are; `None` where
    /// there are too many.
    fn exact_p_with_ties(&self, n: usize, m: usize) -> Option<f64> {
        let (few, many) = (n.min(m), n.max(m));
        let all = n + m;
        // Twice the sum of the `few` highest ranks.
        let highest = few * (all + many + 1);
        let steps = all.checked_mul(few)?.checked_mul(highest)?;
        if all > MOST_COUNTED || steps > MOST_STEPS_WITH_TIES {
            return None;
        }
        // ways[k][s]: the ways to choose k numbers with twice the sum of their ranks equal to s.
        let mut ways = vec![vec![0_u128; highest + 1]; few + 1];
        ways[0][0] = 1;
        let mut before = 0;
        for group in &self.groups {
            let twice_rank = 2 * before + group + 1;
            for _ in 0..*group {
                for k in (1..=few).rev() {
                    let (fewer, these) = ways.split_at_mut(k);
                    let reached = these[0][twice_rank..].iter_mut().zip(&fewer[k - 1]);
                    reached.for_each(|(to, from)| *to += from);
                }
            }
            before += group;
        }
        let chosen = &ways[few];
        // U of the smaller set, whichever that is, from the sum of its ranks.
        let lowest = few * (few + 1);
        let as_high: u128 = if n <= m {
            chosen[lowest + self.twice_u..].iter().sum()
        } else {
            chosen[..=lowest + 2 * n * m - self.twice_u].iter().sum()
        };
        Some(ratio(as_high, chosen.iter().sum()))
    }

    fn normal_p(&self, n: usize, m: usize) -> f64 {
        let (pairs, all) = (float(n) * float(m), float(n + m));
        let ties: f64 = self.groups.iter().map(|group| float(*group).powi(3) - float(*group)).sum();
        let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        if variance <= 0.0 {
            return 1.0;
        }
        let u = float(self.twice_u) / 2.0;
        Normal::standard().sf((u - pairs / 2.0 - 0.5) / variance.sqrt())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a p value of 16 digits is enough")]
fn ratio(some: u128, all: u128) -> f64 {
    some as f64 / all as f64
}

#[expect(clippy::cast_precision_loss, reason = "numbers of builds are far below 2^53")]
fn float(number: usize) -> f64 {
    number as f64
}
