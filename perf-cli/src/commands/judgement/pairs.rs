//! Judges two halves that were built in turn on one machine.

use perf_history::{BuildStats, PhaseStats};

use super::evidence::{self, Evidence};
use super::{Judged, Measure, explanation, sort};
use crate::configuration::Configuration;
use crate::judge::bootstrap::RatioInterval;
use crate::judge::rules::judge_all;
use crate::judge::sequential::{Decision, Hypothesis, Step, decide_all};
use crate::judge::{Verdict, median};
use crate::present::units::mebibytes;
use crate::select::Session;

/// How sure the interval of a ratio is.
const CONFIDENCE: f64 = 0.95;

/// The labels of builds.
const RUN: &str = "run";
const SESSION: &str = "session";

/// Whether two sets are the halves of one session, whose builds were run in turn.
pub(in crate::commands) fn were_run_in_turn(old: &[BuildStats], new: &[BuildStats]) -> bool {
    let Some(first) = new.first() else { return false };
    let Some(session) = first.labels.get(SESSION) else { return false };
    let is_of_it = |stats: &BuildStats| stats.labels.get(SESSION) == Some(session);
    let run = |stats: &BuildStats| stats.labels.get(RUN).cloned();
    let other = old.first().map(run);
    !old.is_empty()
        && old.iter().chain(new).all(is_of_it)
        && new.iter().all(|stats| run(stats) == run(first))
        && old.iter().all(|stats| Some(run(stats)) == other)
        && other != Some(run(first))
}

/// A number in both halves.
struct Numbers {
    phase: Option<String>,
    measure: Measure,
    old: Vec<f64>,
    new: Vec<f64>,
    floor: f64,
}

impl Numbers {
    fn hypothesis(&self) -> Hypothesis<'_> {
        Hypothesis { base: &self.old, head: &self.new, floor: self.floor }
    }

    fn is_large(&self) -> bool {
        let middle = |numbers: &[f64]| median(numbers.iter().copied()).unwrap_or_default();
        middle(&self.old).max(middle(&self.new)) > self.floor
    }

    /// What is said of it.
    fn judged(&self, decision: &Decision, peak: Option<String>) -> Judged {
        let is_told = decision.verdict != Verdict::Unchanged
            || (self.phase.is_none() && self.measure == Measure::Time);
        let interval =
            is_told.then(|| RatioInterval::of(&self.old, &self.new, CONFIDENCE)).flatten();
        let least = self.measure.shown(self.floor);
        Judged {
            verdict: decision.verdict,
            phase: self.phase.clone(),
            measure: self.measure,
            old: decision.base,
            new: decision.head,
            z: None,
            p: Some(decision.p),
            builds: self.new.len(),
            baseline_builds: self.old.len(),
            baseline_sessions: 1,
            is_creep: false,
            why: explanation::of_pairs(decision, interval.as_ref(), &least),
            place: peak.filter(|_| self.measure == Measure::Peak),
        }
    }
}

/// Judges the halves, each oldest first.
pub(in crate::commands) fn judge_pairs(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> Vec<Judged> {
    let pairs = old.len().min(new.len());
    let rule = configuration.rules().pairs.with_pairs(pairs);
    let build =
        numbers(old, new, None, Measure::Time, configuration.thresholds.build_ms, |stats| {
            Some(stats.build_time_ms)
        });
    let peak_floor = mebibytes(configuration.thresholds.memory_mb);
    let peak = numbers(old, new, None, Measure::Peak, peak_floor, |stats| {
        stats.memory_peak_mb.map(mebibytes)
    });
    let mut others = vec![peak];
    for PhaseStats { path, .. } in new.last().map_or(&[][..], |stats| &stats.phases) {
        if configuration.is_judged(path) {
            let floor = configuration.of_phase(path).phase_ms;
            others.push(numbers(old, new, Some(path), Measure::Time, floor, |stats| {
                Some(stats.phase(path)?.self_ms)
            }));
        }
    }
    others.retain(|it| !it.old.is_empty() && !it.new.is_empty() && it.is_large());
    let hypotheses: Vec<Hypothesis<'_>> = others.iter().map(Numbers::hypothesis).collect();
    let mut judged = Vec::new();
    if let Step::Decided(answer) = decide_all(&build.hypothesis(), &hypotheses, &rule) {
        judged.push(build.judged(&answer.build, None));
        let peak = || evidence::peak_phase(new);
        judged.extend(
            others.iter().zip(&answer.phases).map(|(it, decision)| it.judged(decision, peak())),
        );
    }
    judged.extend(allocations(old, new, configuration));
    sort(&mut judged);
    judged
}

fn numbers(
    old: &[BuildStats],
    new: &[BuildStats],
    phase: Option<&str>,
    measure: Measure,
    floor: f64,
    of: impl Fn(&BuildStats) -> Option<f64>,
) -> Numbers {
    Numbers {
        phase: phase.map(str::to_owned),
        measure,
        old: old.iter().filter_map(&of).collect(),
        new: new.iter().filter_map(&of).collect(),
        floor,
    }
}

/// Allocations are nearly exact, however the builds were run.
fn allocations(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> Vec<Judged> {
    let baseline = [Session { builds: old.to_vec() }];
    let mut evidence = Evidence::of(new, &baseline, configuration);
    evidence.retain(|it| matches!(it.measure, Measure::Allocations | Measure::Allocated));
    let hypotheses: Vec<_> = evidence.iter().map(Evidence::hypothesis).collect();
    let findings = judge_all(&hypotheses, configuration.rules().false_discovery_rate);
    super::told(&evidence, findings, new, &baseline)
}
