//! The interval of the ratio against scipy, and its properties.

use perf_cli::internals::bootstrap::RatioInterval;
use proptest::prelude::*;

use super::{assert_close, cases};

#[derive(serde::Deserialize)]
struct Case {
    base: Vec<f64>,
    head: Vec<f64>,
    /// Of the intervals of 97 % and of 93 %.
    low: [f64; 2],
    /// Of the intervals of 93 % and of 97 %.
    high: [f64; 2],
}

#[test]
fn the_ends_lie_between_those_of_a_wider_and_a_narrower_interval_of_scipy() {
    for case in cases::<Case>("bootstrap.json") {
        let ours =
            RatioInterval::from_pairs(&case.base, &case.head, 0.95).expect("there are five pairs");
        for (ours, [from, to]) in [(ours.low, case.low), (ours.high, case.high)] {
            assert!(from <= ours && ours <= to, "{ours} is not between {from} and {to}");
        }
    }
}

#[test]
fn the_same_pairs_have_the_same_interval() {
    let (base, head) = ([100.0, 104.0, 98.0, 101.0], [110.0, 112.0, 109.0, 107.0]);
    let first = RatioInterval::from_pairs(&base, &head, 0.95);
    assert_eq!(first, RatioInterval::from_pairs(&base, &head, 0.95));
    assert_close(first.expect("there are four").ratio, 109.5 / 100.5, 1e-12);
}

#[test]
fn a_shared_factor_on_a_pair_widens_nothing() {
    // Each pair met another state of the machine; within it the head is always 10 % slower.
    let base = [100.0, 150.0, 80.0, 120.0, 95.0];
    let head = base.map(|number| number * 1.1);
    let interval = RatioInterval::from_pairs(&base, &head, 0.95).expect("there are five pairs");
    assert_close(interval.low, 1.1, 1e-12);
    assert_close(interval.high, 1.1, 1e-12);
}

#[test]
fn without_a_ratio_there_is_no_interval() {
    assert_eq!(RatioInterval::from_pairs(&[1.0, 2.0], &[1.0, 2.0], 0.95), None);
    assert_eq!(RatioInterval::from_pairs(&[1.0, 2.0, f64::NAN], &[1.0; 3], 0.95), None);
    assert_eq!(RatioInterval::from_pairs(&[0.0; 5], &[1.0; 5], 0.95), None);
    assert_eq!(
        RatioInterval::from_pairs(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], &[1.0; 7], 0.95),
        None
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_ratio_lies_between_the_ends_and_scales_with_the_head(
        pairs in prop::collection::vec((50.0..150.0, 50.0..150.0_f64), 3..12),
        factor in 0.5..2.0_f64,
    ) {
        let (base, head): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let interval = RatioInterval::from_pairs(&base, &head, 0.95).expect("enough pairs");
        prop_assert!(interval.low <= interval.ratio && interval.ratio <= interval.high);
        let scaled: Vec<f64> = head.iter().map(|number| number * factor).collect();
        let scaled = RatioInterval::from_pairs(&base, &scaled, 0.95).expect("enough pairs");
        prop_assert!((scaled.low / interval.low / factor - 1.0).abs() < 1e-9);
        prop_assert!((scaled.high / interval.high / factor - 1.0).abs() < 1e-9);
    }
}
