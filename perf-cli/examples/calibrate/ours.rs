//! The rules of this project, asked as its commands ask them.

use perf_cli::internals::rules::{Hypothesis, Quantity, judge};
use perf_cli::internals::sequential::{self, Comparison, Step, decide_all};
use perf_cli::internals::workload::Sample;
use perf_cli::internals::{Thresholds, Verdict};

use crate::noise::Builds;

/// The verdict on a candidate's session of `runs` against a history of sessions.
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

/// How `ab` ended.
pub struct Ended {
    /// What was said of the build.
    pub build: Verdict,
    /// Whether any phase was called a regression.
    pub any_phase: bool,
    /// The pairs that it took.
    pub pairs: usize,
}

/// `ab` on a build, and on `phases` phases that are as noisy, a tenth of the build each, and
/// independent of it.
pub fn ab(builds: &mut Builds, phases: usize) -> Ended {
    const SHARE: f64 = 0.1;
    let rule = sequential::Rule::default();
    let most = rule.most_pairs();
    let build = builds.pairs(most);
    let shrunk = |it: Vec<f64>| -> Vec<f64> { it.into_iter().map(|time| time * SHARE).collect() };
    let phases: Vec<(Vec<f64>, Vec<f64>)> = (0..phases)
        .map(|_| builds.pairs(most))
        .map(|(base, head)| (shrunk(base), shrunk(head)))
        .collect();
    let mut pairs = 0;
    loop {
        let so_far = |(base, head): &'_ (Vec<f64>, Vec<f64>), floor| {
            (base[..pairs].to_vec(), head[..pairs].to_vec(), floor)
        };
        let mut halves = vec![so_far(&build, 5.0)];
        halves.extend(phases.iter().map(|phase| so_far(phase, 2.0)));
        let all: Vec<_> = halves
            .iter()
            .map(|(base, head, floor)| sequential::Hypothesis {
                base,
                head,
                floor: *floor,
                least_change: 0.05,
            })
            .collect();
        match decide_all(&all[0], &all[1..], &rule) {
            Step::Continue { until } => pairs = until,
            Step::Decided(Comparison { build, phases }) => {
                let any_phase = phases.iter().any(|it| it.verdict == Verdict::Regression);
                return Ended { build: build.verdict, any_phase, pairs };
            }
        }
    }
}
