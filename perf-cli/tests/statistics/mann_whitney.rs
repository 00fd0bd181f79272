//! The Mann–Whitney test against scipy and against counting every way to share numbers out.

use perf_cli::internals::mann_whitney::{
    MannWhitney, Method, attainable_p, pairs_needed, runs_needed,
};
use proptest::prelude::*;

use super::{assert_close, cases};

#[derive(serde::Deserialize)]
struct Case {
    x: Vec<f64>,
    y: Vec<f64>,
    method: String,
    u: f64,
    p: f64,
}

#[test]
fn u_and_p_are_those_of_scipy_exact_with_ties_and_normal() {
    for case in cases::<Case>("mann-whitney.json") {
        let ours = MannWhitney::greater(&case.x, &case.y).expect("both hold numbers");
        assert_close(ours.u, case.u, 1e-12);
        assert_close(ours.p, case.p, 1e-9);
        let mut together: Vec<f64> = case.x.iter().chain(&case.y).copied().collect();
        together.sort_by(f64::total_cmp);
        let tied = together.windows(2).any(|pair| pair[0].total_cmp(&pair[1]).is_eq());
        let method = match case.method.as_str() {
            "normal" => Method::Normal,
            _ if tied => Method::ExactWithTies,
            _ => Method::Exact,
        };
        assert_eq!(ours.method, method, "{} against {}", case.x.len(), case.y.len());
    }
}

/// P(U ≥ u) by trying every choice of the candidate's numbers.
fn by_enumeration(candidate: &[f64], baseline: &[f64]) -> f64 {
    let twice_u = |x: &[f64], y: &[f64]| -> usize {
        let pairs = x.iter().flat_map(|a| y.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| usize::from(a > b) + usize::from(a >= b)).sum()
    };
    let all: Vec<f64> = candidate.iter().chain(baseline).copied().collect();
    let (mut as_high, mut choices) = (0_u32, 0_u32);
    for mask in 0_u32..1 << all.len() {
        if mask.count_ones() as usize != candidate.len() {
            continue;
        }
        let chosen = |wanted: bool| -> Vec<f64> {
            let numbered = all.iter().enumerate();
            numbered
                .filter(|(i, _)| (mask >> i & 1 == 1) == wanted)
                .map(|(_, number)| *number)
                .collect()
        };
        choices += 1;
        if twice_u(&chosen(true), &chosen(false)) >= twice_u(candidate, baseline) {
            as_high += 1;
        }
    }
    f64::from(as_high) / f64::from(choices)
}

/// Two sets of up to six numbers each, of which many or few are equal.
fn two_sets() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (2_u32..400).prop_flat_map(|values| {
        let numbers = move || prop::collection::vec((1..values).prop_map(f64::from), 1..7);
        (numbers(), numbers())
    })
}

proptest! {
    #[test]
    fn p_is_the_share_of_all_choices_with_as_high_a_u((x, y) in two_sets()) {
        let ours = MannWhitney::greater(&x, &y).expect("both hold numbers");
        prop_assert!((ours.p - by_enumeration(&x, &y)).abs() < 1e-12);
        prop_assert!(ours.method != Method::Normal);
    }

    #[test]
    fn exchanging_the_sets_mirrors_u((x, y) in two_sets()) {
        let (xy, yx) = (MannWhitney::greater(&x, &y), MannWhitney::greater(&y, &x));
        let (xy, yx) = (xy.expect("numbers"), yx.expect("numbers"));
        let pairs = f64::from(u32::try_from(x.len() * y.len()).expect("few"));
        prop_assert!((xy.u + yx.u - pairs).abs() < 1e-12);
        // P(U ≥ u) and P(U ≤ u) share the case of U = u.
        prop_assert!(xy.p + yx.p >= 1.0 - 1e-12);
    }

    #[test]
    fn only_the_order_of_the_numbers_matters((x, y) in two_sets()) {
        let mapped = |numbers: &[f64]| -> Vec<f64> { numbers.iter().map(|number| number.ln() * 3.0 - 1.0).collect() };
        let plain = MannWhitney::greater(&x, &y);
        prop_assert_eq!(MannWhitney::greater(&mapped(&x), &mapped(&y)), plain);
        let reversed = |numbers: &[f64]| -> Vec<f64> { numbers.iter().rev().copied().collect() };
        prop_assert_eq!(MannWhitney::greater(&reversed(&x), &reversed(&y)), plain);
    }

    #[test]
    fn no_p_is_below_the_attainable_one((x, y) in two_sets()) {
        let ours = MannWhitney::greater(&x, &y).expect("both hold numbers");
        prop_assert!(ours.p >= attainable_p(x.len(), y.len()) * (1.0 - 1e-12));
        let above: Vec<f64> = (0..x.len()).map(|_| 1_000.0).collect();
        let best = MannWhitney::greater(&above, &y).expect("both hold numbers");
        prop_assert!((best.p - attainable_p(x.len(), y.len())).abs() < 1e-12);
    }
}

#[test]
fn p_is_never_too_low_where_both_sets_are_alike() {
    // Every order of 4 and 6 is equally likely; so P(p ≤ a) must be at most a, for every a.
    let mut ps = Vec::new();
    for mask in (0_u32..1 << 10).filter(|mask| mask.count_ones() == 4) {
        let side = |wanted: u32| -> Vec<f64> {
            (0..10).filter(|i| mask >> i & 1 == wanted).map(f64::from).collect()
        };
        ps.push(MannWhitney::greater(&side(1), &side(0)).expect("both hold numbers").p);
    }
    assert_eq!(ps.len(), 210);
    for p in &ps {
        let as_low = ps.iter().filter(|other| **other <= p + 1e-12).count();
        let share = f64::from(u32::try_from(as_low).expect("few")) / 210.0;
        // Exact: each p is attained with just the probability that it states.
        assert!((share - p).abs() < 1e-12, "p of {p} has a share of {share}");
    }
}

#[test]
fn the_approximation_joins_the_exact_distribution_where_it_takes_over() {
    let ramp = |from: u32, step: u32, count: u32| -> Vec<f64> {
        (0..count).map(|i| f64::from(from + i * step)).collect()
    };
    // 130 numbers are counted, 131 are not.
    let exact = MannWhitney::greater(&ramp(21, 2, 65), &ramp(0, 2, 65)).expect("numbers");
    let normal = MannWhitney::greater(&ramp(21, 2, 65), &ramp(0, 2, 66)).expect("numbers");
    assert_eq!((exact.method, normal.method), (Method::Exact, Method::Normal));
    assert!((exact.p - normal.p).abs() < 0.01, "{} and {}", exact.p, normal.p);
}

#[test]
fn equal_numbers_give_no_evidence() {
    let same = |count| vec![5.0; count];
    let few = MannWhitney::greater(&same(5), &same(10)).expect("numbers");
    assert_eq!((few.u, few.p, few.method), (25.0, 1.0, Method::ExactWithTies));
    let many = MannWhitney::greater(&same(100), &same(100)).expect("numbers");
    assert_eq!((many.u, many.p, many.method), (5_000.0, 1.0, Method::Normal));
    let zeros = MannWhitney::greater(&[0.0, 0.0], &[-0.0, -0.0]).expect("numbers");
    assert_eq!((zeros.u, zeros.p), (2.0, 1.0));
}

#[test]
fn numbers_that_cannot_be_compared_have_no_p() {
    assert_eq!(MannWhitney::greater(&[], &[1.0]), None);
    assert_eq!(MannWhitney::greater(&[1.0], &[]), None);
    assert_eq!(MannWhitney::greater(&[1.0, f64::NAN], &[1.0]), None);
    assert_eq!(MannWhitney::greater(&[1.0], &[f64::INFINITY]), None);
}

#[test]
fn the_runs_needed_are_the_fewest_that_can_attain_the_p() {
    assert_close(attainable_p(5, 5), 1.0 / 252.0, 1e-12);
    assert_close(attainable_p(3, 10), 1.0 / 286.0, 1e-12);
    assert_eq!(pairs_needed(0.004), Some(5));
    assert_eq!(pairs_needed(0.003), Some(6));
    assert_eq!(runs_needed(0.01, 10), Some(3));
    assert_eq!(runs_needed(0.01, 5), Some(4));
    assert_eq!(runs_needed(0.01, 1), Some(99));
    assert_eq!(runs_needed(0.01, 0), None);
    assert_eq!(runs_needed(0.0, 10), None);
}
