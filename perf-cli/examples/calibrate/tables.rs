//! The questions of the calibration, one function per table.

use perf_cli::internals::Verdict;
use perf_cli::internals::bootstrap::RatioInterval;
use perf_cli::internals::e_divisive::{Options, change_points};

use crate::simulation::{Builds, World, answers, mean, share};
use crate::{others, ours};

/// Standard deviations of ln(time) within a session.
pub const NOISES: [f64; 2] = [0.027, 0.08];
/// Standard deviations of ln(time) between sessions.
pub const SESSIONS: [f64; 3] = [0.0, 0.02, 0.05];
/// By how much the candidate is slower.
pub const CHANGES: [f64; 4] = [0.0, 0.05, 0.1, 0.2];
/// Lengths of the history.
const HISTORIES: [usize; 3] = [5, 10, 30];

fn worlds() -> impl Iterator<Item = World> {
    NOISES.into_iter().flat_map(|noise| {
        SESSIONS.into_iter().flat_map(move |session| {
            CHANGES.into_iter().map(move |change| World { noise, session, change })
        })
    })
}

/// The results of `ab` in one world: shares of verdicts, and the mean number of pairs.
pub struct AbCell {
    pub world: World,
    pub regressions: f64,
    pub improvements: f64,
    pub phase_regressions: f64,
    pub pairs: f64,
}

/// `ab` in every world, with this many phases beside the build.
pub fn ab(trials: u64, phases: usize) -> Vec<AbCell> {
    let worlds: Vec<World> = worlds().collect();
    let all =
        answers(&worlds, trials, |world, seed| ours::ab(&mut Builds::new(*world, seed), phases));
    let cell = |(world, results): (World, Vec<ours::AbResult>)| AbCell {
        world,
        regressions: share(&results, |result| result.build == Verdict::Regression),
        improvements: share(&results, |result| result.build == Verdict::Improvement),
        phase_regressions: share(&results, |result| result.phase_regressed),
        pairs: mean(&results, |result| f64::from(result.pairs)),
    };
    worlds.into_iter().zip(all).map(cell).collect()
}

/// A rule that judges a candidate against a history.
#[derive(Clone, Copy)]
pub enum Contender {
    /// Our rule, with this many builds in each session of the history and of the candidate.
    Ours { each: usize, runs: usize },
    /// A rule that judges one build against a history of single builds.
    OneBuild(fn(&[f64], f64) -> bool),
    /// Otava, after this many sessions with this many builds each.
    Otava { sessions: usize, runs: usize },
}

use Contender::{OneBuild, Otava, Ours};

/// All rules, ours first.
pub const CONTENDERS: [(&str, Contender); 12] = [
    ("**ours**: one build, `suspect`", Ours { each: 1, runs: 1 }),
    ("**ours**: session of 3 against builds", Ours { each: 1, runs: 3 }),
    ("**ours**: session of 5 against builds", Ours { each: 1, runs: 5 }),
    ("**ours**: session of 5 against sessions of 5", Ours { each: 5, runs: 5 }),
    ("Bencher: t-test, 0.99", OneBuild(others::bencher_t_test)),
    ("Bencher: IQR, 3", OneBuild(others::bencher_iqr)),
    ("CodSpeed: 10 %", OneBuild(others::codspeed)),
    ("github-action-benchmark: 200 %", OneBuild(others::github_action_benchmark)),
    ("rustc-perf: IQR of changes", OneBuild(others::rustc_perf)),
    ("Otava: after one build", Otava { sessions: 1, runs: 1 }),
    ("Otava: after five builds in one session", Otava { sessions: 1, runs: 5 }),
    ("Otava: after five builds on five days", Otava { sessions: 5, runs: 1 }),
];

impl Contender {
    /// Whether it flags the candidate after a history of this length.
    fn flags(self, builds: &mut Builds, history: usize) -> bool {
        match self {
            Ours { each, runs } => {
                // With a single build or a short history, our rules say `suspect` at most.
                let is_suspect = runs == 1 || history < 10;
                ours::against_history(builds, history, each, runs)
                    == if is_suspect { Verdict::Suspect } else { Verdict::Regression }
            }
            OneBuild(rule) => {
                let history = builds.history(history, 1).concat();
                rule(&history, builds.after(1)[0])
            }
            Otava { sessions, runs } => {
                let history = builds.history(history, 1).concat();
                let candidates: Vec<f64> = (0..sessions).flat_map(|_| builds.after(runs)).collect();
                others::otava(&history, &candidates)
            }
        }
    }
}

/// The share of candidates that a rule flags, in one world and with one length of history.
pub struct HistoryCell {
    pub name: &'static str,
    pub rule: Contender,
    pub history: usize,
    pub world: World,
    pub flagged: f64,
}

/// Every rule in every world with every history; ordered by rule, history and world.
pub fn against_history(trials: u64, rules: &[(&'static str, Contender)]) -> Vec<HistoryCell> {
    let mut cells = Vec::new();
    for (name, rule) in rules.iter().copied() {
        for history in HISTORIES {
            let flagged = 0.0;
            cells.extend(worlds().map(|world| HistoryCell { name, rule, history, world, flagged }));
        }
    }
    let all = answers(&cells, trials, |HistoryCell { rule, history, world, .. }, seed| {
        rule.flags(&mut Builds::new(*world, seed), *history)
    });
    for (cell, flags) in cells.iter_mut().zip(all) {
        cell.flagged = share(&flags, |flag| *flag);
    }
    cells
}

/// The share of builds flagged that allocate `change` more, where builds differ by up to `range`.
pub struct AllocationCell {
    pub history: usize,
    pub range: f64,
    pub change: f64,
    pub flagged: f64,
}

/// Allocations with every range and change.
pub fn allocations(trials: u64) -> Vec<AllocationCell> {
    let still = World { noise: 0.0, session: 0.0, change: 0.0 };
    let mut cells = Vec::new();
    for history in HISTORIES {
        for range in [0.0, 0.001, 0.0025, 0.005] {
            let cell = |change| AllocationCell { history, range, change, flagged: 0.0 };
            cells.extend([0.0, 0.01, 0.02].map(cell));
        }
    }
    let all = answers(&cells, trials, |cell, seed| {
        let builds = &mut Builds::new(still, seed);
        ours::allocations(builds, cell.history, cell.range, cell.change)
    });
    for (cell, verdicts) in cells.iter_mut().zip(all) {
        cell.flagged = share(&verdicts, |verdict| *verdict == Verdict::Regression);
    }
    cells
}

/// `trend` and Otava on series of 60 builds whose last 15 are at the new level, in every world without
/// and with a shift of 10 and 20 %: the shares of series in which ours found a change point within two
/// builds of the true one, ours found one elsewhere, and the same of Otava.
pub fn trend(trials: u64) -> Vec<(World, [f64; 4])> {
    const BEFORE: usize = 45;
    const AFTER: usize = 15;
    let worlds: Vec<World> = worlds().filter(|world| (world.change - 0.05).abs() > 1e-9).collect();
    let all = answers(&worlds, trials, |world, seed| {
        let mut builds = Builds::new(*world, seed);
        let mut series = builds.history(BEFORE, 1).concat();
        series.extend((0..AFTER).flat_map(|_| builds.after(1)));
        let is_true = |index: &usize| world.change > 0.0 && index.abs_diff(BEFORE) <= 2;
        let ours = change_points(&series, &Options::default());
        let ours: Vec<usize> = ours.iter().map(|point| point.index).collect();
        let otava = others::otava_change_points(&series);
        let otava: Vec<usize> = otava.iter().map(|(index, _)| *index).collect();
        let found = |points: &[usize]| points.iter().any(is_true);
        let elsewhere = |points: &[usize]| points.iter().any(|index| !is_true(index));
        [found(&ours), elsewhere(&ours), found(&otava), elsewhere(&otava)]
    });
    let shares = |found: Vec<[bool; 4]>| [0, 1, 2, 3].map(|i| share(&found, |found| found[i]));
    worlds.into_iter().zip(all.into_iter().map(shares)).collect()
}

/// The bootstrap interval of 95 % at every number of pairs that `ab` may end with: noise, pairs, how
/// often it contains the true ratio, and its mean width as a share of the ratio.
pub fn intervals(trials: u64) -> Vec<(f64, usize, [f64; 2])> {
    let cells: Vec<(f64, usize)> =
        NOISES.into_iter().flat_map(|noise| [8, 12, 20].map(|pairs| (noise, pairs))).collect();
    let all = answers(&cells, trials, |(noise, pairs), seed| {
        let world = World { noise: *noise, session: 0.02, change: 0.1 };
        let (base, head) = Builds::new(world, seed).pairs(*pairs);
        RatioInterval::from_pairs(&base, &head, 0.95).expect("there are enough pairs")
    });
    let cell = |((noise, pairs), found): ((f64, usize), Vec<RatioInterval>)| {
        let covered = share(&found, |interval| (interval.low..=interval.high).contains(&1.1));
        let width = mean(&found, |interval| (interval.high - interval.low) / interval.ratio);
        (noise, pairs, [covered, width])
    };
    cells.into_iter().zip(all).map(cell).collect()
}
