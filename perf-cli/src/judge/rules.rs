//! The rules that judge a candidate against its history, as pure functions of numbers.
//!
//! Builds that run together share their noise, so five runs of one session are not five independent
//! samples of the machine. A session is therefore compared with the spread of the medians of earlier
//! sessions, and a single build with the spread of single builds.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::finding::{AppliedRule, Condition, Finding, Needed};
use super::mann_whitney::{MannWhitney, attainable_p, runs_needed};
use super::robust::Level;
use super::workload::{Comparable, Sample};
use super::{Thresholds, Verdict, benjamini_hochberg, median};

/// The kind of a number, which decides the thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// The build's time, in milliseconds.
    BuildTime,
    /// A phase's self time, in milliseconds.
    PhaseTime,
    /// A memory peak, in bytes.
    MemoryPeak,
    /// A number of allocations, or of bytes allocated. The builds must all have the same counts.
    Allocations,
}

/// A number that may have changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hypothesis<'a> {
    /// The kind of the number.
    pub quantity: Quantity,
    /// The number in each build of the candidate, which ran together.
    pub candidate: &'a [Sample],
    /// The number in each build of the baseline, by session.
    pub baseline: &'a [Vec<Sample>],
    /// The thresholds for the number.
    pub thresholds: &'a Thresholds,
}

/// Judges numbers together: first each by the rules, and then all so that the expected share of false
/// findings is at most `false_discovery_rate`. A number that exceeds this rate becomes a suspect if it
/// was a regression, and unchanged if it was a suspect or an improvement.
///
/// `None` is a time that is not tested because both baseline and candidate are below the floor.
pub fn judge_all(hypotheses: &[Hypothesis<'_>], false_discovery_rate: f64) -> Vec<Option<Finding>> {
    let mut findings: Vec<Option<Finding>> = hypotheses.iter().map(judge).collect();
    let with_p = findings.iter_mut().flatten();
    let with_p = with_p.filter_map(|finding| Some((significance(finding)?, finding)));
    let (ps, mut judged): (Vec<f64>, Vec<&mut Finding>) = with_p.unzip();
    let adjusted = benjamini_hochberg::adjusted(&ps);
    for (finding, adjusted_p) in judged.iter_mut().zip(adjusted) {
        finding.adjusted_p = Some(adjusted_p);
        if adjusted_p > false_discovery_rate {
            finding.weaken(Condition::FalseDiscoveryRate(false_discovery_rate));
        }
    }
    findings
}

/// The two-sided p of a finding's z, which the false discovery rate is based on. (The p of
/// Mann–Whitney treats the runs of a session as independent.) `None` for findings without a z.
fn significance(finding: &Finding) -> Option<f64> {
    let count = match finding.rule {
        AppliedRule::Session => finding.baseline_sessions,
        _ => finding.baseline_builds,
    };
    Some((2.0 * students_t(count)?.sf(finding.z?.abs())).min(1.0))
}

/// The z that is as unlikely for a spread estimated from `count` numbers as `z` is for thirty.
fn as_unlikely(z: f64, count: usize) -> f64 {
    const THIRTY: usize = 30;
    match (students_t(count), students_t(THIRTY)) {
        (Some(these), Some(thirty)) => these.inverse_cdf(thirty.cdf(z)).max(z),
        _ => z,
    }
}

/// The distribution of a number compared with `count` others.
fn students_t(count: usize) -> Option<StudentsT> {
    let freedom = u32::try_from(count).ok()?.checked_sub(1)?;
    StudentsT::new(0.0, 1.0, f64::from(freedom)).ok()
}

/// Judges one number on its own. `None` if it is a time below the floor.
pub fn judge(hypothesis: &Hypothesis<'_>) -> Option<Finding> {
    let thresholds = hypothesis.thresholds;
    if hypothesis.quantity == Quantity::Allocations {
        return Some(judge_allocations(hypothesis));
    }
    let numbers = Comparable::new(hypothesis.candidate, hypothesis.baseline);
    let effect = MinEffect::new(hypothesis.quantity, numbers.candidate.len(), thresholds);
    let finding = judge_by_level(&numbers, &effect, thresholds);
    let is_small = finding.old.max(finding.new) <= effect.difference;
    (!is_small || hypothesis.quantity != Quantity::PhaseTime).then_some(finding)
}

/// Judges allocations, which are nearly exact: builds that do the same work allocate the same, apart
/// from threads that divide it differently and maps that hash differently.
///
/// The baseline's range decides if it is narrow; otherwise allocations are judged like times. Only
/// builds that did as much work as the candidate are compared.
fn judge_allocations(hypothesis: &Hypothesis<'_>) -> Finding {
    let thresholds = hypothesis.thresholds;
    let work = hypothesis.candidate.first().and_then(|sample| sample.items);
    let same_work = |samples: &[Sample]| -> Vec<Sample> {
        samples.iter().copied().filter(|sample| sample.items == work).collect()
    };
    let sessions: Vec<_> = hypothesis.baseline.iter().map(|samples| same_work(samples)).collect();
    let numbers = Comparable::new(&same_work(hypothesis.candidate), &sessions);
    let effect = MinEffect::new(Quantity::Allocations, numbers.candidate.len(), thresholds);
    let like_time = judge_by_level(&numbers, &effect, thresholds);
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
    let least_change = thresholds.allocations_percent / 100.0;
    let distance = least_change * old;
    let (verdict, decided_by) = match new {
        new if new > highest + distance => (Verdict::Regression, Condition::Every),
        new if new < lowest - distance => (Verdict::Improvement, Condition::Every),
        _ => (Verdict::Unchanged, Condition::Range(least_change)),
    };
    Finding {
        verdict,
        rule: AppliedRule::Range,
        decided_by,
        old,
        new,
        limit: Some(highest + distance),
        candidate_builds: like_time.candidate_builds,
        baseline_builds: like_time.baseline_builds,
        baseline_sessions: like_time.baseline_sessions,
        work: like_time.work,
        ..Finding::default()
    }
}

/// The smallest change worth reporting.
struct MinEffect {
    difference: f64,
    change: f64,
}

impl MinEffect {
    fn new(quantity: Quantity, runs: usize, thresholds: &Thresholds) -> Self {
        let is_session = runs >= thresholds.session_builds;
        let difference = match (quantity, is_session) {
            (Quantity::BuildTime, false) => thresholds.single_build_ms,
            (Quantity::BuildTime, true) => thresholds.build_ms,
            (Quantity::PhaseTime, false) => thresholds.single_phase_ms,
            (Quantity::PhaseTime, true) => thresholds.phase_ms,
            (Quantity::MemoryPeak, _) => thresholds.memory_mb * 1_048_576.0,
            (Quantity::Allocations, _) => 0.0,
        };
        let change = match quantity {
            Quantity::MemoryPeak => thresholds.memory_percent / 100.0,
            _ => thresholds.time_percent / 100.0,
        };
        Self { difference, change }
    }
}

/// Judges noisy numbers.
fn judge_by_level(numbers: &Comparable, effect: &MinEffect, thresholds: &Thresholds) -> Finding {
    let builds: Vec<f64> = numbers.sessions.concat();
    let of_sessions: Vec<f64> =
        numbers.sessions.iter().filter_map(|session| median(session.iter().copied())).collect();
    let runs = numbers.candidate.len();
    let is_session = runs >= thresholds.session_builds;
    let rule = match (builds.len(), of_sessions.len()) {
        (builds, _) if builds < thresholds.least_builds || runs == 0 => AppliedRule::TooFewBuilds,
        (builds, _) if builds < thresholds.enough_builds => AppliedRule::Early,
        (_, sessions) if is_session && sessions >= thresholds.enough_builds => AppliedRule::Session,
        _ => AppliedRule::Level,
    };
    let against = if rule == AppliedRule::Session { &of_sessions } else { &builds };
    let old = median(against.iter().copied()).unwrap_or_default();
    let new = median(numbers.candidate.iter().copied()).unwrap_or_default();
    let mut finding = Finding {
        rule,
        decided_by: match runs {
            0 => Condition::LeastRuns(1),
            _ => Condition::LeastBuilds(thresholds.least_builds),
        },
        candidate_builds: runs,
        baseline_builds: builds.len(),
        baseline_sessions: of_sessions.len(),
        old,
        new,
        work: numbers.work,
        ..Finding::default()
    };
    let sure_runs =
        runs_needed(thresholds.session_p, of_sessions.len().max(thresholds.enough_builds))
            .map_or(thresholds.session_builds, |runs| runs.max(thresholds.session_builds));
    let needed = Needed { runs: sure_runs, sessions: thresholds.enough_builds };
    let level =
        Level::new(against, Thresholds::LEAST_SIGMA).filter(|_| rule != AppliedRule::TooFewBuilds);
    let Some(mut level) = level else {
        finding.needed = Some(needed);
        return finding;
    };
    if rule == AppliedRule::Session && are_single(&numbers.sessions, thresholds.session_builds) {
        level = level.with_spread(MEDIAN_SPREAD, Thresholds::LEAST_SIGMA);
    }
    let z = level.z(new);
    let (least_z, change) = match rule {
        AppliedRule::Early => {
            (thresholds.early_z(), effect.change.max(Thresholds::EARLY_RATIO - 1.0))
        }
        _ => (as_unlikely(thresholds.z, against.len()), effect.change),
    };
    finding.sigma = Some(level.sigma);
    finding.z = Some(z);
    let limits = [old + effect.difference, old * (least_z * level.sigma).exp()];
    finding.limit = Some(limits.into_iter().fold(old * (1.0 + change), f64::max));
    if rule == AppliedRule::Session {
        let test = if new >= old {
            MannWhitney::greater(&numbers.candidate, against)
        } else {
            MannWhitney::greater(against, &numbers.candidate)
        };
        finding.p = test.map(|test| test.p);
        if attainable_p(runs, against.len()) > thresholds.session_p {
            finding.decided_by = Condition::LeastRuns(needed.runs);
            finding.needed = Some(needed);
            return finding;
        }
    }
    let failed = first_failed(&finding, change, effect.difference, least_z, thresholds.session_p);
    finding.decided_by = failed.unwrap_or(Condition::Every);
    finding.verdict = match (failed, new > old, rule) {
        (Some(_), ..) => Verdict::Unchanged,
        (None, false, _) => Verdict::Improvement,
        (None, true, AppliedRule::Session) => Verdict::Regression,
        (None, true, _) => Verdict::Suspect,
    };
    // A suspect is uncertain anyway.
    if finding.verdict != Verdict::Suspect
        && finding.work.is_some_and(|work| work.change() > Thresholds::WORKLOAD_CHANGE)
    {
        finding.weaken(Condition::Workload(Thresholds::WORKLOAD_CHANGE));
    }
    finding.needed = (finding.verdict == Verdict::Suspect).then_some(needed);
    finding
}

/// The spread of the median of three builds that ran together, relative to that of single builds:
/// √((s² + 1.35·b²/3) / (s² + b²)) with s = ⅞·b, where s is the spread between sessions and b that
/// within one (the variance of the median of three normal numbers is 1.35 / 3). If sessions differ more,
/// the true value is nearer to 1, and a threshold of 3.5 acts like one of 2.9: see docs/calibration.md.
const MEDIAN_SPREAD: f64 = 0.83;

/// Whether most sessions have fewer builds than a session needs.
fn are_single(sessions: &[Vec<f64>], session_builds: usize) -> bool {
    let single = sessions.iter().filter(|session| session.len() < session_builds).count();
    2 * single > sessions.len()
}

/// The first condition that the finding does not meet, the easiest to understand first.
fn first_failed(finding: &Finding, change: f64, floor: f64, z: f64, p: f64) -> Option<Condition> {
    let difference = finding.difference().abs();
    // Relative to the lower one, so that swapping old and new swaps the verdicts.
    let is_change = difference > 0.0 && difference >= change * finding.new.min(finding.old);
    if !is_change {
        return Some(match finding.rule {
            AppliedRule::Early => Condition::Ratio(1.0 + change),
            _ => Condition::Change(change),
        });
    }
    if difference < floor {
        return Some(Condition::Floor(floor));
    }
    if finding.z.is_none_or(|own| own.abs() <= z) {
        return Some(Condition::Z(z));
    }
    finding.p.is_some_and(|own| own > p).then_some(Condition::P(p))
}
