//! The rounds: every contender does every workload once in each, side by side.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use workloads::{FEWEST, FULL_PACE, Kind, Timing, Workload};

use crate::contenders::{BARE, Contender};
use crate::error::Error;
use crate::programs::{Programs, ask};
use crate::repeatability::is_too_wide;
use crate::statistics::{Distribution, median, spread};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) rounds: usize,
    /// How long one process times one workload.
    pub(crate) milliseconds: u32,
}

/// What came of one contender at one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) contender: String,
    pub(crate) workload: Workload,
    /// Nanoseconds of one unit: the median over the rounds.
    pub(crate) ns: f64,
    /// What it costs in units of the limit: two reads of a counter in the same process for phases,
    /// and the bare program in the same round for allocations and programs. The median over the
    /// rounds.
    pub(crate) ratio: f64,
    /// The distance between the quartiles of the rounds' ratios, as a share of their median.
    pub(crate) spread: f64,
    /// Between which ratios half of the batches lie, where these are too far apart for the ratio to be
    /// repeated: what it costs has no one value. A quarter of the rounds reach farther down, and a
    /// quarter farther up.
    #[serde(default)]
    pub(crate) range: Option<[f64; 2]>,
}

/// How fast ordinary instructions ran: what else works on a core, of which a program is told nothing,
/// makes them slower, and reads of the counter not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Pace {
    /// Nanoseconds that a fixed number of them took at best.
    pub(crate) best_ns: f64,
    /// The share of all batches around which they were as fast; the others do not count.
    pub(crate) full: f64,
}

impl Pace {
    /// Whether ordinary instructions ran at full pace where so many of them took this long.
    pub(crate) fn is_full(&self, ns: f64) -> bool {
        ns <= self.best_ns * FULL_PACE
    }

    /// The samples that were taken at full pace, and where these are fewer than `fewest`, so many that
    /// come next to them.
    pub(crate) fn calmest<T>(
        &self,
        mut samples: Vec<T>,
        fewest: usize,
        pace_ns: impl Fn(&T) -> f64,
    ) -> Vec<T> {
        samples.sort_by(|one, other| pace_ns(one).total_cmp(&pace_ns(other)));
        let full = samples.partition_point(|it| self.is_full(pace_ns(it)));
        samples.truncate(full.max(fewest));
        samples
    }
}

/// What the rounds found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) figures: Vec<Figure>,
    pub(crate) pace: Pace,
}

/// How often a process is run anew that never saw ordinary instructions run at full pace.
const ANEW: usize = 4;

/// Runs the rounds. `list` names the documents; `progress` is told of each round.
pub(crate) fn run(
    contenders: &[Contender],
    programs: &Programs,
    list: &Path,
    extent: Extent,
    mut progress: impl FnMut(usize),
) -> Result<Measured, Error> {
    let mut rounds = Vec::new();
    let mut paces = Paces::default();
    for round in 0..extent.rounds {
        progress(round);
        let mut timings = Timings::new();
        for workload in Workload::ALL {
            let mut able: Vec<_> = contenders.iter().filter(|it| it.does(workload)).collect();
            // Whoever comes first in one round comes later in the next.
            let turn = round * 5 % able.len().max(1);
            able.rotate_left(turn);
            for contender in able {
                let mut command = programs.command(contender)?;
                command.arg("time").arg(workload.name()).arg(extent.milliseconds.to_string());
                command.arg(contender.most_calls.to_string()).arg(list);
                let timing = paces.at_full_pace(|| ask(&mut command))?;
                if timing.batches >= FEWEST {
                    timings.insert((contender.name, workload), timing);
                }
            }
        }
        rounds.push(timings);
    }
    Ok(Measured { figures: figures(contenders, &rounds), pace: paces.pace() })
}

type Timings = BTreeMap<(&'static str, Workload), Timing>;

/// The paces that were seen so far.
#[derive(Debug, Default)]
struct Paces {
    best_ns: Option<f64>,
    batches_at_full_pace: usize,
    batches: usize,
}

impl Paces {
    /// A timing by a process that saw ordinary instructions run as fast as any process did so far: the
    /// fastest of several, where none did.
    fn at_full_pace(
        &mut self,
        mut time: impl FnMut() -> Result<Timing, Error>,
    ) -> Result<Timing, Error> {
        let mut timing = self.seen(time()?);
        for _ in 0..ANEW {
            if self.pace().is_full(timing.pace_ns) {
                break;
            }
            let anew = self.seen(time()?);
            // Threads that hardly ever ran at once say nothing of the pace.
            if anew.batches >= FEWEST && anew.pace_ns < timing.pace_ns {
                timing = anew;
            }
        }
        Ok(timing)
    }

    fn seen(&mut self, timing: Timing) -> Timing {
        if timing.batches > 0 {
            self.best_ns = Some(self.best_ns.map_or(timing.pace_ns, |it| it.min(timing.pace_ns)));
        }
        self.batches += timing.of_batches;
        if self.pace().is_full(timing.pace_ns) {
            self.batches_at_full_pace += timing.batches;
        }
        timing
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for readers")]
    fn pace(&self) -> Pace {
        Pace {
            best_ns: self.best_ns.unwrap_or(0.0),
            full: self.batches_at_full_pace as f64 / self.batches.max(1) as f64,
        }
    }
}

fn figures(contenders: &[Contender], rounds: &[Timings]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for workload in Workload::ALL {
        for contender in contenders.iter().filter(|it| it.does(workload)) {
            let key = (contender.name, workload);
            let ns: Vec<_> = rounds.iter().filter_map(|it| Some(it.get(&key)?.ns)).collect();
            let in_limits = |of: fn(&Timing) -> f64| -> Vec<_> {
                rounds
                    .iter()
                    .filter_map(|it| {
                        let ratio = of(it.get(&key)?);
                        match workload.kind() {
                            Kind::Phases | Kind::HandedOff => Some(ratio),
                            Kind::Allocations | Kind::Program => {
                                Some(ratio / it.get(&(BARE.name, workload))?.ratio)
                            }
                        }
                    })
                    .collect()
            };
            let ratios = in_limits(|it| it.ratio);
            if ratios.is_empty() {
                continue;
            }
            let ratio = median(&ratios);
            let low = Distribution::of(&in_limits(|it| it.quartiles[0])).lower_quartile;
            let high = Distribution::of(&in_limits(|it| it.quartiles[1])).upper_quartile;
            figures.push(Figure {
                contender: contender.name.to_owned(),
                workload,
                ns: median(&ns),
                ratio,
                spread: spread(&ratios),
                range: is_too_wide(low, ratio, high).then_some([low, high]),
            });
        }
    }
    figures
}

/// The figure of a contender at a workload.
pub(crate) fn figure<'a>(
    figures: &'a [Figure],
    contender: &Contender,
    workload: Workload,
) -> Option<&'a Figure> {
    figures.iter().find(|it| it.contender == contender.name && it.workload == workload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::FULL;

    fn timing(ns: f64, reference_ns: f64) -> Timing {
        Timing {
            ns,
            reference_ns,
            ratio: ns / reference_ns,
            quartiles: [ns / reference_ns; 2],
            pace_ns: 2_000.0,
            batches: 1,
            of_batches: 1,
        }
    }

    #[test]
    fn a_process_that_never_saw_the_full_pace_is_run_anew() {
        let mut paces = Paces::default();
        let mut told = Vec::from([2_900.0, 3_700.0, 2_000.0, 2_100.0, 3_000.0, 2_050.0]);
        told.reverse();
        let mut ask = || {
            let pace_ns = told.pop().unwrap_or(9_000.0);
            Ok(Timing { pace_ns, batches: 30, of_batches: 40, ..timing(1.0, 1.0) })
        };
        let mut next = || paces.at_full_pace(&mut ask).map(|it| it.pace_ns).unwrap();
        let near = |is: f64, should_be: f64| assert!((is - should_be).abs() < 1e-9, "{is}");
        // Nobody knows better at first.
        for should_be in [2_900.0, 2_000.0, 2_100.0, 2_050.0] {
            near(next(), should_be);
        }
        // It never comes: the best of the few.
        near(next(), 9_000.0);
        let pace = paces.pace();
        near(pace.best_ns, 2_000.0);
        near(pace.full, 4.0 * 30.0 / (11.0 * 40.0));
    }

    #[test]
    fn a_process_whose_threads_never_ran_at_once_replaces_none() {
        let mut paces = Paces::default();
        let of = |pace_ns, batches| Timing { pace_ns, batches, of_batches: 40, ..timing(1.0, 1.0) };
        let mut told = vec![of(0.0, 0), of(3_000.0, 30), of(2_000.0, 30)];
        let mut next = || {
            let ask = || Ok(told.pop().unwrap_or_else(|| of(0.0, 0)));
            paces.at_full_pace(ask).map(|it| it.batches).unwrap()
        };
        assert_eq!([next(), next()], [30, 30]);
    }

    #[test]
    fn the_calmest_samples_are_those_at_full_pace_or_next_to_it() {
        let pace = Pace { best_ns: 100.0, full: 1.0 };
        let of = |fewest| pace.calmest(vec![160, 104, 120, 100, 130], fewest, |it| f64::from(*it));
        assert_eq!(of(1), [100, 104]);
        assert_eq!(of(3), [100, 104, 120]);
    }

    #[test]
    fn phases_are_told_in_counter_reads_and_allocations_in_what_the_bare_program_took() {
        let round = |speed: f64| {
            Timings::from([
                ((BARE.name, Workload::TightCall), timing(1.0 * speed, 16.0 * speed)),
                ((FULL.name, Workload::TightCall), timing(32.0 * speed, 16.0 * speed)),
                ((BARE.name, Workload::Alloc8), timing(12.0 * speed, 10.0 * speed)),
                ((FULL.name, Workload::Alloc8), timing(15.0 * speed, 10.0 * speed)),
            ])
        };
        // The machine is slower in each round than in the one before.
        let figures = figures(&[BARE, FULL], &[round(1.0), round(1.5), round(2.0)]);
        let of = |contender, workload| figure(&figures, contender, workload).unwrap();
        assert!((of(&FULL, Workload::TightCall).ratio - 2.0).abs() < 1e-12);
        assert!((of(&FULL, Workload::TightCall).ns - 48.0).abs() < 1e-12);
        assert!((of(&FULL, Workload::Alloc8).ratio - 1.25).abs() < 1e-12);
        assert!((of(&BARE, Workload::Alloc8).ratio - 1.0).abs() < 1e-12);
        assert!(of(&FULL, Workload::Alloc8).spread.abs() < 1e-12);
        assert_eq!(of(&FULL, Workload::Alloc8).range, None);
        assert_eq!(figure(&figures, &FULL, Workload::Alloc1K), None);
    }

    #[test]
    fn a_ratio_whose_batches_lie_far_apart_has_a_range() {
        let round = |low, high| {
            let full = Timing { quartiles: [low, high], ..timing(60.0, 10.0) };
            Timings::from([
                ((BARE.name, Workload::Alloc8TwoThreads), timing(20.0, 10.0)),
                ((FULL.name, Workload::Alloc8TwoThreads), full),
                ((FULL.name, Workload::TwoThreads), full),
            ])
        };
        let range_of = |rounds: &[Timings], workload| {
            figure(&figures(&[BARE, FULL], rounds), &FULL, workload).unwrap().range
        };
        let wide = [round(5.0, 7.0), round(5.5, 6.0), round(5.8, 8.0)];
        assert_eq!(range_of(&wide, Workload::TwoThreads), Some([5.0, 8.0]));
        assert_eq!(range_of(&wide, Workload::Alloc8TwoThreads), Some([2.5, 4.0]));
        assert_eq!(range_of(&[round(5.5, 6.5)], Workload::TwoThreads), None);
    }
}
