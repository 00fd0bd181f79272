//! The rule of `ab`: when it goes on, when it ends, and with what.

use perf_cli::internals::Verdict;
use perf_cli::internals::sequential::{Decision, Look, PairedSamples, Rule, Step, decide_all};
use proptest::prelude::*;

fn decide(build: &PairedSamples<'_>, rule: &Rule) -> Step {
    decide_all(build, &[], rule)
}

fn decided(base: &[f64], head: &[f64], floor: f64, rule: &Rule) -> Decision {
    match decide(&PairedSamples { base, head, floor, least_change: 0.05 }, rule) {
        Step::Decided(comparison) => comparison.build,
        Step::Continue { until } => panic!("it wants {until} pairs"),
    }
}

fn until(base: &[f64], head: &[f64]) -> usize {
    match decide(&PairedSamples { base, head, floor: 5.0, least_change: 0.05 }, &Rule::default()) {
        Step::Continue { until } => until,
        Step::Decided(comparison) => panic!("{comparison:?}"),
    }
}

/// `count` times around `level`, some per cent to either side.
fn around(level: f64, count: u32) -> Vec<f64> {
    let spread = [0.0, 0.013, -0.011, 0.007, -0.017, 0.003, -0.005];
    let steps = (0..count).map(|i| spread[i as usize % 7] + f64::from(i) * 1e-5);
    steps.map(|step| level * (1.0 + step)).collect()
}

#[test]
fn nothing_is_decided_between_the_looks() {
    for (pairs, look) in [(0, 8), (1, 8), (7, 8), (9, 12), (11, 12), (13, 20), (19, 20)] {
        assert_eq!(until(&around(100.0, pairs), &around(200.0, pairs)), look, "{pairs} pairs");
    }
}

#[test]
fn eight_pairs_that_do_not_overlap_are_a_regression() {
    let found = decided(&around(100.0, 8), &around(120.0, 8), 5.0, &Rule::default());
    assert_eq!((found.verdict, found.pairs), (Verdict::Regression, 8));
    assert!((found.p - 1.0 / 12_870.0).abs() < 1e-12);
    assert!((found.ratio.expect("the base is not 0") - 1.2).abs() < 1e-9);
    assert_eq!((found.p_needed, found.pairs_needed), (0.001, 7));
    let faster = decided(&around(120.0, 8), &around(100.0, 8), 5.0, &Rule::default());
    assert_eq!((faster.verdict, faster.pairs), (Verdict::Improvement, 8));
    assert!((faster.p - found.p).abs() < 1e-12);
}

#[test]
fn a_change_below_five_per_cent_or_below_the_floor_is_none_however_sure() {
    let rule = Rule::default();
    let small = decided(&around(1_000.0, 20), &around(1_045.0, 20), 5.0, &rule);
    assert!(small.p < 1e-6);
    assert_eq!(small.verdict, Verdict::Unchanged);
    let short = decided(&around(20.0, 20), &around(24.0, 20), 5.0, &rule);
    assert_eq!(short.verdict, Verdict::Unchanged);
    let of_a_phase = decided(&around(20.0, 20), &around(24.0, 20), 2.0, &rule);
    assert_eq!(of_a_phase.verdict, Verdict::Regression);
}

#[test]
fn equal_halves_stop_early_and_others_continue() {
    let alike = decided(&around(100.0, 8), &around(100.1, 8), 5.0, &Rule::default());
    assert_eq!((alike.verdict, alike.pairs), (Verdict::Unchanged, 8));
    // Surely slower, and as surely by less than five per cent.
    let little = decided(&around(100.0, 8), &around(102.0, 8), 5.0, &Rule::default());
    assert!(little.p < 0.1);
    assert_eq!((little.verdict, little.pairs), (Verdict::Unchanged, 8));
    // Faster in some of eight: no change that is sure, and no likeness.
    let base = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0];
    let mixed = [50.0, 51.0, 52.0, 53.0, 54.0, 101.5, 105.5, 106.5];
    assert_eq!((until(&base, &mixed), until(&mixed, &base)), (12, 12));
}

#[test]
fn the_last_look_may_be_sooner_or_later_and_spends_what_is_left() {
    let looks = |pairs| -> Vec<usize> {
        Rule::default().with_pairs(pairs).looks.iter().map(|look| look.pairs).collect()
    };
    assert_eq!(looks(3), [3]);
    assert_eq!(looks(8), [8]);
    assert_eq!(looks(10), [8, 10]);
    assert_eq!(looks(12), [8, 12]);
    assert_eq!(looks(15), [8, 12, 15]);
    assert_eq!(looks(40), [8, 12, 40]);
    for pairs in [10, 12, 15, 20, 40] {
        let spent: f64 = Rule::default().with_pairs(pairs).looks.iter().map(|look| look.p).sum();
        assert!((spent - 0.0025).abs() < 1e-12, "{pairs} pairs spend {spent}");
    }
    assert!((Rule::default().with_pairs(5).looks[0].p - 0.004).abs() < 1e-12);
    assert_eq!(Rule::default().with_pairs(20), Rule::default());
}

#[test]
fn too_few_pairs_are_insufficient() {
    let rule = Rule::default().with_pairs(3);
    let found = decided(&around(100.0, 3), &around(200.0, 3), 5.0, &rule);
    assert_eq!((found.verdict, found.pairs_needed), (Verdict::Insufficient, 5));
    let none = decided(&[], &[], 5.0, &rule.with_pairs(0));
    assert_eq!((none.verdict, none.ratio, none.p), (Verdict::Insufficient, None, 1.0));
}

#[test]
fn an_incomplete_pair_does_not_count() {
    assert_eq!(until(&around(100.0, 8), &around(200.0, 7)), 8);
    let mut base = around(100.0, 20);
    base[3] = f64::NAN;
    let found = decided(&base, &around(200.0, 20), 5.0, &Rule::default());
    assert_eq!((found.verdict, found.pairs), (Verdict::Regression, 19));
}

#[test]
fn numbers_that_are_all_zero_are_unchanged() {
    let found = decided(&[0.0; 8], &[0.0; 8], 5.0, &Rule::default());
    assert_eq!((found.verdict, found.ratio, found.p), (Verdict::Unchanged, None, 1.0));
}

/// The build and its phases after as many pairs as they have.
fn together(build: &Halves, phases: &[Halves]) -> Step {
    let phases: Vec<_> = phases.iter().map(|phase| phase.hypothesis(2.0)).collect();
    decide_all(&build.hypothesis(5.0), &phases, &Rule::default())
}

struct Halves {
    base: Vec<f64>,
    head: Vec<f64>,
}

impl Halves {
    fn new(base: f64, head: f64, pairs: u32) -> Self {
        Self { base: around(base, pairs), head: around(head, pairs) }
    }

    fn hypothesis(&self, floor: f64) -> PairedSamples<'_> {
        PairedSamples { base: &self.base, head: &self.head, floor, least_change: 0.05 }
    }
}

#[test]
fn an_undecided_phase_needs_more_pairs() {
    let build = |pairs| Halves::new(1_000.0, 1_000.0, pairs);
    let phases = |pairs| -> Vec<Halves> {
        let mut phases: Vec<Halves> = (0..29).map(|_| Halves::new(30.0, 30.0, pairs)).collect();
        phases.push(Halves::new(30.0, 36.0, pairs));
        phases
    };
    // p is low enough for one of three, not for one of many.
    let of = |all: &[Halves]| match together(&build(8), all) {
        Step::Continue { until } => Err(until),
        Step::Decided(found) => Ok(found.phases.last().map(|phase| phase.verdict)),
    };
    let rare = |slow: f64| -> Vec<Halves> {
        let mut all = phases(8);
        let last = all.last_mut().expect("there are thirty");
        // Two of the head's runs are as fast as the base's slower ones.
        *last = Halves::new(30.0, slow, 8);
        last.head[2] = 30.15;
        last.head[4] = 30.15;
        all
    };
    assert_eq!(of(&rare(36.0)), Err(12));
    assert_eq!(of(&rare(36.0)[28..]), Ok(Some(Verdict::Regression)));
    let Step::Decided(found) = together(&build(12), &phases(12)) else {
        panic!("twelve pairs are enough");
    };
    assert_eq!(found.build.verdict, Verdict::Unchanged);
    let verdicts: Vec<Verdict> = found.phases.iter().map(|phase| phase.verdict).collect();
    assert_eq!(verdicts[29], Verdict::Regression);
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Unchanged).count(), 29);
}

#[test]
fn unchanged_phases_need_no_more_pairs() {
    let phases: Vec<Halves> = (0..30).map(|_| Halves::new(30.0, 30.5, 8)).collect();
    let Step::Decided(found) = together(&Halves::new(1_000.0, 1_001.0, 8), &phases) else {
        panic!("nothing is open");
    };
    assert!(
        found.phases.iter().all(|phase| phase.verdict == Verdict::Unchanged && phase.pairs == 8)
    );
}

fn halves() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    (prop::sample::select(vec![3_usize, 8, 9, 12, 20, 25]), 0.7..1.4).prop_flat_map(
        |(pairs, factor)| {
            let times = || prop::collection::vec(90.0..110.0, pairs);
            (
                times(),
                times().prop_map(move |times| times.iter().map(|time| time * factor).collect()),
            )
        },
    )
}

proptest! {
    #[test]
    fn exchanging_the_halves_mirrors_the_answer((base, head) in halves()) {
        let rule = Rule::default();
        let halves = Halves { base, head };
        let there = decide(&halves.hypothesis(5.0), &rule);
        let back = decide(&Halves { base: halves.head.clone(), head: halves.base.clone() }.hypothesis(5.0), &rule);
        let mirrored = |verdict| match verdict {
            Verdict::Regression => Verdict::Improvement,
            Verdict::Improvement => Verdict::Regression,
            other => other,
        };
        match (there, back) {
            (Step::Decided(there), Step::Decided(back)) => {
                let (there, back) = (there.build, back.build);
                prop_assert_eq!(there.verdict, mirrored(back.verdict));
                prop_assert_eq!((there.p, there.pairs), (back.p, back.pairs));
            }
            (there, back) => prop_assert_eq!(there, back),
        }
    }

    #[test]
    fn a_regression_meets_every_condition_of_the_rule((base, head) in halves(), floor in 0.0..20.0) {
        let rule = Rule::default();
        let pairs = base.len();
        if let Step::Decided(comparison) = decide(&Halves { base, head }.hypothesis(floor), &rule) {
            let found = comparison.build;
            let Look { p, .. } = rule.looks[[8, 12].iter().filter(|look_pairs| pairs > **look_pairs).count()];
            prop_assert!((found.p_needed - p).abs() < 1e-12);
            let meets = found.p <= p
                && found.head - found.base >= floor
                && found.head >= 1.05 * found.base;
            prop_assert_eq!(found.verdict == Verdict::Regression, meets);
        }
    }
}
