//! Judges two halves that were built in turn on one machine.

use perf_history::BuildStats;

use super::evidence::{self, Evidence};
use super::{Judged, Measure, explanation, sort};
use crate::configuration::{Configuration, Thresholds};
use crate::judge::bootstrap::RatioInterval;
use crate::judge::mann_whitney::pairs_needed;
use crate::judge::rules::judge_all;
use crate::judge::sequential::{Decision, PairedSamples, Rule, Step, decide_all};
use crate::judge::{Verdict, median};
use crate::present::units::{self, mebibytes};
use crate::select::Session;

/// How sure the interval of a ratio is.
const CONFIDENCE: f64 = 0.95;

/// The labels of builds.
const RUN: &str = "run";
const SESSION: &str = "session";

/// Whether two sets are the halves of one session, whose builds were run in turn.
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

/// A number in both halves.
struct Numbers {
    phase: Option<String>,
    measure: Measure,
    old: Vec<f64>,
    new: Vec<f64>,
    least: Least,
}

/// The least that counts of a number.
#[derive(Clone, Copy)]
struct Least {
    /// In the number's unit.
    difference: f64,
    /// In percent.
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

    /// Whether both halves have it, and one enough of it to be worth a word.
    fn is_hypothesis(&self) -> bool {
        let middle = |numbers: &[f64]| median(numbers.iter().copied());
        let medians = middle(&self.old).zip(middle(&self.new));
        medians.is_some_and(|(old, new)| old.max(new) > self.least.difference)
    }

    /// What is said of it.
    fn judged(&self, decision: &Decision, peak: Option<String>) -> Judged {
        let is_told = decision.verdict != Verdict::Unchanged
            || (self.phase.is_none() && self.measure == Measure::Time);
        let interval =
            is_told.then(|| RatioInterval::from_pairs(&self.old, &self.new, CONFIDENCE)).flatten();
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
            why: explanation::of_pairs(decision, interval.as_ref(), &least),
            place: peak.filter(|_| self.measure == Measure::Peak),
        }
    }
}

/// Whether no more pairs are needed, by this rule. Times alone say so; what else is judged is looked at
/// once, in the end.
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

/// Why nothing can be said of so few pairs.
pub(in crate::commands) fn too_few_pairs(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> String {
    let pairs = old.len().min(new.len());
    let rule = configuration.rules().pairs.with_pairs(pairs);
    let needed = rule.looks.last().and_then(|look| pairs_needed(look.p));
    let needed = needed.map_or_else(String::new, |it| format!("; it takes {it}"));
    format!("{} of builds run in turn{needed}", units::counted(pairs as u64, "pair"))
}

/// Judges the halves, each oldest first.
pub(in crate::commands) fn judge_pairs(
    old: &[BuildStats],
    new: &[BuildStats],
    configuration: &Configuration,
) -> Vec<Judged> {
    let pairs = old.len().min(new.len());
    let rule = configuration.rules().pairs.with_pairs(pairs);
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
            others.iter().zip(&answer.phases).map(|(it, decision)| it.judged(decision, peak())),
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

/// The self times of the phases that are judged and take long enough for it.
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

#[cfg(test)]
mod tests {
    use perf_history::PhaseStats;

    use super::*;

    /// So many builds of one half, changed.
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

    /// What is said of each number that changed.
    fn changed(old: &[BuildStats], new: &[BuildStats]) -> Vec<(Verdict, String)> {
        let judged = judge_pairs(old, new, &Configuration::default());
        judged.iter().filter(|it| it.is_news()).map(|it| (it.verdict, it.what())).collect()
    }

    fn are_enough(old: &[BuildStats], new: &[BuildStats]) -> bool {
        let configuration = Configuration::default();
        are_decided(old, new, &configuration, &configuration.rules().pairs)
    }

    #[test]
    fn a_phase_that_allocates_more_is_a_regression_at_times_alike() {
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
    fn memory_that_is_not_sure_yet_keeps_no_pairs_going() {
        let (old, new) = (
            half(8, |_, _| ()),
            half(8, |number, stats| {
                // More in five of eight: a sign that more pairs would make sure.
                stats.memory_peak_mb = Some(if number < 5 { 20.0 } else { 10.0 });
            }),
        );
        assert!(are_enough(&old, &new));
        let slower = half(8, |number, stats| {
            stats.build_time_ms *= if number < 5 { 2.0 } else { 1.0 };
        });
        assert!(!are_enough(&old, &slower), "the same of time does");
    }

    #[test]
    fn what_ends_the_pairs_as_a_change_is_one_in_the_end() {
        let old = half(8, |_, _| ());
        let new = half(8, |_, stats| stats.phases[0].self_ms *= 1.1);
        assert!(are_enough(&old, &new));
        assert_eq!(changed(&old, &new), [(Verdict::Regression, "read: self time".to_owned())]);
    }

    #[test]
    fn phases_and_peaks_run_in_turn_are_held_to_their_own_shares() {
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
        let news: Vec<_> = judged.iter().filter(|it| it.is_news()).map(Judged::what).collect();
        assert_eq!(news, ["render: self time"]);
    }

    #[test]
    fn few_pairs_are_told_how_many_it_takes() {
        let (old, new) = (half(3, |_, _| ()), half(4, |_, _| ()));
        let told = too_few_pairs(&old, &new, &Configuration::default());
        assert_eq!(told, "3 pairs of builds run in turn; it takes 5");
    }
}
