//! Change points against Apache Otava, and against a split tried by hand.

use perf_cli::internals::e_divisive::{ChangePoint, Options, best_split, change_points};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{assert_close, cases};

#[derive(serde::Deserialize)]
struct SplitCase {
    numbers: Vec<f64>,
    index: usize,
    q: f64,
}

#[test]
fn the_best_split_and_its_q_are_those_of_otava() {
    for case in cases::<SplitCase>("e-divisive-q.json") {
        let ours = best_split(&case.numbers, 1).expect("there are two numbers");
        assert_eq!(ours.index, case.index);
        assert_close(ours.q, case.q, 1e-9);
    }
}

#[derive(serde::Deserialize)]
struct SeriesCase {
    numbers: Vec<f64>,
    shifts: Vec<usize>,
    otava: Vec<usize>,
    original: Option<Vec<usize>>,
}

fn places(points: &[ChangePoint]) -> Vec<usize> {
    points.iter().map(|point| point.index).collect()
}

#[test]
fn change_points_are_those_of_otava_which_are_the_true_ones() {
    for case in cases::<SeriesCase>("change-points.json") {
        let ours = places(&change_points(&case.numbers, &Options::default()));
        assert_eq!(ours, case.otava);
        assert_eq!(ours, case.shifts);
        assert_eq!(ours, case.original.unwrap_or(case.shifts));
    }
}

/// Times around each level in turn, as (level, builds).
fn series(levels: &[(f64, usize)], spread: f64, seed: u64) -> Vec<f64> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut noise = || {
        // The sum of twelve uniform numbers: near enough to normal.
        spread * ((0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0)
    };
    let of = |(level, builds): &(f64, usize)| vec![*level; *builds];
    levels.iter().flat_map(of).map(|level| level * noise().exp()).collect()
}

#[test]
fn each_point_has_the_levels_on_both_sides() {
    let series = series(&[(100.0, 40), (150.0, 40), (75.0, 40)], 0.01, 1);
    let points = change_points(&series, &Options::default());
    assert_eq!(places(&points), [40, 80]);
    for (point, (old, new)) in points.iter().zip([(100.0, 150.0), (150.0, 75.0)]) {
        assert_close(point.old, old, 0.01);
        assert_close(point.new, new, 0.01);
        assert_close(point.ratio().expect("not 0"), new / old, 0.01);
        assert!(point.p <= 0.001, "p is {}", point.p);
    }
}

#[test]
fn the_same_series_has_the_same_points() {
    let series = series(&[(100.0, 70), (110.0, 70)], 0.05, 2);
    let options = Options::default();
    assert_eq!(change_points(&series, &options), change_points(&series, &options));
}

#[test]
fn series_without_a_shift_have_no_points() {
    let found: usize = (0..20)
        .map(|seed| change_points(&series(&[(100.0, 120)], 0.08, seed), &Options::default()).len())
        .sum();
    // Twenty series of four windows at p 0.001, of which most are below 5 %.
    assert!(found <= 1, "{found} points in noise");
}

#[test]
fn a_shift_below_five_per_cent_is_none_however_clear() {
    let shift = |to| {
        places(&change_points(&series(&[(100.0, 50), (to, 50)], 0.005, 3), &Options::default()))
    };
    assert_eq!(shift(104.0), Vec::<usize>::new());
    assert_eq!(shift(106.5), [50]);
    assert_eq!(shift(93.5), [50]);
}

#[test]
fn three_builds_at_a_new_level_can_be_a_shift_and_two_cannot() {
    let last = |count| {
        let series = series(&[(100.0, 45), (150.0, count)], 0.01, 4);
        places(&change_points(&series, &Options::default()))
    };
    assert_eq!(last(2), Vec::<usize>::new());
    assert_eq!(last(3), [45]);
}

#[test]
fn lone_outliers_are_no_shift() {
    let mut series = series(&[(100.0, 100)], 0.02, 5);
    for at in [10, 33, 60, 99] {
        series[at] *= 3.0;
    }
    assert_eq!(change_points(&series, &Options::default()), []);
}

#[test]
fn short_series_and_unusual_numbers_do_no_harm() {
    let options = Options::default();
    for count in 0..12 {
        assert_eq!(change_points(&vec![100.0; count], &options), []);
        assert_eq!(change_points(&vec![0.0; count], &options), []);
    }
    let mut series = series(&[(100.0, 40), (150.0, 40)], 0.01, 6);
    series[3] = f64::NAN;
    series[50] = f64::INFINITY;
    assert_eq!(places(&change_points(&series, &options)), [40]);
    let from_nothing = [vec![0.0; 30], vec![10.0; 30]].concat();
    let points = change_points(&from_nothing, &options);
    assert_eq!((places(&points), points[0].ratio()), (vec![30], None));
    let tiny = Options { window: 0, least_segment: 0, p: 0.0, ..options };
    assert_eq!(change_points(&[1.0, 2.0, 3.0, 4.0], &tiny), []);
}

/// Q̂ as Matteson and James define it, sum by sum.
fn q_by_hand(first: &[f64], second: &[f64]) -> f64 {
    let count = |numbers: &[f64]| f64::from(u32::try_from(numbers.len()).expect("few"));
    let between: f64 = first.iter().flat_map(|a| second.iter().map(move |b| (a - b).abs())).sum();
    let mean_within = |numbers: &[f64]| {
        let sum: f64 =
            numbers.iter().flat_map(|a| numbers.iter().map(move |b| (a - b).abs())).sum();
        if numbers.len() > 1 { sum / (count(numbers) * (count(numbers) - 1.0)) } else { 0.0 }
    };
    let (n, m) = (count(first), count(second));
    n * m / (n + m) * (2.0 * between / (n * m) - mean_within(first) - mean_within(second))
}

proptest! {
    #[test]
    fn the_best_split_is_the_best_of_all_tried_by_hand(
        numbers in prop::collection::vec(-10.0..10.0, 0..14),
        least in 1_usize..4,
    ) {
        let mut best = f64::NEG_INFINITY;
        for end in 0..=numbers.len() {
            for index in least..end.saturating_sub(least - 1) {
                best = best.max(q_by_hand(&numbers[..index], &numbers[index..end]));
            }
        }
        let ours = best_split(&numbers, least);
        prop_assert_eq!(ours.is_some(), numbers.len() >= 2 * least);
        if let Some(ours) = ours {
            prop_assert!((ours.q - best).abs() < 1e-9, "{} and {}", ours.q, best);
        }
    }

}

#[test]
fn a_factor_on_the_whole_series_moves_no_point() {
    for (seed, factor) in [(1, 0.013), (2, 7.7), (3, 1_234.5)] {
        let plain = series(&[(100.0, 30), (125.0, 30)], 0.03, seed);
        let scaled: Vec<f64> = plain.iter().map(|number| number * factor).collect();
        let options = Options::default();
        let (plain, scaled) = (change_points(&plain, &options), change_points(&scaled, &options));
        assert_eq!(places(&plain), places(&scaled));
    }
}
