//! The rounds: in each of them every contender does every workload once, side by side.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use workloads::{Kind, Timing, Workload, lower_quartile};

use crate::contenders::{ALL, BARE, Contender};
use crate::programs::{Programs, json_of};

/// How far a ratio may be from the same ratio of an earlier run, as a share of the smaller one.
const TOLERANCE: f64 = 0.15;
/// Ratios below this one cost next to nothing, and are compared as if they were this one.
const NEXT_TO_NOTHING: f64 = 0.1;

/// What one contender's work costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) contender: String,
    pub(crate) workload: Workload,
    /// Nanoseconds of one unit: the lower quartile of the rounds.
    pub(crate) ns: f64,
    /// The cost as a multiple of two reads of a counter in the same process and, for
    /// allocations, of the bare program in the same run.
    pub(crate) ratio: f64,
}

/// Runs the rounds, and times each workload for `milliseconds` in a process of its own.
pub(crate) fn run(
    programs: &Programs,
    rounds: usize,
    milliseconds: u32,
    progress: impl Fn(&str),
) -> Result<Vec<Figure>> {
    let mut timings: Vec<(&Contender, Workload, Vec<Timing>)> = Workload::ALL
        .into_iter()
        .flat_map(|workload| ALL.iter().map(move |contender| (contender, workload, Vec::new())))
        .filter(|(contender, workload, _)| contender.does(*workload))
        .collect();
    for round in 1..=rounds {
        progress(&format!("round {round} of {rounds}"));
        for (contender, workload, timings) in &mut timings {
            let mut command = programs.command(contender)?;
            command.arg(if contender.outside { "outside" } else { "time" });
            command.arg(workload.name()).arg(milliseconds.to_string());
            timings.push(json_of(&mut command)?);
        }
    }
    Ok(figures(&timings))
}

fn figures(timings: &[(&Contender, Workload, Vec<Timing>)]) -> Vec<Figure> {
    let in_references = |timings: &[Timing]| {
        lower_quartile(timings.iter().map(|timing| timing.ns / timing.reference_ns))
    };
    timings
        .iter()
        .map(|(contender, workload, rounds)| {
            let base = match workload.kind() {
                Kind::Phases | Kind::Polls | Kind::HandOff => 1.0,
                Kind::Allocations => timings
                    .iter()
                    .find(|(other, other_work, _)| **other == BARE && other_work == workload)
                    .map_or(f64::NAN, |(_, _, rounds)| in_references(rounds)),
            };
            Figure {
                contender: contender.name.to_owned(),
                workload: *workload,
                ns: lower_quartile(rounds.iter().map(|timing| timing.ns)),
                ratio: in_references(rounds) / base,
            }
        })
        .collect()
}

/// The figure of a contender at a workload.
pub(crate) fn figure<'a>(
    figures: &'a [Figure],
    contender: &Contender,
    workload: Workload,
) -> Option<&'a Figure> {
    figures.iter().find(|figure| figure.contender == contender.name && figure.workload == workload)
}

/// A ratio of perf-runtime that differs from an earlier run by more than the tolerance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Disagreement {
    pub(crate) contender: String,
    pub(crate) workload: Workload,
    pub(crate) before: f64,
    pub(crate) now: f64,
}

/// Compares the ratios of two runs. Those of peers are left out: some of their costs have no single
/// value, such as counters that two threads compete for.
pub(crate) fn disagreements(before: &[Figure], now: &[Figure]) -> Vec<Disagreement> {
    let mut disagreements = Vec::new();
    for contender in ALL.iter().filter(|contender| contender.is_ours()) {
        for workload in Workload::ALL {
            let ratio = |figures| figure(figures, contender, workload).map(|figure| figure.ratio);
            let Some((before, now)) = ratio(before).zip(ratio(now)) else { continue };
            let (low, high) = (before.min(now), before.max(now));
            if (high - low) / low.max(NEXT_TO_NOTHING) > TOLERANCE {
                let contender = contender.name.to_owned();
                disagreements.push(Disagreement { contender, workload, before, now });
            }
        }
    }
    disagreements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::{FULL, OFF};

    #[test]
    fn phases_cost_counter_reads_and_allocations_cost_multiples_of_the_bare_program() {
        // The machine is slower in each round than in the one before.
        let rounds = |ns: f64, reference_ns: f64| -> Vec<Timing> {
            let speeds = [1.0, 1.5, 2.0];
            speeds.map(|speed| Timing { ns: ns * speed, reference_ns: reference_ns * speed }).into()
        };
        let figures = figures(&[
            (&BARE, Workload::TightCall, rounds(1.0, 16.0)),
            (&FULL, Workload::TightCall, rounds(32.0, 16.0)),
            (&BARE, Workload::Alloc8, rounds(12.0, 10.0)),
            (&FULL, Workload::Alloc8, rounds(15.0, 10.0)),
        ]);
        let figure = |contender, workload| figure(&figures, contender, workload).unwrap();
        assert!((figure(&FULL, Workload::TightCall).ratio - 2.0).abs() < 1e-12);
        assert!((figure(&FULL, Workload::TightCall).ns - 32.0).abs() < 1e-12);
        assert!((figure(&FULL, Workload::Alloc8).ratio - 1.25).abs() < 1e-12);
        assert!((figure(&BARE, Workload::Alloc8).ratio - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_ratio_of_ours_that_moved_by_more_than_the_tolerance_is_a_disagreement_either_way() {
        let figure = |contender: &str, workload, ratio| Figure {
            contender: contender.to_owned(),
            workload,
            ns: 1.0,
            ratio,
        };
        let run = |tight, nested, sites, off, peer| {
            [
                figure(FULL.name, Workload::TightCall, tight),
                figure(FULL.name, Workload::TenNested, nested),
                figure(FULL.name, Workload::HundredSites, sites),
                figure(OFF.name, Workload::TightCall, off),
                figure("puffin", Workload::TightCall, peer),
            ]
        };
        let before = run(2.0, 2.0, 2.0, 0.002, 3.0);
        let now = run(2.29, 2.4, 1.6, 0.004, 30.0);
        let found: Vec<_> =
            disagreements(&before, &now).into_iter().map(|found| found.workload).collect();
        assert_eq!(found, [Workload::TenNested, Workload::HundredSites]);
        assert!(disagreements(&before[..1], &now[1..]).is_empty());
    }
}
