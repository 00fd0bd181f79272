//! Medians, and how far what they are made of lies apart.

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
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let (low, high) = (sorted[last / 4], sorted[last - last / 4]);
    (high - low) / median(&sorted)
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
    }
}
