//! The table of rules, row by row and condition by condition.

use perf_cli::internals::finding::{AppliedRule, Condition, Finding, Needed, Work};
use perf_cli::internals::rules::{Hypothesis, Quantity, judge, judge_all};
use perf_cli::internals::workload::Sample;
use perf_cli::internals::{Thresholds, Verdict};
use proptest::prelude::*;

use AppliedRule::{Early, Level, Range, Session, TooFewBuilds};
use Condition::{
    Change, Every, FalseDiscoveryRate, Floor, LeastBuilds, LeastRuns, P, Ratio, Workload, Z,
};
use Verdict::{Improvement, Insufficient, Regression, Suspect, Unchanged};

/// Sessions of one build each, 2 % around 1,000.
fn singles(count: u32) -> Vec<Vec<f64>> {
    let spread = [0.0, 0.02, -0.02, 0.01, -0.01, 0.015, -0.015];
    (0..count).map(|i| vec![1_000.0 * (1.0 + spread[i as usize % 7])]).collect()
}

fn samples(values: &[f64]) -> Vec<Sample> {
    values.iter().copied().map(Sample::new).collect()
}

fn sessions(values: &[Vec<f64>]) -> Vec<Vec<Sample>> {
    values.iter().map(|session| samples(session)).collect()
}

fn judged(quantity: Quantity, candidate: &[f64], baseline: &[Vec<f64>]) -> Finding {
    with(quantity, &samples(candidate), &sessions(baseline), &Thresholds::default())
}

fn with(
    quantity: Quantity,
    candidate: &[Sample],
    baseline: &[Vec<Sample>],
    thresholds: &Thresholds,
) -> Finding {
    judge(&Hypothesis { quantity, candidate, baseline, thresholds }).expect("it is a hypothesis")
}

fn build(candidate: &[f64], baseline: &[Vec<f64>]) -> (Verdict, AppliedRule, Condition) {
    let found = judged(Quantity::BuildTime, candidate, baseline);
    (found.verdict, found.rule, found.decided_by)
}

const Z_AGAINST_TEN: f64 = 4.483_623;

/// Of ten, Student's t with nine degrees of freedom is as rarely above this as above 3.5 of thirty
/// (scipy: `t.isf(t.sf(3.5, 29), 9)`).
fn is_z_against_ten(condition: Condition) -> bool {
    matches!(condition, Z(z) if (z - Z_AGAINST_TEN).abs() < 1e-4)
}

#[test]
fn the_median_of_a_session_is_not_expected_to_vary_as_single_builds_do() {
    let alike: Vec<Vec<f64>> = singles(10).iter().map(|single| vec![single[0]; 3]).collect();
    let sigma = |candidate: &[f64], baseline: &[Vec<f64>]| {
        let found = judged(Quantity::BuildTime, candidate, baseline);
        assert_eq!(found.baseline_sessions, 10);
        found.sigma.expect("a sigma")
    };
    let session = [1_100.0; 3];
    assert!((sigma(&session, &singles(10)) / sigma(&session, &alike) - 0.83).abs() < 1e-9);
    // One build is one of its kind.
    assert!((sigma(&session[..1], &singles(10)) / sigma(&session, &alike) - 1.0).abs() < 1e-9);
    // No spread is taken to be less than 1 %.
    let hardly = vec![vec![1_000.0]; 10];
    assert!((sigma(&session, &hardly) - 0.01).abs() < 1e-12);
}

#[test]
fn fewer_than_five_builds_are_too_few_for_anything() {
    for count in 0..5 {
        let found = judged(Quantity::BuildTime, &[5_000.0; 3], &singles(count));
        assert_eq!((found.verdict, found.rule), (Insufficient, TooFewBuilds));
        assert_eq!(found.decided_by, LeastBuilds(5));
        assert_eq!(found.needed, Some(Needed { runs: 3, sessions: 10 }));
        assert_eq!((found.z, found.p, found.limit), (None, None, None));
    }
    let none = judged(Quantity::BuildTime, &[], &singles(10));
    assert_eq!((none.verdict, none.decided_by), (Insufficient, LeastRuns(1)));
}

#[test]
fn five_to_nine_builds_make_a_suspect_beyond_a_fifth_and_three_sigmas() {
    for count in 5..10 {
        let baseline = singles(count);
        assert_eq!(build(&[1_190.0], &baseline), (Unchanged, Early, Ratio(1.2)));
        assert_eq!(build(&[1_230.0], &baseline), (Suspect, Early, Every));
    }
    // A noisy machine: a quarter more is not three sigmas.
    let noisy: Vec<_> = [800.0, 900.0, 1_000.0, 1_100.0, 1_200.0].map(|number| vec![number]).into();
    assert_eq!(build(&[1_260.0], &noisy), (Unchanged, Early, Z(3.0)));
}

#[test]
fn a_custom_threshold_applies_to_short_histories() {
    let thresholds = Thresholds { time_percent: 30.0, ..Thresholds::default() };
    let baseline = sessions(&singles(6));
    let found = |time| {
        let found = with(Quantity::BuildTime, &samples(&[time]), &baseline, &thresholds);
        (found.verdict, found.rule, found.decided_by)
    };
    assert_eq!(found(1_250.0), (Unchanged, Early, Ratio(1.3)));
    assert_eq!(found(1_350.0), (Suspect, Early, Every));
}

#[test]
fn one_or_two_builds_are_a_suspect_by_z_change_and_floor() {
    let baseline = singles(10);
    let found = judged(Quantity::BuildTime, &[1_200.0], &baseline);
    assert_eq!((found.verdict, found.rule), (Suspect, Level));
    assert_eq!(
        (found.candidate_builds, found.baseline_builds, found.baseline_sessions),
        (1, 10, 10)
    );
    assert_eq!(found.decided_by, Every);
    assert!(found.z.expect("a z") > 3.5);
    assert_eq!(found.p, None);
    assert_eq!(found.needed, Some(Needed { runs: 3, sessions: 10 }));
    assert!((found.ratio().expect("not 0") * found.old - 1_200.0).abs() < 1e-9);
    // Sigma is over 1 %: 1,049 is below 5 %, and 1,055 below 4.48 sigmas.
    assert_eq!(build(&[1_049.0], &baseline).2, Change(0.05));
    assert!(is_z_against_ten(build(&[1_055.0, 1_056.0], &baseline).2));
    // A fifth of 200 ms is below 50 ms.
    let short: Vec<_> = singles(10).into_iter().map(|single| vec![single[0] / 5.0]).collect();
    assert_eq!(build(&[240.0], &short).2, Floor(50.0));
    assert_eq!(build(&[255.0], &short).0, Suspect);
}

#[test]
fn a_spread_below_one_per_cent_counts_as_one_per_cent() {
    let still: Vec<Vec<f64>> = vec![vec![10_000.0]; 10];
    let found = judged(Quantity::BuildTime, &[10_400.0], &still);
    assert_eq!((found.sigma, found.verdict), (Some(0.01), Unchanged));
    assert!((found.limit.expect("a limit") - 10_500.0).abs() < 1e-6);
}

#[test]
fn a_session_of_three_against_ten_sessions_is_a_regression() {
    let found = judged(Quantity::BuildTime, &[1_200.0, 1_210.0, 1_190.0], &singles(10));
    assert_eq!((found.verdict, found.rule), (Regression, Session));
    assert_eq!(found.decided_by, Every);
    assert!((found.p.expect("a p") - 1.0 / 286.0).abs() < 1e-9);
    assert_eq!(found.needed, None);
    let faster = judged(Quantity::BuildTime, &[800.0, 810.0, 790.0], &singles(10));
    assert_eq!(faster.verdict, Improvement);
    // One run of the three is as fast as before.
    assert_eq!(build(&[1_200.0, 1_210.0, 1_000.0], &singles(10)).2, P(0.05));
    assert_eq!(build(&[1_020.0, 1_030.0, 1_010.0], &singles(10)).2, Change(0.05));
    let short: Vec<_> = singles(10).into_iter().map(|single| vec![single[0] / 50.0]).collect();
    assert_eq!(build(&[24.0; 3], &short).2, Floor(5.0));
}

#[test]
fn a_session_against_few_sessions_is_a_suspect_however_many_builds_they_are() {
    let two: Vec<Vec<f64>> = singles(30).concat().chunks(15).map(<[f64]>::to_vec).collect();
    let found = judged(Quantity::BuildTime, &[1_500.0; 5], &two);
    assert_eq!((found.verdict, found.rule), (Suspect, Level));
    assert_eq!((found.baseline_builds, found.baseline_sessions), (30, 2));
    assert_eq!(found.needed, Some(Needed { runs: 3, sessions: 10 }));
}

#[test]
fn a_session_is_held_against_the_spread_of_sessions_not_of_builds() {
    // Sessions differ by 10 %, builds of a session by nothing.
    let levels = [900.0, 1_000.0, 1_100.0, 950.0, 1_050.0, 920.0, 1_080.0, 970.0, 1_030.0, 1_010.0];
    let baseline: Vec<Vec<f64>> = levels.map(|level_of_session| vec![level_of_session; 5]).into();
    let found = judged(Quantity::BuildTime, &[1_150.0; 5], &baseline);
    assert!(found.p.expect("a p") < 0.001);
    assert_eq!(found.verdict, Unchanged);
    assert!(is_z_against_ten(found.decided_by));
}

#[test]
fn a_session_too_small_for_its_p_names_the_runs_needed() {
    let strict = Thresholds { session_p: 0.001, ..Thresholds::default() };
    let (candidate, baseline) = (samples(&[1_500.0; 3]), sessions(&singles(10)));
    let found = with(Quantity::BuildTime, &candidate, &baseline, &strict);
    assert_eq!((found.verdict, found.decided_by), (Insufficient, LeastRuns(4)));
    assert_eq!(found.needed, Some(Needed { runs: 4, sessions: 10 }));
    let four = with(Quantity::BuildTime, &samples(&[1_500.0; 4]), &baseline, &strict);
    assert_eq!(four.verdict, Regression);
}

#[test]
fn a_phase_has_floors_of_its_own_and_a_small_one_is_no_hypothesis() {
    let of_phase = |level: f64, candidate: &[f64]| {
        let baseline: Vec<_> =
            singles(10).iter().map(|single| vec![single[0] / 1_000.0 * level]).collect();
        judge(&Hypothesis {
            quantity: Quantity::PhaseTime,
            candidate: &samples(candidate),
            baseline: &sessions(&baseline),
            thresholds: &Thresholds::default(),
        })
        .map(|finding| (finding.verdict, finding.decided_by))
    };
    let some = |verdict, condition| Some((verdict, condition));
    assert_eq!(of_phase(100.0, &[119.0]), some(Unchanged, Floor(20.0)));
    assert_eq!(of_phase(100.0, &[125.0]), some(Suspect, Every));
    assert_eq!(of_phase(10.0, &[11.9; 3]), some(Unchanged, Floor(2.0)));
    assert_eq!(of_phase(10.0, &[12.5; 3]), some(Regression, Every));
    assert_eq!(of_phase(15.0, &[19.0]), None);
    assert_eq!(of_phase(1.5, &[1.9; 3]), None);
    // One that was small and is not any more is one.
    assert_eq!(of_phase(1.5, &[50.0; 3]), some(Regression, Every));
}

#[test]
fn the_build_is_always_a_hypothesis() {
    let still: Vec<Vec<f64>> = vec![vec![1.0]; 10];
    assert_eq!(build(&[1.0; 3], &still).0, Unchanged);
}

#[test]
fn memory_peaks_are_judged_like_time_with_floors_of_five_per_cent_and_a_mebibyte() {
    const MIB: f64 = 1_048_576.0;
    let peaks = |level: f64| -> Vec<Vec<f64>> { vec![vec![level * MIB]; 10] };
    let of = |candidate: f64, level: f64| {
        let found = judged(Quantity::MemoryPeak, &[candidate * MIB; 3], &peaks(level));
        (found.verdict, found.decided_by)
    };
    assert_eq!(of(104.0, 100.0), (Unchanged, Change(0.05)));
    assert_eq!(of(106.0, 100.0), (Regression, Every));
    assert_eq!(of(10.9, 10.0), (Unchanged, Floor(MIB)));
    assert_eq!(of(11.1, 10.0), (Regression, Every));
}

fn counted(values: &[(f64, f64)]) -> Vec<Sample> {
    let sample = |(value, items): &(f64, f64)| Sample { value: *value, items: Some(*items) };
    values.iter().map(sample).collect()
}

#[test]
fn time_is_compared_per_item_where_the_work_differs() {
    let baseline: Vec<Vec<Sample>> =
        singles(10).iter().map(|single| counted(&[(single[0], 100.0)])).collect();
    let thresholds = Thresholds::default();
    let of = |time: f64, items: f64| {
        with(Quantity::BuildTime, &counted(&[(time, items); 3]), &baseline, &thresholds)
    };
    let more_work = of(1_080.0, 108.0);
    assert_eq!(more_work.verdict, Unchanged);
    assert_eq!(more_work.work, Some(Work { old: 100.0, new: 108.0 }));
    assert!((more_work.ratio().expect("not 0") - 1.0).abs() < 0.01);
    assert_eq!(of(1_300.0, 108.0).verdict, Regression);
    assert_eq!(of(1_080.0, 100.0).work, None);
    // The same time for less work is more time for the work.
    assert_eq!(of(1_000.0, 80.0).verdict, Suspect);
    assert_eq!(of(1_000.0, 80.0).decided_by, Workload(0.1));
    assert_eq!(of(1_000.0, 200.0).verdict, Unchanged);
    assert_eq!(of(1_000.0, 200.0).decided_by, Workload(0.1));
}

#[test]
fn without_a_count_of_the_work_time_is_compared_as_it_is() {
    let mut baseline: Vec<Vec<Sample>> =
        singles(10).iter().map(|single| counted(&[(single[0], 100.0)])).collect();
    baseline[3][0].items = None;
    let candidate = counted(&[(1_080.0, 108.0); 3]);
    let found = with(Quantity::BuildTime, &candidate, &baseline, &Thresholds::default());
    assert_eq!((found.work, found.new), (None, 1_080.0));
}

fn allocations(candidate: &[f64], baseline: &[f64]) -> (Verdict, AppliedRule) {
    let sessions: Vec<Vec<f64>> = baseline.iter().map(|number| vec![*number]).collect();
    let found = judged(Quantity::Allocations, candidate, &sessions);
    (found.verdict, found.rule)
}

#[test]
fn allocations_are_a_regression_beyond_the_range_by_half_a_per_cent() {
    let exact = [100_000.0; 5];
    assert_eq!(allocations(&[100_450.0], &exact), (Unchanged, Range));
    assert_eq!(allocations(&[100_451.0], &exact), (Regression, Range));
    assert_eq!(allocations(&[99_549.0], &exact), (Improvement, Range));
    let narrow = [100_000.0, 100_100.0, 100_500.0, 100_200.0, 100_300.0];
    assert_eq!(allocations(&[100_950.0], &narrow), (Unchanged, Range));
    assert_eq!(allocations(&[100_952.0], &narrow), (Regression, Range));
    let found = judged(Quantity::Allocations, &[100_952.0], &narrow.map(|number| vec![number]));
    assert!((found.old - 100_200.0).abs() < 1e-6);
    assert!((found.limit.expect("a limit") - 100_950.9).abs() < 1e-6);
    assert_eq!(found.decided_by, Every);
}

#[test]
fn allocations_with_a_wide_range_or_a_short_baseline_are_judged_like_time() {
    let wide = [100_000.0, 100_100.0, 100_600.0, 100_200.0, 100_300.0];
    assert_eq!(allocations(&[102_000.0], &wide), (Unchanged, Early));
    assert_eq!(allocations(&[130_000.0], &wide), (Suspect, Early));
    let four = [100_000.0; 4];
    assert_eq!(allocations(&[130_000.0], &four), (Insufficient, TooFewBuilds));
    // There is no floor of milliseconds on a number of allocations.
    let ten = [10.0, 11.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0];
    assert_eq!(allocations(&[13.0; 3], &ten), (Regression, Session));
}

#[test]
fn a_phase_that_never_allocated_and_does_now_is_a_regression() {
    assert_eq!(allocations(&[0.0], &[0.0; 5]), (Unchanged, Range));
    assert_eq!(allocations(&[1.0], &[0.0; 5]), (Regression, Range));
}

#[test]
fn allocations_are_compared_only_where_the_items_are_equal() {
    let thresholds = Thresholds::default();
    let mut baseline = vec![counted(&[(1_000.0, 10.0)]); 5];
    baseline.extend(vec![counted(&[(2_000.0, 20.0)]); 3]);
    let of = |value, items| {
        let found =
            with(Quantity::Allocations, &counted(&[(value, items)]), &baseline, &thresholds);
        (found.verdict, found.baseline_builds)
    };
    assert_eq!(of(1_000.0, 10.0), (Unchanged, 5));
    assert_eq!(of(1_011.0, 10.0), (Regression, 5));
    assert_eq!(of(2_000.0, 20.0), (Insufficient, 3));
    assert_eq!(of(1_000.0, 30.0), (Insufficient, 0));
}

#[test]
fn many_numbers_need_more_evidence_than_one() {
    let thresholds = Thresholds::default();
    let (baseline, same) = (sessions(&singles(10)), samples(&[1_000.0, 1_010.0, 990.0]));
    let slower = samples(&[1_200.0, 1_210.0, 1_190.0]);
    let hypothesis = |candidate| Hypothesis {
        quantity: Quantity::PhaseTime,
        candidate,
        baseline: &baseline,
        thresholds: &thresholds,
    };
    let verdicts = |slow: usize, all: usize, rate: f64| -> Vec<Verdict> {
        let candidate = |i| if i < slow { &slower } else { &same };
        let all: Vec<_> = (0..all).map(|i| hypothesis(candidate(i).as_slice())).collect();
        judge_all(&all, rate).into_iter().flatten().map(|finding| finding.verdict).collect()
    };
    let alone = judge_all(&[hypothesis(&slower)], 0.05)[0].expect("a hypothesis");
    let p = alone.adjusted_p.expect("a p");
    assert!((1e-7..1e-3).contains(&p), "p is {p}");
    assert_eq!(verdicts(1, 10, 10.1 * p)[0], Regression);
    assert_eq!(verdicts(1, 10, 9.9 * p)[0], Suspect);
    let two = [Regression, Regression, Unchanged];
    assert_eq!(verdicts(2, 10, 5.1 * p)[..3], two);
    let alone = judge(&hypothesis(&slower)).expect("a hypothesis");
    assert_eq!(alone.adjusted_p, None);
    let among = judge_all(&[hypothesis(&slower), hypothesis(&same)], p)[0].expect("it is one");
    assert_eq!(among.decided_by, FalseDiscoveryRate(p));
    assert!((among.adjusted_p.expect("a p") / p - 2.0).abs() < 1e-9);
}

/// How much a verdict says of a change for the worse.
fn severity(finding: &Finding) -> u32 {
    match finding.verdict {
        Improvement => 0,
        Unchanged | Insufficient => 1,
        Suspect => 2,
        Regression => 3,
    }
}

proptest! {
    #[test]
    fn a_slower_candidate_is_never_judged_better(
        baseline in prop::collection::vec(prop::collection::vec(900.0..1_100.0, 1..4), 0..15),
        candidate in prop::collection::vec(800.0..1_200.0_f64, 1..6),
        factor in 1.0..1.6,
    ) {
        let slower: Vec<f64> = candidate.iter().map(|number| number * factor).collect();
        let before = judged(Quantity::BuildTime, &candidate, &baseline);
        let after = judged(Quantity::BuildTime, &slower, &baseline);
        prop_assert!(severity(&after) >= severity(&before), "{before:?} {after:?}");
    }

    #[test]
    fn a_candidate_that_is_flagged_lies_above_the_limit_and_in_no_other_unit_below(
        baseline in prop::collection::vec(prop::collection::vec(900.0..1_100.0, 1..4), 5..15),
        candidate in prop::collection::vec(800.0..1_600.0_f64, 1..6),
    ) {
        let found = judged(Quantity::BuildTime, &candidate, &baseline);
        let limit = found.limit.expect("there are five builds");
        match found.verdict {
            Suspect | Regression => prop_assert!(found.new > limit - 1e-6),
            _ => prop_assert!(found.new < limit + 1e-6 || found.p.is_some_and(|p| p > 0.05)
                || found.verdict == Insufficient),
        }
    }
}
