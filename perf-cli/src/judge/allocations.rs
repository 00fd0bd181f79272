//! The rule for allocations, which are nearly exact: a build that does the same work allocates the
//! same, but for threads that share it out differently and maps that hash differently.

use super::finding::{Condition, Finding, Rule};
use super::rules::{Floor, Hypothesis, Quantity, by_level};
use super::workload::{Comparable, Sample};
use super::{Thresholds, Verdict, median};

/// Judges by the baseline's range, where there is one that is narrow; else like time.
///
/// Only builds that did as much work as the candidate are compared.
pub(super) fn judge(hypothesis: &Hypothesis<'_>) -> Finding {
    let thresholds = hypothesis.thresholds;
    let work = hypothesis.candidate.first().and_then(|sample| sample.items);
    let as_much = |samples: &[Sample]| -> Vec<Sample> {
        samples.iter().copied().filter(|sample| sample.items == work).collect()
    };
    let sessions: Vec<_> = hypothesis.baseline.iter().map(|it| as_much(it)).collect();
    let numbers = Comparable::of(&as_much(hypothesis.candidate), &sessions);
    let of_session = numbers.candidate.len() >= thresholds.session_builds;
    let floor = Floor::of(Quantity::Allocations, of_session, thresholds);
    let like_time = by_level(&numbers, &floor, thresholds);
    let builds: Vec<f64> = numbers.sessions.into_iter().flatten().collect();
    let Some((old, new)) = median(builds.iter().copied()).zip(median(numbers.candidate)) else {
        return like_time;
    };
    let lowest = builds.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = builds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if builds.len() < Thresholds::ALLOCATION_BUILDS
        || highest - lowest > Thresholds::ALLOCATION_RANGE * old
    {
        return like_time;
    }
    let distance = thresholds.allocations_percent / 100.0 * old;
    let (verdict, decided_by) = match new {
        new if new > highest + distance => (Verdict::Regression, Condition::Every),
        new if new < lowest - distance => (Verdict::Improvement, Condition::Every),
        _ => (Verdict::Unchanged, Condition::Range(thresholds.allocations_percent / 100.0)),
    };
    Finding {
        verdict,
        rule: Rule::Range,
        decided_by,
        old,
        new,
        limit: Some(highest + distance),
        sigma: None,
        z: None,
        p: None,
        method: None,
        needed: None,
        ..like_time
    }
}
