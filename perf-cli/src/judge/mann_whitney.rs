//! The one-sided Mann–Whitney test: whether one set of builds took longer than another. It uses only
//! ranks, so neither outliers nor the shape of the noise matter.
//!
//! H. B. Mann, D. R. Whitney: On a test of whether one of two random variables is stochastically
//! larger than the other. Annals of Mathematical Statistics 18 (1947). Distributions are exact for the
//! numbers of builds that occur in practice; beyond, normal with the corrections for ties and
//! continuity, as in `scipy.stats.mannwhitneyu`.

use std::cmp::Ordering;

use statrs::distribution::{ContinuousCDF, Normal};

use super::float;

/// The most numbers of both sets for exact counts: the number of ways to choose half of them, 9.5e37,
/// still fits into 128 bits.
const MAX_COUNTED: usize = 130;
/// With ties, the cost of the exact distribution is the number of builds times the number of possible
/// rank sums; this many steps take about ten milliseconds.
const MAX_STEPS_WITH_TIES: usize = 20_000_000;

/// How a p value was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// No number occurs twice, and every order was counted.
    Exact,
    /// Some numbers are equal, and every partition of the numbers was counted.
    ExactWithTies,
    /// The normal approximation, corrected for ties and continuity.
    Normal,
}

/// The result of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// The number of pairs in which the candidate is above the baseline; an equal pair counts half.
    pub u: f64,
    /// The probability of a `u` at least this high if both sets have the same distribution.
    pub p: f64,
    /// How `p` was computed.
    pub method: Method,
}

impl MannWhitney {
    /// Tests whether the candidate lies above the baseline. `None` if either is empty or contains a
    /// number that is not finite. Swap the two to test the other direction.
    pub fn greater(candidate: &[f64], baseline: &[f64]) -> Option<Self> {
        let all_finite = candidate.iter().chain(baseline).all(|number| number.is_finite());
        if candidate.is_empty() || baseline.is_empty() || !all_finite {
            return None;
        }
        let ranks = Ranks::new(candidate, baseline);
        let (n, m) = (candidate.len(), baseline.len());
        let (p, method) = if !ranks.has_ties() && n + m <= MAX_COUNTED {
            (ranks.exact_p(n, m), Method::Exact)
        } else if let Some(p) = ranks.exact_p_with_ties(n, m) {
            (p, Method::ExactWithTies)
        } else {
            (ranks.normal_p(n, m), Method::Normal)
        };
        Some(Self { u: float(ranks.twice_u) / 2.0, p, method })
    }
}

/// The lowest p that samples of these sizes can give, 1 over the number of ways to choose the
/// candidate's ranks: 1/252 for five against five. 1 if either is empty.
pub fn attainable_p(candidate: usize, baseline: usize) -> f64 {
    let all = candidate + baseline;
    (1..=candidate.min(baseline)).map(|i| float(i) / float(all + 1 - i)).product()
}

/// The largest sample that is considered.
const MAX_SIZE: usize = 100_000;

/// How many runs a candidate needs to attain a p this low against a baseline of this size. `None` if
/// the baseline is empty or `p` is not above 0.
pub fn runs_needed(p: f64, baseline: usize) -> Option<usize> {
    (1..=MAX_SIZE).find(|runs| baseline > 0 && attainable_p(*runs, baseline) <= p)
}

/// How many pairs are needed to attain a p this low. `None` if `p` is not above 0.
pub fn pairs_needed(p: f64) -> Option<usize> {
    (1..=MAX_SIZE).find(|pairs| attainable_p(*pairs, *pairs) <= p)
}

/// The numbers of both sets, sorted.
struct Ranks {
    /// Twice the Mann–Whitney statistic, which is an integer.
    twice_u: usize,
    /// How often each distinct number occurs, in ascending order.
    groups: Vec<usize>,
}

impl Ranks {
    fn new(candidate: &[f64], baseline: &[f64]) -> Self {
        let mut all: Vec<(f64, bool)> = candidate.iter().map(|number| (*number, true)).collect();
        all.extend(baseline.iter().map(|number| (*number, false)));
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut twice_u, mut below) = (0, 0);
        let mut groups = Vec::new();
        // 0 and −0 are a tie, and are adjacent in the total order.
        for group in all.chunk_by(|a, b| a.0.partial_cmp(&b.0) == Some(Ordering::Equal)) {
            let of_candidate = group.iter().filter(|(_, candidate)| *candidate).count();
            let of_baseline = group.len() - of_candidate;
            twice_u += of_candidate * (2 * below + of_baseline);
            below += of_baseline;
            groups.push(group.len());
        }
        Self { twice_u, groups }
    }

    fn has_ties(&self) -> bool {
        self.groups.iter().any(|group| *group > 1)
    }

    /// P(U ≥ u) without ties. The numbers of orders with each U are the coefficients of the
    /// Gaussian binomial, ∏ (1 − q^(m+i)) / (1 − q^i), i = 1 … n. (A. Löffler: Über eine Partition
    /// der natürlichen Zahlen und ihre Anwendung beim U-Test, 1982.) The arithmetic is modulo 2^128;
    /// all results are smaller.
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

    /// P(U ≥ u) over all ways to choose the candidate among the actual numbers; `None` if there are
    /// too many.
    fn exact_p_with_ties(&self, n: usize, m: usize) -> Option<f64> {
        let (few, many) = (n.min(m), n.max(m));
        let all = n + m;
        // Twice the sum of the `few` highest ranks.
        let highest = few * (all + many + 1);
        let steps = all.checked_mul(few)?.checked_mul(highest)?;
        if all > MAX_COUNTED || steps > MAX_STEPS_WITH_TIES {
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
        // U of the smaller set, from the sum of its ranks.
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
