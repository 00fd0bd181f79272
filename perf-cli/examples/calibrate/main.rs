//! How often the rules are right: simulated histories, and the share of candidates that each rule
//! flags, ours and those of other tools.
//!
//! ```text
//! cargo run --release -p perf-cli --example calibrate [TRIALS]
//! ```
//!
//! prints `docs/calibration.md`'s tables (2,000 trials each unless said otherwise). The same command
//! prints the same figures.
#![allow(unreachable_pub, reason = "the modules are part of a test as well")]

mod goals;
mod noise;
mod others;
mod ours;
mod tables;
mod trials;

use std::process::ExitCode;

use noise::World;
use tables::{CHANGES, HistoryCell, NOISES, Percent, RULES, SESSIONS, table};

fn main() -> ExitCode {
    let trials = match std::env::args().nth(1).map(|it| it.parse()) {
        None => 2_000,
        Some(Ok(trials)) if trials > 0 => trials,
        Some(_) => {
            eprintln!("calibrate [TRIALS]: TRIALS is a number above 0");
            return ExitCode::from(2);
        }
    };
    let ab = tables::ab(trials, 0);
    let with_phases = tables::ab((trials / 4).max(1), 10);
    let history = tables::against_history(trials, &RULES);
    let allocations = tables::allocations(trials);

    println!("## Two builds in turn (`buildperf ab`)\n");
    println!("{}", print_ab(&ab, false));
    println!("## The same, with ten phases beside the build\n");
    println!("{}", print_ab(&with_phases, true));
    for noise in NOISES {
        println!("## Against history, builds that vary by {} %\n", Percent(noise));
        println!("{}", print_history(&history, noise));
    }
    println!("## Allocations\n");
    println!("{}", print_allocations(&allocations));
    println!("## Change points (`buildperf trend`)\n");
    println!("{}", print_trend(&tables::trend((trials / 4).max(1))));
    println!("## The interval of the ratio\n");
    println!("{}", print_intervals(&tables::intervals((trials / 2).max(1))));
    println!("## Goals\n");
    let goals = goals::all(&ab, &history, &allocations);
    let rows: Vec<Vec<String>> = goals.iter().map(goals::Goal::row).collect();
    println!("{}", table(1, &["what", "goal, %", "worst, %", "met"], &rows));
    ExitCode::SUCCESS
}

fn per_cent(share: f64) -> String {
    Percent(share).to_string()
}

fn print_ab(cells: &[tables::AbCell], phases: bool) -> String {
    let mut header = vec!["noise, %", "session, %", "change, %", "`regression`, %"];
    header.extend(if phases { ["in a phase, %"] } else { ["`improvement`, %"] });
    header.push("pairs, mean");
    let row = |cell: &tables::AbCell| {
        let World { noise, session, change } = cell.world;
        let other = if phases { cell.phase_regressions } else { cell.improvements };
        let mut row: Vec<String> = [noise, session, change].map(per_cent).to_vec();
        row.extend([per_cent(cell.regressions), per_cent(other), format!("{:.1}", cell.pairs)]);
        row
    };
    table(0, &header, &cells.iter().map(row).collect::<Vec<_>>())
}

/// A row for each rule and length of history, a column for each session effect and change.
fn print_history(cells: &[HistoryCell], noise: f64) -> String {
    let mut header = vec!["rule".to_owned(), "history".to_owned()];
    for session in SESSIONS {
        let name = |change: f64| format!("{:.0} %: +{:.0}", 100.0 * session, 100.0 * change);
        header.extend(CHANGES.map(name));
    }
    let cells: Vec<&HistoryCell> =
        cells.iter().filter(|cell| (cell.world.noise - noise).abs() < 1e-9).collect();
    let rows: Vec<Vec<String>> = cells
        .chunks(SESSIONS.len() * CHANGES.len())
        .map(|chunk| {
            let mut row = vec![chunk[0].rule.name.to_owned(), chunk[0].history.to_string()];
            row.extend(chunk.iter().map(|cell| per_cent(cell.flagged)));
            row
        })
        .collect();
    table(1, &header.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

fn print_allocations(cells: &[tables::AllocationCell]) -> String {
    let rows: Vec<Vec<String>> = cells
        .chunks(3)
        .map(|chunk| {
            let mut row = vec![chunk[0].history.to_string(), per_cent(chunk[0].range)];
            row.extend(chunk.iter().map(|cell| per_cent(cell.flagged)));
            row
        })
        .collect();
    table(0, &["history", "range, %", "none", "+1 %", "+2 %"], &rows)
}

fn print_trend(cells: &[tables::TrendCell]) -> String {
    let row = |cell: &tables::TrendCell| {
        let World { noise, session, change } = cell.world;
        let shares = [cell.ours, cell.ours_elsewhere, cell.otava, cell.otava_elsewhere];
        [noise, session, change].into_iter().chain(shares).map(per_cent).collect()
    };
    let header = [
        "noise, %",
        "session, %",
        "shift, %",
        "ours: found",
        "ours: elsewhere",
        "Otava: found",
        "Otava: elsewhere",
    ];
    table(0, &header, &cells.iter().map(row).collect::<Vec<_>>())
}

fn print_intervals(cells: &[tables::IntervalCell]) -> String {
    let row = |cell: &tables::IntervalCell| {
        let shares = [cell.covered, cell.width].map(per_cent);
        let mut row = vec![per_cent(cell.noise), cell.pairs.to_string()];
        row.extend(shares);
        row
    };
    let header = ["noise, %", "pairs", "holds the true ratio, %", "mean width, %"];
    table(0, &header, &cells.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few trials, and bounds that only a broken rule exceeds.
    const TRIALS: u64 = 40;

    #[test]
    fn two_builds_in_turn_are_rarely_called_different_and_never_missed_by_far() {
        for cell in tables::ab(TRIALS, 0) {
            let World { noise, change, .. } = cell.world;
            if change < 0.01 {
                assert!(cell.regressions <= 0.1, "{} of {:?}", cell.regressions, cell.world);
            }
            if change > 0.15 || (change > 0.08 && noise < 0.05) {
                assert!(cell.regressions >= 0.85, "{} of {:?}", cell.regressions, cell.world);
            }
        }
    }

    #[test]
    fn sessions_are_rarely_called_slower_than_a_history_and_a_fifth_is_seen_on_a_still_machine() {
        for cell in tables::against_history(TRIALS, &RULES[1..4]) {
            let World { noise, session, change } = cell.world;
            let told = format!(
                "{}, {}: {} of {:?}",
                cell.rule.name, cell.history, cell.flagged, cell.world
            );
            if change < 0.01 && cell.history >= 10 {
                assert!(cell.flagged <= 0.1, "{told}");
            }
            if change > 0.15 && noise < 0.05 && session < 0.03 && cell.history == 30 {
                assert!(cell.flagged >= 0.7, "{told}");
            }
        }
    }

    #[test]
    fn one_per_cent_more_allocations_are_always_found_and_never_falsely() {
        for cell in tables::allocations(10 * TRIALS) {
            let expected = if cell.change > 0.0 { 1.0 } else { 0.0 };
            assert!((cell.flagged - expected).abs() < 1e-9, "{} with {}", cell.flagged, cell.range);
        }
    }

    #[test]
    fn the_same_seeds_give_the_same_table() {
        assert_eq!(print_ab(&tables::ab(2, 1), true), print_ab(&tables::ab(2, 1), true));
    }
}
