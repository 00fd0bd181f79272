//! Collects the numbers of builds to be judged.

use std::collections::HashMap;

use perf_history::{AllocationPlace, BuildStats, PhaseStats};

use super::Measure;
use crate::commands::describe::location;
use crate::configuration::Configuration;
use crate::judge::rules::{Hypothesis, Quantity};
use crate::judge::workload::Sample;
use crate::judge::{Thresholds, median};
use crate::present::units::{float, mebibytes};
use crate::select::Session;

/// Phases with a smaller share of the build's allocations are not judged by them.
const NEGLIGIBLE: f64 = 0.01;

/// A number in each build of a candidate and of its baseline.
#[derive(Debug)]
pub(in crate::commands) struct Evidence {
    pub(super) phase: Option<String>,
    pub(super) measure: Measure,
    candidate: Vec<Sample>,
    baseline: Vec<Vec<Sample>>,
    thresholds: Thresholds,
}

impl Evidence {
    /// Collects all numbers to be judged.
    pub(in crate::commands) fn collect(
        candidate: &[BuildStats],
        baseline: &[Session],
        configuration: &Configuration,
    ) -> Vec<Self> {
        let workload = configuration.workload.as_deref();
        let work = |stats: &BuildStats| Some(float(*stats.counts.get(workload?)?));
        let mut gathering = Gathering { candidate, baseline, evidence: Vec::new() };
        gathering.add(None, Measure::Time, configuration.thresholds, |stats| {
            Some(Sample { value: stats.build_time_ms, items: work(stats) })
        });
        gathering.add(None, Measure::Peak, configuration.thresholds, |stats| {
            Some(Sample { value: mebibytes(stats.memory_peak_mb?), items: work(stats) })
        });
        let counts = candidate.first().map(|stats| &stats.counts);
        let does_as_much = |stats: &BuildStats| counts == Some(&stats.counts);
        for (measure, of) in [
            (Measure::Allocations, (|stats| stats.alloc_count) as fn(&BuildStats) -> _),
            (Measure::Allocated, |stats| stats.alloc_bytes),
        ] {
            gathering.add(None, measure, configuration.thresholds, |stats| {
                Some(Sample::new(float(of(stats).filter(|_| does_as_much(stats))?)))
            });
        }
        gathering.add_phases(configuration, &does_as_much);
        gathering.evidence
    }

    pub(super) fn hypothesis(&self) -> Hypothesis<'_> {
        Hypothesis {
            quantity: match (self.measure, &self.phase) {
                (Measure::Time, None) => Quantity::BuildTime,
                (Measure::Time, Some(_)) => Quantity::PhaseTime,
                (Measure::Allocations | Measure::Allocated, _) => Quantity::Allocations,
                (Measure::Peak, _) => Quantity::MemoryPeak,
            },
            candidate: &self.candidate,
            baseline: &self.baseline,
            thresholds: &self.thresholds,
        }
    }
}

struct Gathering<'a> {
    candidate: &'a [BuildStats],
    baseline: &'a [Session],
    evidence: Vec<Evidence>,
}

impl Gathering<'_> {
    fn add(
        &mut self,
        phase: Option<&str>,
        measure: Measure,
        thresholds: Thresholds,
        of: impl Fn(&BuildStats) -> Option<Sample>,
    ) {
        let candidate: Vec<Sample> = self.candidate.iter().filter_map(&of).collect();
        let baseline = self.baseline.iter();
        let baseline = baseline.map(|session| session.builds.iter().filter_map(&of).collect());
        self.push(phase, measure, thresholds, candidate, baseline.collect());
    }

    fn push(
        &mut self,
        phase: Option<&str>,
        measure: Measure,
        thresholds: Thresholds,
        candidate: Vec<Sample>,
        baseline: Vec<Vec<Sample>>,
    ) {
        if candidate.is_empty() {
            return;
        }
        let phase = phase.map(str::to_owned);
        let baseline = match measure {
            Measure::Allocations | Measure::Allocated => without_steps_up(baseline),
            Measure::Time | Measure::Peak => baseline,
        };
        self.evidence.push(Evidence { phase, measure, candidate, baseline, thresholds });
    }

    /// The phases of the candidate that are judged.
    fn add_phases(
        &mut self,
        configuration: &Configuration,
        does_as_much: &dyn Fn(&BuildStats) -> bool,
    ) {
        let (candidate, baseline) = (self.candidate, self.baseline);
        let by_path = |stats| by_path(stats);
        let new: Vec<_> = candidate.iter().map(by_path).collect();
        let old: Vec<Vec<_>> =
            baseline.iter().map(|session| session.builds.iter().map(by_path).collect()).collect();
        let newest = candidate.last().map_or(&[][..], |stats| &stats.phases);
        for PhaseStats { path, .. } in newest {
            if !configuration.is_judged(path) {
                continue;
            }
            let thresholds = configuration.of_phase(path);
            let path = path.as_str();
            let sample =
                |phases: &Phases<'_>, of: &dyn Fn(&PhaseStats, &BuildStats) -> Option<f64>| {
                    let phase = phases.phases.get(path)?;
                    let items = (phase.items > 0).then(|| float(phase.items));
                    Some(Sample { value: of(phase, phases.stats)?, items })
                };
            let mut add = |measure, of: &dyn Fn(&PhaseStats, &BuildStats) -> Option<f64>| {
                let new = new.iter().filter_map(|phases| sample(phases, of)).collect();
                let old: Vec<Vec<Sample>> = old
                    .iter()
                    .map(|session| session.iter().filter_map(|phases| sample(phases, of)).collect())
                    .collect();
                self.push(Some(path), measure, thresholds, new, old);
            };
            add(Measure::Time, &|phase, _| Some(phase.self_ms));
            let count: Counts = (|phase| phase.self_alloc_count, |stats| stats.alloc_count);
            let bytes: Counts = (|phase| phase.self_alloc_bytes, |stats| stats.alloc_bytes);
            for (measure, (own, all)) in
                [(Measure::Allocations, count), (Measure::Allocated, bytes)]
            {
                let share =
                    |stats: &BuildStats| Some(float(own(stats.phase(path)?)?) / float(all(stats)?));
                let share = median(candidate.iter().filter_map(share));
                if share.is_some_and(|share| share >= NEGLIGIBLE) {
                    add(measure, &|phase, stats| {
                        own(phase).filter(|_| does_as_much(stats)).map(float)
                    });
                }
            }
        }
    }
}

/// A number in a phase itself, and in its build.
type Counts = (fn(&PhaseStats) -> Option<u64>, fn(&BuildStats) -> Option<u64>);

/// The phases of a build by their paths.
struct Phases<'a> {
    stats: &'a BuildStats,
    phases: HashMap<&'a str, &'a PhaseStats>,
}

fn by_path(stats: &BuildStats) -> Phases<'_> {
    let phases = stats.phases.iter().map(|phase| (phase.path.as_str(), phase)).collect();
    Phases { stats, phases }
}

/// How much a nearly exact number may vary within one level, as a share.
const EXACT: f64 = 0.005;
/// More levels than this are noise, not steps.
const MOST_LEVELS: usize = 4;
/// A lower level becomes the baseline once it has this many builds.
const ENOUGH: usize = 5;

/// Leaves out the sessions after a step up that was not accepted. They would widen the range so that
/// later steps are within it. A step down becomes the new baseline.
fn without_steps_up(baseline: Vec<Vec<Sample>>) -> Vec<Vec<Sample>> {
    let middle = |session: &[Sample]| median(session.iter().map(|sample| sample.value));
    let mut levels: Vec<(f64, Vec<Vec<Sample>>)> = Vec::new();
    for session in &baseline {
        let Some(value) = middle(session) else { continue };
        match levels.last_mut() {
            Some((level, sessions)) if (value - *level).abs() <= EXACT * *level => {
                sessions.push(session.clone());
            }
            _ => levels.push((value, vec![session.clone()])),
        }
    }
    if levels.len() > MOST_LEVELS {
        return baseline;
    }
    let mut levels = levels.into_iter();
    let Some((mut level, mut kept)) = levels.next() else { return baseline };
    for (next, sessions) in levels {
        if (next - level).abs() <= EXACT * level {
            kept.extend(sessions);
        } else if next < level && sessions.iter().map(Vec::len).sum::<usize>() >= ENOUGH {
            (level, kept) = (next, sessions);
        }
    }
    kept
}

/// The code location in a phase (`None`: in the build) whose allocations grew most.
pub(super) fn place(
    phase: Option<&str>,
    candidate: &[BuildStats],
    baseline: &[Session],
) -> Option<String> {
    let newest = candidate.last()?;
    let places = |stats: &BuildStats| -> HashMap<(String, Option<String>, Option<u64>), f64> {
        let phases = stats.phases.iter();
        let phases = phases.filter(|phase_stats| phase.is_none_or(|path| phase_stats.path == path));
        let mut places = HashMap::new();
        for place in phases.flat_map(|phase| &phase.top_allocators) {
            let AllocationPlace { function, file, line, alloc_bytes, .. } = place;
            let place = (function.clone(), file.clone(), *line);
            *places.entry(place).or_default() += float(*alloc_bytes);
        }
        places
    };
    let new = places(newest);
    // Old locations are matched by function alone, since lines move.
    let mut old: HashMap<String, f64> = HashMap::new();
    let older = baseline.iter().rev().flat_map(|session| session.builds.iter().rev());
    if let Some(older) = older.map(places).find(|places| !places.is_empty()) {
        for ((function, ..), bytes) in older {
            *old.entry(function).or_default() += bytes;
        }
    }
    let growth = |(function, ..): &(String, Option<String>, Option<u64>), bytes: f64| {
        bytes - old.get(function).copied().unwrap_or_default()
    };
    let most = new
        .iter()
        .max_by(|(a, x), (b, y)| growth(a, **x).total_cmp(&growth(b, **y)).then_with(|| a.cmp(b)));
    let ((function, file, line), _) = most?;
    Some(location(function, file.as_deref(), *line))
}

/// The phase in which the live heap peaked, if it was recorded.
pub(super) fn peak_phase(candidate: &[BuildStats]) -> Option<String> {
    let phase = candidate.last()?.peak_phase.as_ref()?;
    Some(format!("highest in {phase}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(values: &[f64]) -> Vec<f64> {
        let baseline = values.iter().map(|value| vec![Sample::new(*value)]).collect();
        without_steps_up(baseline).into_iter().flatten().map(|sample| sample.value).collect()
    }

    #[test]
    fn builds_after_an_unaccepted_step_up_are_left_out() {
        assert_eq!(kept(&[100.0, 100.1, 102.0, 102.0]), [100.0, 100.1]);
        assert_eq!(kept(&[100.0, 102.0, 100.0]), [100.0, 100.0]);
    }

    #[test]
    fn a_step_down_becomes_the_baseline_with_enough_builds() {
        assert_eq!(kept(&[100.0, 100.0, 98.0]), [100.0, 100.0]);
        assert_eq!(kept(&[100.0, 98.0, 98.0, 98.0, 98.0, 98.0]), [98.0; 5]);
    }

    #[test]
    fn noisy_numbers_have_no_steps() {
        let noisy = [100.0, 103.0, 99.0, 101.0, 104.0, 98.0];
        assert_eq!(kept(&noisy), noisy);
    }
}
