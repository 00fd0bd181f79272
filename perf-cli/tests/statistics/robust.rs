//! Median and spread against statsmodels.

use perf_cli::internals::robust::Level;
use proptest::prelude::*;

use super::{assert_close, cases};

#[derive(serde::Deserialize)]
struct Case {
    x: Vec<f64>,
    median: f64,
    qn_of_ln: f64,
}

/// What Croux and Rousseeuw multiply Qn by for few numbers.
fn small_sample(count: usize) -> f64 {
    match count {
        1 => 0.0,
        2 => 0.399,
        5 => 0.844,
        10 => 10.0 / 13.8,
        11 => 11.0 / 12.4,
        30 => 30.0 / 33.8,
        count => panic!("no correction for {count}"),
    }
}

#[test]
fn median_and_spread_are_those_of_statsmodels() {
    for case in cases::<Case>("robust.json") {
        let level = Level::new(&case.x, 0.0).expect("numbers");
        assert_eq!(level.count, case.x.len());
        assert_close(level.median, case.median, 1e-12);
        assert!((level.sigma - case.qn_of_ln * small_sample(case.x.len())).abs() < 1e-6);
    }
}

#[test]
fn nearly_equal_numbers_have_the_minimum_spread() {
    let level = Level::new(&[100.0, 100.0, 100.0, 100.1, 250.0], 0.01).expect("numbers");
    assert_eq!((level.median, level.sigma), (100.0, 0.01));
    assert!((level.z(105.0) - 1.05_f64.ln() / 0.01).abs() < 1e-9);
}

#[test]
fn there_is_no_level_without_numbers_and_z_is_finite_for_zeros() {
    assert_eq!(Level::new(&[], 0.01), None);
    assert_eq!(Level::new(&[f64::NAN, f64::INFINITY], 0.01), None);
    let zeros = Level::new(&[0.0; 5], 0.01).expect("numbers");
    assert_eq!((zeros.median, zeros.z(0.0)), (0.0, 0.0));
    assert!(zeros.z(1.0) > 1_000.0 && zeros.z(1.0).is_finite());
}

proptest! {
    #[test]
    fn a_factor_on_all_numbers_changes_only_the_level(
        numbers in prop::collection::vec(1.0..1e4_f64, 1..40),
        number in 1.0..1e4,
        factor in 0.01..100.0_f64,
    ) {
        let plain = Level::new(&numbers, 0.01).expect("numbers");
        let scaled: Vec<f64> = numbers.iter().map(|number| number * factor).collect();
        let scaled = Level::new(&scaled, 0.01).expect("numbers");
        prop_assert!((scaled.median / plain.median / factor - 1.0).abs() < 1e-9);
        prop_assert!((scaled.sigma - plain.sigma).abs() < 1e-9);
        prop_assert!((scaled.z(number * factor) - plain.z(number)).abs() < 1e-6);
    }

    #[test]
    fn outliers_up_to_half_of_the_numbers_do_not_move_the_level(
        numbers in prop::collection::vec(90.0..110.0, 11..=11),
        outliers in prop::collection::vec(0.0..1e9, 0..=5),
    ) {
        let mut numbers = numbers;
        numbers.splice(..outliers.len(), outliers);
        let level = Level::new(&numbers, 0.01).expect("numbers");
        prop_assert!((90.0..=110.0).contains(&level.median));
        prop_assert!(level.sigma <= 2.22 * (110.0_f64 / 90.0).ln());
    }
}
