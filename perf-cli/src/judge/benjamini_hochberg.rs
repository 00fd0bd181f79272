//! Control of the false discovery rate: limits the expected share of false findings among all
//! reported findings.
//!
//! Y. Benjamini, Y. Hochberg: Controlling the false discovery rate: a practical and powerful approach
//! to multiple testing. Journal of the Royal Statistical Society B 57 (1995). Adjusted like `p.adjust(…,
//! "BH")` of R and `scipy.stats.false_discovery_control`.

use super::float;

/// The adjusted p of each hypothesis, in the order given: the lowest rate at which it would be
/// reported. A p that is NaN counts as 1.
pub fn adjusted(ps: &[f64]) -> Vec<f64> {
    let known = |p: f64| if p.is_nan() { 1.0 } else { p };
    let mut order: Vec<usize> = (0..ps.len()).collect();
    order.sort_by(|a, b| known(ps[*b]).total_cmp(&known(ps[*a])));
    let mut adjusted = vec![1.0; ps.len()];
    let mut lowest: f64 = 1.0;
    for (above, index) in order.into_iter().enumerate() {
        let (all, rank) = (float(ps.len()), float(ps.len() - above));
        lowest = lowest.min(known(ps[index]) * all / rank);
        adjusted[index] = lowest;
    }
    adjusted
}

/// Which hypotheses are reported so that the expected share of false ones is at most `rate`.
pub fn rejected(ps: &[f64], rate: f64) -> Vec<bool> {
    adjusted(ps).into_iter().map(|p| p <= rate).collect()
}
