//! Judges two versions that were built in turn on one machine.

use perf_history::BuildStats;

use super::evidence::{self, Evidence};
use super::{Judged, Measure, explanation, sort};
use crate::configuration::Configuration;
use crate::judge::Thresholds;
use crate::judge::bootstrap::RatioInterval;
use crate::judge::mann_whitney::pairs_needed;
use crate::judge::rules::judge_all;
use crate::judge::sequential::{Decision, PairedSamples, Rule, Step, decide_all};
use crate::judge::{Verdict, median};
use crate::labels::{RUN, SESSION};
use crate::present::units::{self, mebibytes};
use crate::select::Session;

/// The confidence level of the interval of a ratio.
const CONFIDENCE: f64 = 0.95;

/// Whether two sets are the two versions of one session of `ab`.
pub(in crate::commands) fn were_run_in_turn<'a>(
    mut old: impl Iterator<Item = &'a BuildStats> + Clone,
    new: &[BuildStats],
) -> bool {
    let (Some(first), Some(other)) = (new.first(), old.clone().next()) else { return false };
    let (session, old_run, new_run) =
        (first.labels.get(SESSION), other.labels.get(RUN), first.labels.get(RUN));
    let is_of = |stats: &BuildStats, run| {
        stats.labels.get(SESSION) == session && stats.labels.get(RUN) == run
    };
    session.is_some()
        && old_run != new_run
        && new.iter().all(|stats| is_of(stats, new_run))
        && old.all(|stats| is_of(stats, old_run))
}

/// A number in the builds of both versions.
struct Numbers {
    phase: Option<String>,
    measure: Measure,
    old: Vec<f64>,
    new: Vec<f64>,
    least: Least,
}

/// The smallest change of a number worth reporting.
#[derive(Clone, Copy)]
struct Least {
    /// In the number's unit.
    difference: f64,
    percent: f64,
}

impl Numbers {
    fn hypothesis(&self) -> PairedSamples<'_> {
        let Least { difference, percent } = self.least;
        PairedSamples {
            base: &self.old,
            head: &self.new,
            floor: difference,
            least_change: percent / 100.0,
        }
    }

    /// Whether both versions have it, and it is large enough to report.
    fn is_hypothesis(&self) -> bool {
        let middle = |numbers: &[f64]| median(numbers.iter().copied());
        let medians = middle(&self.old).zip(middle(&self.new));
        medians.is_some_and(|(old, new)| old.max(new) > self.least.difference)
    }

    fn judged(&self, decision: &Decision, peak: Option<String>) -> Judged {
        let is_reported = decision.verdict != Verdict::Unchanged
            || (self.phase.is_none() && self.measure == Measure::Time);
        let interval = is_reported
            .then(|| RatioInterval::from_pairs(&self.old, &self.new, CONFIDENCE))
            .flatten();
        let least = self.measure.shown(self.least.difference);
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
            why: explanation::explain_pairs(decision, interval.as_ref(), &least),
            place: peak.filter(|_| self.measure == Measure::Peak),
        }
    }
}

/// Whether the rule needs no more pairs. Only times decide this; the other numbers are judged once,
/// at the end.
pub(in crate::commands) fn are_decided(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
    rule: &Rule,
) -> bool {
    let phases = phase_times(old, new, configuration);
    let phases: Vec<PairedSamples<'_>> = phases.iter().map(Numbers::hypothesis).collect();
    let build = build_time(old, new, configuration);
    matches!(decide_all(&build.hypothesis(), &phases, rule), Step::Decided(_))
}

/// Why there are too few pairs for a verdict.
pub(in crate::commands) fn too_few_pairs(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> String {
    let pairs = old.len().min(new.len());
    let rule = configuration.thresholds.pairs().with_pairs(pairs);
    let needed = rule.looks.last().and_then(|look| pairs_needed(look.p));
    let needed = needed.map_or_else(String::new, |pairs| format!("; at least {pairs} are needed"));
    format!("{} of builds run in turn{needed}", units::counted(pairs, "pair"))
}

/// Judges the two versions, the builds of each oldest first.
pub(in crate::commands) fn judge_pairs(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> Vec<Judged> {
    let pairs = old.len().min(new.len());
    let rule = configuration.thresholds.pairs().with_pairs(pairs);
    let build = build_time(old, new, configuration);
    let Thresholds { memory_mb, memory_percent, .. } = configuration.thresholds;
    let least = Least { difference: mebibytes(memory_mb), percent: memory_percent };
    let peak =
        numbers(old, new, None, Measure::Peak, least, |stats| stats.memory_peak_mb.map(mebibytes));
    let mut others: Vec<Numbers> = Some(peak).filter(Numbers::is_hypothesis).into_iter().collect();
    others.extend(phase_times(old, new, configuration));
    let hypotheses: Vec<PairedSamples<'_>> = others.iter().map(Numbers::hypothesis).collect();
    let mut judged = Vec::new();
    if let Step::Decided(answer) = decide_all(&build.hypothesis(), &hypotheses, &rule) {
        judged.push(build.judged(&answer.build, None));
        let peak = || evidence::peak_phase(new);
        judged.extend(
            others
                .iter()
                .zip(&answer.phases)
                .map(|(number, decision)| number.judged(decision, peak())),
        );
    }
    judged.extend(allocations(old, new, configuration));
    sort(&mut judged);
    judged
}

fn build_time(old: &[BuildStats], new: &[BuildStats], configuration: &Configuration) -> Numbers {
    let Thresholds { build_ms, time_percent, .. } = configuration.thresholds;
    let least = Least { difference: build_ms, percent: time_percent };
    numbers(old, new, None, Measure::Time, least, |stats| Some(stats.build_time_ms))
}

/// The self times of the phases that are judged and take long enough.
fn phase_times(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> Vec<Numbers> {
    let phases = new.last().map_or(&[][..], |stats| &stats.phases).iter();
    let judged =
        phases.map(|phase| phase.path.as_str()).filter(|path| configuration.is_judged(path));
    let times = judged.map(|path| {
        let Thresholds { phase_ms, time_percent, .. } = configuration.of_phase(path);
        let least = Least { difference: phase_ms, percent: time_percent };
        let self_ms = |stats: &BuildStats| Some(stats.phase(path)?.self_ms);
        numbers(old, new, Some(path), Measure::Time, least, self_ms)
    });
    times.filter(Numbers::is_hypothesis).collect()
}

fn numbers(
    old: &[BuildStats],
    new: &[BuildStats],
    phase: Option<&str>,
    measure: Measure,
    least: Least,
    of: impl Fn(&BuildStats) -> Option<f64>,
) -> Numbers {
    Numbers {
        phase: phase.map(str::to_owned),
        measure,
        old: old.iter().filter_map(&of).collect(),
        new: new.iter().filter_map(&of).collect(),
        least,
    }
}

/// Allocations are nearly exact, so they are judged as those of other builds are.
fn allocations(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> Vec<Judged> {
    let baseline = [Session { builds: old.to_vec() }];
    let mut evidence = Evidence::collect(new, &baseline, configuration);
    evidence
        .retain(|evidence| matches!(evidence.measure, Measure::Allocations | Measure::Allocated));
    let hypotheses: Vec<_> = evidence.iter().map(Evidence::hypothesis).collect();
    let findings = judge_all(&hypotheses, configuration.thresholds.false_discovery_rate);
    super::explain(&evidence, findings, new, &baseline)
}

#[cfg(test)]
mod tests {
    use perf_history::PhaseStats;

    use super::*;

    /// Builds of one version.
    fn half(builds: u32, change: impl Fn(u32, &mut BuildStats)) -> Vec<BuildStats> {
        let build = |number| {
            let noise = 1.0 + f64::from(number * 5 % 11) * 0.002;
            let phase = |path: &str| {
                let mut phase = PhaseStats::new(path);
                phase.self_ms = 100.0 * noise;
                phase.self_alloc_count = Some(1_000);
                phase
            };
            let mut stats = BuildStats::default();
            stats.build_time_ms = 200.0 * noise;
            stats.memory_peak_mb = Some(10.0 * noise);
            stats.alloc_count = Some(2_000);
            stats.phases = vec![phase("read"), phase("render")];
            change(number, &mut stats);
            stats
        };
        (0..builds).map(build).collect()
    }

    /// The verdict on each number that changed.
    fn changed(old: &[BuildStats], new: &[BuildStats]) -> Vec<(Verdict, String)> {
        let judged = judge_pairs(old, new, &Configuration::default());
        judged
            .iter()
            .filter(|judged| judged.is_change())
            .map(|judged| (judged.verdict, judged.what()))
            .collect()
    }

    fn are_enough(old: &[BuildStats], new: &[BuildStats]) -> bool {
        let configuration = Configuration::default();
        are_decided(old, new, &configuration, &configuration.thresholds.pairs())
    }

    #[test]
    fn a_phase_that_allocates_more_is_a_regression_although_times_are_equal() {
        let old = half(8, |_, _| ());
        let new = half(8, |_, stats| {
            stats.phases[1].self_alloc_count = Some(1_020);
            stats.alloc_count = Some(2_020);
        });
        let what = ["build allocations", "render: allocations"];
        let all = |verdict| what.map(|what| (verdict, what.to_owned()));
        assert_eq!(changed(&old, &new), all(Verdict::Regression));
        assert_eq!(changed(&new, &old), all(Verdict::Improvement));
        assert_eq!(changed(&old, &old), []);
    }

    #[test]
    fn undecided_memory_needs_no_more_pairs() {
        let (old, new) = (
            half(8, |_, _| ()),
            half(8, |number, stats| {
                // More in five of eight: more pairs could confirm it.
                stats.memory_peak_mb = Some(if number < 5 { 20.0 } else { 10.0 });
            }),
        );
        assert!(are_enough(&old, &new));
        let slower = half(8, |number, stats| {
            stats.build_time_ms *= if number < 5 { 2.0 } else { 1.0 };
        });
        assert!(!are_enough(&old, &slower), "undecided time does");
    }

    #[test]
    fn the_change_that_ends_the_pairs_is_in_the_final_verdict() {
        let old = half(8, |_, _| ());
        let new = half(8, |_, stats| stats.phases[0].self_ms *= 1.1);
        assert!(are_enough(&old, &new));
        assert_eq!(changed(&old, &new), [(Verdict::Regression, "read: self time".to_owned())]);
    }

    #[test]
    fn phases_and_peaks_have_thresholds_of_their_own() {
        let old = half(8, |_, _| ());
        let new = half(8, |_, stats| {
            stats.phases[0].self_ms *= 1.2;
            stats.phases[1].self_ms *= 1.2;
            stats.memory_peak_mb = stats.memory_peak_mb.map(|peak| peak * 1.5);
        });
        let text = "[thresholds]\nmemory-percent = 60\n[[phase]]\npath = 'read'\ntime-percent = 30";
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("buildperf.toml");
        std::fs::write(&path, text).unwrap();
        let judged = judge_pairs(&old, &new, &Configuration::read(&path).unwrap());
        let news: Vec<_> =
            judged.iter().filter(|judged| judged.is_change()).map(Judged::what).collect();
        assert_eq!(news, ["render: self time"]);
    }

    #[test]
    fn too_few_pairs_are_reported_with_the_number_needed() {
        let (old, new) = (half(3, |_, _| ()), half(4, |_, _| ()));
        let message = too_few_pairs(&old, &new, &Configuration::default());
        assert_eq!(message, "3 pairs of builds run in turn; at least 5 are needed");
    }
}
