//! Medians, and how far what they are made of lies apart.

use serde::Serialize;

/// Where some values lie: half of them between the quartiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Distribution {
    pub(crate) lower_quartile: f64,
    pub(crate) median: f64,
    pub(crate) upper_quartile: f64,
}

impl Distribution {
    /// That of some values. Not numbers where there are none.
    pub(crate) fn of(values: &[f64]) -> Self {
        let [lower_quartile, upper_quartile] = quartiles(values);
        Self { lower_quartile, median: median(values), upper_quartile }
    }
}

/// The middle of some values. Not a number where there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The distance between the quartiles of some values, as a share of their median.
pub(crate) fn spread(values: &[f64]) -> f64 {
    let [low, high] = quartiles(values);
    (high - low) / median(values)
}

/// The values that a quarter of all lies below, and above. Not numbers where there are none.
fn quartiles(values: &[f64]) -> [f64; 2] {
    workloads::quartiles(values.to_vec()).unwrap_or([f64::NAN; 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_lies_between_the_two_middle_ones() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_spread_leaves_the_outer_quarters_out() {
        assert!((spread(&[1.0, 10.0, 11.0, 12.0, 900.0]) - 2.0 / 11.0).abs() < 1e-12);
        assert!(spread(&[5.0]).abs() < 1e-12);
        assert!(spread(&[]).is_nan());
        let whole = Distribution::of(&[1.0, 10.0, 11.0, 12.0, 900.0]);
        let expected = Distribution { lower_quartile: 10.0, median: 11.0, upper_quartile: 12.0 };
        assert_eq!(whole, expected);
        assert!(Distribution::of(&[]).upper_quartile.is_nan());
    }
}
