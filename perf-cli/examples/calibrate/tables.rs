//! The questions that the calibration asks, each as a table in Markdown.

use std::fmt::{self, Write};

use perf_cli::internals::Verdict;
use perf_cli::internals::bootstrap::RatioInterval;
use perf_cli::internals::e_divisive::{Options, change_points};

use crate::noise::{Builds, World};
use crate::trials::{Question, answers, mean, share};
use crate::{others, ours};

/// Standard deviations of ln(time) within a session.
pub const NOISES: [f64; 2] = [0.027, 0.08];
/// Standard deviations of what a session's builds share.
pub const SESSIONS: [f64; 3] = [0.0, 0.02, 0.05];
/// What the change does to the build.
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

/// How `ab` ends in every world: the shares of regressions and of improvements, and the mean pairs.
pub struct AbCell {
    pub world: World,
    pub regressions: f64,
    pub improvements: f64,
    pub pairs: f64,
    pub phase_regressions: f64,
}

/// `ab` in every world, with this many phases beside the build.
pub fn ab(trials: u64, phases: usize) -> Vec<AbCell> {
    let worlds: Vec<World> = worlds().collect();
    let questions: Vec<Question<'_, ours::Ended>> = worlds
        .iter()
        .map(|world| -> Question<'_, _> {
            Box::new(move |seed| ours::ab(&mut Builds::new(*world, seed), phases))
        })
        .collect();
    let all = answers(questions, trials);
    let share_of = |ended: &[ours::Ended], verdict| {
        share(&ended.iter().map(|it| it.build == verdict).collect::<Vec<_>>())
    };
    let cell = |(world, ended): (&World, Vec<ours::Ended>)| AbCell {
        world: *world,
        regressions: share_of(&ended, Verdict::Regression),
        improvements: share_of(&ended, Verdict::Improvement),
        pairs: mean(ended.iter().map(|it| f64::from(u32::try_from(it.pairs).expect("few")))),
        phase_regressions: share(&ended.iter().map(|it| it.any_phase).collect::<Vec<_>>()),
    };
    worlds.iter().zip(all).map(cell).collect()
}

/// A rule that judges a candidate against a history.
#[derive(Clone, Copy)]
pub struct Rule {
    pub name: &'static str,
    /// Whether it flags the candidate, after so many builds or sessions.
    pub flags: fn(&mut Builds, usize) -> bool,
    /// Whether it is one of ours that fails a gate where the history is long enough.
    pub is_ours: bool,
}

/// A history of sessions of one build each.
fn plain_history(builds: &mut Builds, count: usize) -> Vec<f64> {
    builds.history(count, 1).concat()
}

/// Whether a rule for one build flags it.
fn one_build(builds: &mut Builds, count: usize, rule: fn(&[f64], f64) -> bool) -> bool {
    let history = plain_history(builds, count);
    rule(&history, builds.after(1)[0])
}

/// All rules, ours first.
pub const RULES: [Rule; 12] = [
    Rule {
        name: "**ours**: one build, `suspect`",
        flags: |builds, count| ours::against_history(builds, count, 1, 1) == Verdict::Suspect,
        is_ours: true,
    },
    Rule {
        name: "**ours**: session of 3 against builds",
        flags: |builds, count| flagged(ours::against_history(builds, count, 1, 3), count),
        is_ours: true,
    },
    Rule {
        name: "**ours**: session of 5 against builds",
        flags: |builds, count| flagged(ours::against_history(builds, count, 1, 5), count),
        is_ours: true,
    },
    Rule {
        name: "**ours**: session of 5 against sessions of 5",
        flags: |builds, count| flagged(ours::against_history(builds, count, 5, 5), count),
        is_ours: true,
    },
    Rule {
        name: "Bencher: t-test, 0.99",
        flags: |builds, count| one_build(builds, count, others::bencher_t_test),
        is_ours: false,
    },
    Rule {
        name: "Bencher: IQR, 3",
        flags: |builds, count| one_build(builds, count, others::bencher_iqr),
        is_ours: false,
    },
    Rule {
        name: "CodSpeed: 10 %",
        flags: |builds, count| one_build(builds, count, others::codspeed),
        is_ours: false,
    },
    Rule {
        name: "github-action-benchmark: 200 %",
        flags: |builds, count| one_build(builds, count, others::github_action_benchmark),
        is_ours: false,
    },
    Rule {
        name: "rustc-perf: IQR of changes",
        flags: |builds, count| one_build(builds, count, others::rustc_perf),
        is_ours: false,
    },
    Rule {
        name: "Otava: after one build",
        flags: |builds, count| {
            let history = plain_history(builds, count);
            others::otava(&history, &builds.after(1))
        },
        is_ours: false,
    },
    Rule {
        name: "Otava: after five builds in one session",
        flags: |builds, count| {
            let history = plain_history(builds, count);
            others::otava(&history, &builds.after(5))
        },
        is_ours: false,
    },
    Rule {
        name: "Otava: after five builds on five days",
        flags: |builds, count| {
            let history = plain_history(builds, count);
            let candidates: Vec<f64> = (0..5).flat_map(|_| builds.after(1)).collect();
            others::otava(&history, &candidates)
        },
        is_ours: false,
    },
];

/// With a short history, the most that a rule can say is `suspect`.
fn flagged(verdict: Verdict, sessions: usize) -> bool {
    verdict == if sessions < 10 { Verdict::Suspect } else { Verdict::Regression }
}

/// The share of candidates that a rule flags, in one world and with one length of history.
pub struct HistoryCell {
    pub rule: Rule,
    pub world: World,
    pub history: usize,
    pub flagged: f64,
}

/// Every rule in every world with every history; by rule, history, and world.
pub fn against_history(trials: u64, rules: &[Rule]) -> Vec<HistoryCell> {
    let mut cells = Vec::new();
    for rule in rules {
        for history in HISTORIES {
            cells.extend(worlds().map(|world| (*rule, history, world)));
        }
    }
    let questions: Vec<Question<'_, bool>> = cells
        .iter()
        .map(|(rule, history, world)| -> Question<'_, _> {
            Box::new(move |seed| (rule.flags)(&mut Builds::new(*world, seed), *history))
        })
        .collect();
    let all = answers(questions, trials);
    let cell = |((rule, history, world), flags): ((Rule, usize, World), Vec<bool>)| HistoryCell {
        rule,
        world,
        history,
        flagged: share(&flags),
    };
    cells.into_iter().zip(all).map(cell).collect()
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
    let mut cells = Vec::new();
    for history in HISTORIES {
        for range in [0.0, 0.001, 0.0025, 0.005] {
            cells.extend([0.0, 0.01, 0.02].map(|change| (history, range, change)));
        }
    }
    let still = World { noise: 0.0, session: 0.0, change: 0.0 };
    let questions: Vec<Question<'_, bool>> = cells
        .iter()
        .map(|(history, range, change)| -> Question<'_, _> {
            Box::new(move |seed| {
                let mut builds = Builds::new(still, seed);
                let verdict = ours::allocations(&mut builds, *history, *range, *change);
                verdict == Verdict::Regression
            })
        })
        .collect();
    let all = answers(questions, trials);
    let cell = |((history, range, change), flags): ((usize, f64, f64), Vec<bool>)| AllocationCell {
        history,
        range,
        change,
        flagged: share(&flags),
    };
    cells.into_iter().zip(all).map(cell).collect()
}

/// Change points in a series of 60 builds whose last 15 are at the new level.
pub struct TrendCell {
    pub world: World,
    /// Series with a change point within two builds of the true place.
    pub ours: f64,
    pub otava: f64,
    /// Series with one anywhere else.
    pub ours_elsewhere: f64,
    pub otava_elsewhere: f64,
}

/// `trend` beside Otava, in every world without and with a shift of 10 and 20 %.
pub fn trend(trials: u64) -> Vec<TrendCell> {
    const BEFORE: usize = 45;
    const AFTER: usize = 15;
    let worlds: Vec<World> = worlds().filter(|world| (world.change - 0.05).abs() > 1e-9).collect();
    let questions: Vec<Question<'_, [bool; 4]>> = worlds
        .iter()
        .map(|world| -> Question<'_, _> {
            Box::new(move |seed| {
                let mut builds = Builds::new(*world, seed);
                let mut series = plain_history(&mut builds, BEFORE);
                series.extend((0..AFTER).flat_map(|_| builds.after(1)));
                let is_true = |place: &usize| world.change > 0.0 && place.abs_diff(BEFORE) <= 2;
                let of = |places: Vec<usize>| {
                    (places.iter().any(is_true), places.iter().any(|place| !is_true(place)))
                };
                let points = change_points(&series, &Options::default());
                let ours = of(points.iter().map(|point| point.index).collect());
                let points = others::otava_change_points(&series);
                let otava = of(points.iter().map(|(place, _)| *place).collect());
                [ours.0, otava.0, ours.1, otava.1]
            })
        })
        .collect();
    let all = answers(questions, trials);
    let cell = |(world, found): (World, Vec<[bool; 4]>)| {
        let of = |at: usize| share(&found.iter().map(|it| it[at]).collect::<Vec<_>>());
        TrendCell {
            world,
            ours: of(0),
            otava: of(1),
            ours_elsewhere: of(2),
            otava_elsewhere: of(3),
        }
    };
    worlds.into_iter().zip(all).map(cell).collect()
}

/// How often the interval of 95 % holds the true ratio.
pub struct IntervalCell {
    pub noise: f64,
    pub pairs: usize,
    pub covered: f64,
    /// Its mean width, as a share of the ratio.
    pub width: f64,
}

/// The bootstrap interval at every number of pairs that `ab` may end with.
pub fn intervals(trials: u64) -> Vec<IntervalCell> {
    let cells: Vec<(f64, usize)> =
        NOISES.into_iter().flat_map(|noise| [8, 12, 20].map(|pairs| (noise, pairs))).collect();
    let questions: Vec<Question<'_, (bool, f64)>> = cells
        .iter()
        .map(|(noise, pairs)| -> Question<'_, _> {
            Box::new(move |seed| {
                let world = World { noise: *noise, session: 0.02, change: 0.1 };
                let (base, head) = Builds::new(world, seed).pairs(*pairs);
                let it = RatioInterval::of(&base, &head, 0.95).expect("there are enough pairs");
                ((it.low..=it.high).contains(&1.1), (it.high - it.low) / it.ratio)
            })
        })
        .collect();
    let all = answers(questions, trials);
    let cell = |((noise, pairs), found): ((f64, usize), Vec<(bool, f64)>)| IntervalCell {
        noise,
        pairs,
        covered: share(&found.iter().map(|it| it.0).collect::<Vec<_>>()),
        width: mean(found.iter().map(|it| it.1)),
    };
    cells.into_iter().zip(all).map(cell).collect()
}

/// A share in per cent, with a second digit where it is small.
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.0;
        if percent > 0.0 && percent < 2.0 {
            write!(f, "{percent:.2}")
        } else {
            write!(f, "{percent:.1}")
        }
    }
}

/// A table in Markdown; all columns but the first `words` are numbers.
pub fn table(words: usize, header: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|", header.join(" | "));
    for column in 0..header.len() {
        text.push_str(if column < words { "---|" } else { "---:|" });
    }
    for row in rows {
        let _ = write!(text, "\n| {} |", row.join(" | "));
    }
    text.push('\n');
    text
}
