//! The rounds: every contender does every workload once in each, side by side.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use workloads::{FEWEST, Kind, Timing, Workload};

use crate::contenders::{BARE, Contender};
use crate::error::Error;
use crate::programs::{Programs, ask};
use crate::statistics::{median, spread};

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
}

/// Runs the rounds. `list` names the documents; `progress` is told of each round.
pub(crate) fn run(
    contenders: &[Contender],
    programs: &Programs,
    list: &Path,
    extent: Extent,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Figure>, Error> {
    let mut rounds = Vec::new();
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
                let timing: Timing = ask(&mut command)?;
                if timing.batches >= FEWEST {
                    timings.insert((contender.name, workload), timing);
                }
            }
        }
        rounds.push(timings);
    }
    Ok(figures(contenders, &rounds))
}

type Timings = BTreeMap<(&'static str, Workload), Timing>;

fn figures(contenders: &[Contender], rounds: &[Timings]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for workload in Workload::ALL {
        for contender in contenders.iter().filter(|it| it.does(workload)) {
            let key = (contender.name, workload);
            let ns: Vec<_> = rounds.iter().filter_map(|it| Some(it.get(&key)?.ns)).collect();
            let ratios: Vec<_> = rounds
                .iter()
                .filter_map(|it| {
                    let ratio = it.get(&key)?.ratio;
                    match workload.kind() {
                        Kind::Phases | Kind::HandedOff => Some(ratio),
                        Kind::Allocations | Kind::Program => {
                            Some(ratio / it.get(&(BARE.name, workload))?.ratio)
                        }
                    }
                })
                .collect();
            if ratios.is_empty() {
                continue;
            }
            figures.push(Figure {
                contender: contender.name.to_owned(),
                workload,
                ns: median(&ns),
                ratio: median(&ratios),
                spread: spread(&ratios),
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
        Timing { ns, reference_ns, ratio: ns / reference_ns, batches: 1 }
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
        assert_eq!(figure(&figures, &FULL, Workload::Alloc1K), None);
    }
}
