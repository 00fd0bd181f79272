//! The rules of this project, used as its commands use them.

use perf_cli::internals::rules::{Hypothesis, Quantity, judge};
use perf_cli::internals::sequential::{self, Comparison, PairedSamples, Step, decide_all};
use perf_cli::internals::workload::Sample;
use perf_cli::internals::{Thresholds, Verdict};

use crate::simulation::Builds;

/// The verdict on a session of `runs` against a history of `sessions`.
pub fn against_history(
    builds: &mut Builds,
    sessions: usize,
    builds_each: usize,
    runs: usize,
) -> Verdict {
    let samples = |times: Vec<f64>| -> Vec<Sample> { times.into_iter().map(Sample::new).collect() };
    let history = builds.history(sessions, builds_each);
    let baseline: Vec<Vec<Sample>> = history.into_iter().map(samples).collect();
    verdict(Quantity::BuildTime, &samples(builds.after(runs)), &baseline)
}

/// The verdict on a build that allocates `change` more, where builds differ by up to `range`.
pub fn allocations(builds: &mut Builds, history: usize, range: f64, change: f64) -> Verdict {
    const COUNT: f64 = 1_000_000.0;
    let mut build = |level: f64| Sample::new((builds.between(1.0, 1.0 + range) * level).round());
    let baseline: Vec<Vec<Sample>> = (0..history).map(|_| vec![build(COUNT)]).collect();
    verdict(Quantity::Allocations, &[build(COUNT * (1.0 + change))], &baseline)
}

fn verdict(quantity: Quantity, candidate: &[Sample], baseline: &[Vec<Sample>]) -> Verdict {
    let thresholds = &Thresholds::default();
    judge(&Hypothesis { quantity, candidate, baseline, thresholds })
        .map_or(Verdict::Unchanged, |finding| finding.verdict)
}

/// The result of `ab`.
pub struct AbResult {
    pub build: Verdict,
    /// Whether any phase was called a regression.
    pub phase_regressed: bool,
    pub pairs: u32,
}

/// `ab` on a build and on `phases` independent phases, each as noisy and a tenth of the build.
pub fn ab(builds: &mut Builds, phases: usize) -> AbResult {
    let rule = sequential::Rule::default();
    let build = builds.pairs(rule.max_pairs());
    let tenth =
        |times: Vec<f64>| -> Vec<f64> { times.into_iter().map(|time| time * 0.1).collect() };
    let phases: Vec<(Vec<f64>, Vec<f64>)> = (0..phases)
        .map(|_| builds.pairs(rule.max_pairs()))
        .map(|(base, head)| (tenth(base), tenth(head)))
        .collect();
    let mut pairs = 0;
    loop {
        let of_phases: Vec<_> = phases.iter().map(|phase| first(phase, pairs, 2.0)).collect();
        match decide_all(&first(&build, pairs, 5.0), &of_phases, &rule) {
            Step::Continue { until } => pairs = until,
            Step::Decided(Comparison { build, phases }) => {
                return AbResult {
                    build: build.verdict,
                    phase_regressed: phases
                        .iter()
                        .any(|phase| phase.verdict == Verdict::Regression),
                    pairs: u32::try_from(pairs).expect("at most 20"),
                };
            }
        }
    }
}

/// The first pairs.
fn first((base, head): &(Vec<f64>, Vec<f64>), pairs: usize, floor: f64) -> PairedSamples<'_> {
    PairedSamples { base: &base[..pairs], head: &head[..pairs], floor, least_change: 0.05 }
}
