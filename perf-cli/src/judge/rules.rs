//! The rules by which a candidate is judged against its history, as pure functions of numbers.
//!
//! Builds that run together share their noise: five runs of one session are not five independent
//! facts about the machine. So the spread that a session is held against is that of the medians of
//! the sessions before it, and one build is held against the spread of single builds.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::finding::{Condition, Finding, Needed, Rule};
use super::mann_whitney::{MannWhitney, attainable_p, runs_needed};
use super::robust::Level;
use super::workload::{Comparable, Sample};
use super::{Thresholds, Verdict, benjamini_hochberg, median};

/// What a number is of: it says which floors hold.
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
    /// What it is of.
    pub quantity: Quantity,
    /// The number in each build of the candidate, which ran together.
    pub candidate: &'a [Sample],
    /// The number in each build of the baseline, by session.
    pub baseline: &'a [Vec<Sample>],
    /// What it is held against.
    pub thresholds: &'a Thresholds,
}

/// Judges numbers together: one by one by the rules, and then so that of all that is reported the
/// expected share of false findings is at most `false_discovery_rate`. What is a regression on its
/// own, but not among so many, is `suspect`; a suspect or an improvement that is not, `unchanged`.
///
/// `None` stands for a time that is no hypothesis, as it exceeds the floor in neither baseline nor
/// candidate.
#[must_use]
pub fn judge_all(hypotheses: &[Hypothesis<'_>], false_discovery_rate: f64) -> Vec<Option<Finding>> {
    let mut findings: Vec<Option<Finding>> = hypotheses.iter().map(judge).collect();
    let among_many = Condition::FalseDiscoveryRate(false_discovery_rate);
    let with_p = findings.iter_mut().flatten().filter_map(|it| Some((significance(it)?, it)));
    let (ps, mut judged): (Vec<f64>, Vec<&mut Finding>) = with_p.unzip();
    let adjusted = benjamini_hochberg::adjusted(&ps);
    for (finding, adjusted_p) in judged.iter_mut().zip(adjusted) {
        finding.adjusted_p = Some(adjusted_p);
        if adjusted_p > false_discovery_rate {
            finding.weaken(among_many);
        }
    }
    findings
}

/// The p that a finding is compared with others by: two-sided, as the direction was read from the
/// numbers, and that of its z. That of Mann–Whitney takes the runs of a session for independent. None
/// for those that no chance is in.
fn significance(finding: &Finding) -> Option<f64> {
    let of = if finding.rule == Rule::Session {
        finding.baseline_sessions
    } else {
        finding.baseline_builds
    };
    Some((2.0 * students_t(of)?.sf(finding.z?.abs())).min(1.0))
}

/// The z that is as unlikely for a spread known from `count` numbers as `z` is for thirty.
fn as_unlikely(z: f64, count: usize) -> f64 {
    const THIRTY: usize = 30;
    match (students_t(count), students_t(THIRTY)) {
        (Some(these), Some(thirty)) => these.inverse_cdf(thirty.cdf(z)).max(z),
        _ => z,
    }
}

/// Of a number held against `count` others.
fn students_t(count: usize) -> Option<StudentsT> {
    let freedom = u32::try_from(count).ok()?.checked_sub(1)?;
    StudentsT::new(0.0, 1.0, f64::from(freedom)).ok()
}

/// Judges one number on its own. `None` where it is no hypothesis.
#[must_use]
pub fn judge(hypothesis: &Hypothesis<'_>) -> Option<Finding> {
    if hypothesis.quantity == Quantity::Allocations {
        return Some(super::allocations::judge(hypothesis));
    }
    let numbers = Comparable::of(hypothesis.candidate, hypothesis.baseline);
    let of_session = numbers.candidate.len() >= hypothesis.thresholds.session_builds;
    let floor = Floor::of(hypothesis.quantity, of_session, hypothesis.thresholds);
    let finding = by_level(&numbers, &floor, hypothesis.thresholds);
    let is_time = matches!(hypothesis.quantity, Quantity::BuildTime | Quantity::PhaseTime);
    let is_small = is_time && finding.old.max(finding.new) <= floor.difference;
    (!is_small || hypothesis.quantity == Quantity::BuildTime).then_some(finding)
}

/// How much is worth a word.
pub(super) struct Floor {
    difference: f64,
    change: f64,
}

impl Floor {
    pub(super) fn of(quantity: Quantity, of_session: bool, thresholds: &Thresholds) -> Self {
        let difference = match (quantity, of_session) {
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

/// The table of rules on numbers that are noisy.
pub(super) fn by_level(numbers: &Comparable, floor: &Floor, thresholds: &Thresholds) -> Finding {
    let builds: Vec<f64> = numbers.sessions.iter().flatten().copied().collect();
    let of_sessions: Vec<f64> =
        numbers.sessions.iter().filter_map(|it| median(it.iter().copied())).collect();
    let runs = numbers.candidate.len();
    let is_session = runs >= thresholds.session_builds;
    let rule = match (builds.len(), of_sessions.len()) {
        (builds, _) if builds < thresholds.least_builds || runs == 0 => Rule::TooFewBuilds,
        (builds, _) if builds < thresholds.enough_builds => Rule::Early,
        (_, sessions) if is_session && sessions >= thresholds.enough_builds => Rule::Session,
        _ => Rule::Level,
    };
    let against = if rule == Rule::Session { &of_sessions } else { &builds };
    let old = median(against.iter().copied()).unwrap_or_default();
    let new = median(numbers.candidate.iter().copied()).unwrap_or_default();
    let mut finding = Finding {
        verdict: Verdict::Insufficient,
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
        limit: None,
        sigma: None,
        z: None,
        p: None,
        method: None,
        adjusted_p: None,
        work: numbers.work,
        needed: None,
    };
    let sure_runs =
        runs_needed(thresholds.session_p, of_sessions.len().max(thresholds.enough_builds))
            .map_or(thresholds.session_builds, |runs| runs.max(thresholds.session_builds));
    let needed = Needed { runs: sure_runs, sessions: thresholds.enough_builds };
    let level = Level::of(against, Thresholds::LEAST_SIGMA).filter(|_| rule != Rule::TooFewBuilds);
    let Some(mut level) = level else {
        finding.needed = Some(needed);
        return finding;
    };
    if rule == Rule::Session && are_single(&numbers.sessions, thresholds.session_builds) {
        level = level.steadier(MEDIAN_BESIDE_SINGLE, Thresholds::LEAST_SIGMA);
    }
    let z = level.z(new);
    let least_z = match rule {
        Rule::Early => thresholds.early_z(),
        _ => as_unlikely(thresholds.z, against.len()),
    };
    let change = match rule {
        Rule::Early => floor.change.max(Thresholds::EARLY_RATIO - 1.0),
        _ => floor.change,
    };
    finding.sigma = Some(level.sigma);
    finding.z = Some(z);
    finding.limit = Some(
        (old * (1.0 + change)).max(old + floor.difference).max(old * (least_z * level.sigma).exp()),
    );
    if rule == Rule::Session {
        let test = if new >= old {
            MannWhitney::greater(&numbers.candidate, against)
        } else {
            MannWhitney::greater(against, &numbers.candidate)
        };
        finding.p = test.map(|it| it.p);
        finding.method = test.map(|it| it.method);
        if attainable_p(runs, against.len()) > thresholds.session_p {
            finding.decided_by = Condition::LeastRuns(needed.runs);
            finding.needed = Some(needed);
            return finding;
        }
    }
    let failed = first_failed(&finding, change, floor, least_z, thresholds);
    finding.decided_by = failed.unwrap_or(Condition::Every);
    finding.verdict = match (failed, new > old, rule) {
        (Some(_), ..) => Verdict::Unchanged,
        (None, false, _) => Verdict::Improvement,
        (None, true, Rule::Session) => Verdict::Regression,
        (None, true, _) => Verdict::Suspect,
    };
    // One or two builds are no proof anyway.
    if finding.verdict != Verdict::Suspect
        && finding.work.is_some_and(|work| work.change() > Thresholds::WORKLOAD_CHANGE)
    {
        finding.weaken(Condition::Workload(Thresholds::WORKLOAD_CHANGE));
    }
    finding.needed = (finding.verdict == Verdict::Suspect).then_some(needed);
    finding
}

/// What the median of three builds that ran together varies by, as a share of what single builds vary
/// by: √((s² + 1.35·b²/3) / (s² + b²)) with s = ⅞·b, where sessions differ by s and builds of one by b
/// (the variance of the median of three normal numbers is 1.35 / 3). Where sessions differ more it is
/// nearer to 1, and a threshold that is called 3.5 is one of 2.9: what that costs is in the calibration.
const MEDIAN_BESIDE_SINGLE: f64 = 0.83;

/// Whether most sessions are too small to be one.
fn are_single(sessions: &[Vec<f64>], session_builds: usize) -> bool {
    let single = sessions.iter().filter(|it| it.len() < session_builds).count();
    2 * single > sessions.len()
}

/// The first condition that the finding does not meet, in the order in which they are easiest to
/// grasp.
fn first_failed(
    finding: &Finding,
    change: f64,
    floor: &Floor,
    z: f64,
    thresholds: &Thresholds,
) -> Option<Condition> {
    let difference = finding.difference().abs();
    // Of the lower one, so that exchanging old and new exchanges the answers.
    let is_change = difference > 0.0 && difference >= change * finding.new.min(finding.old);
    if !is_change {
        return Some(match finding.rule {
            Rule::Early => Condition::Ratio(1.0 + change),
            _ => Condition::Change(change),
        });
    }
    if difference < floor.difference {
        return Some(Condition::Floor(floor.difference));
    }
    if finding.z.is_none_or(|it| it.abs() <= z) {
        return Some(Condition::Z(z));
    }
    if finding.p.is_some_and(|p| p > thresholds.session_p) {
        return Some(Condition::P(thresholds.session_p));
    }
    None
}
