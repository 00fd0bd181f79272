//! The false discovery rate against scipy.

use perf_cli::internals::benjamini_hochberg::{adjusted, rejected};
use proptest::prelude::*;

use super::{assert_close, cases};

#[derive(serde::Deserialize)]
struct Case {
    p: Vec<f64>,
    adjusted: Vec<f64>,
}

#[test]
fn adjusted_ps_are_those_of_scipy() {
    for case in cases::<Case>("benjamini-hochberg.json") {
        let ours = adjusted(&case.p);
        assert_eq!(ours.len(), case.adjusted.len());
        for (ours, theirs) in ours.into_iter().zip(case.adjusted) {
            assert_close(ours, theirs, 1e-12);
        }
    }
}

#[test]
fn nan_is_never_reported_and_no_numbers_have_no_answer() {
    assert_eq!(rejected(&[f64::NAN, 0.001], 0.05), [false, true]);
    assert_eq!(adjusted(&[]), Vec::<f64>::new());
}

/// The procedure as the paper states it: report the k lowest, where k is the highest rank whose p is
/// at most rank / all × rate.
fn as_in_the_paper(ps: &[f64], rate: f64) -> Vec<bool> {
    let rank_of = |p: f64| ps.iter().filter(|other| **other <= p).count();
    let count = |number: usize| f64::from(u32::try_from(number).expect("few"));
    let within = ps.iter().copied().filter(|p| *p <= count(rank_of(*p)) / count(ps.len()) * rate);
    let highest = within.fold(-1.0, f64::max);
    ps.iter().map(|p| *p <= highest).collect()
}

proptest! {
    #[test]
    fn the_reported_ps_are_those_of_the_paper(
        ps in prop::collection::vec((0_u32..1_000).prop_map(|number| f64::from(number * number) / 1e6), 1..30),
    ) {
        // A rate that no rounding can meet by chance.
        prop_assert_eq!(rejected(&ps, 0.050_012_3), as_in_the_paper(&ps, 0.050_012_3));
    }
}
