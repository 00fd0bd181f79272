//! How often the rules are right: simulates histories and counts how many candidates each rule flags,
//! ours and those of other tools.
//!
//! ```text
//! cargo run --release -p perf-cli --example calibrate [TRIALS]
//! ```
//!
//! prints the tables of `docs/calibration.md` (2,000 trials each, unless it says otherwise). The
//! figures are the same on every run.
#![allow(unreachable_pub, reason = "the modules are part of a test as well")]

mod goals;
mod others;
mod ours;
mod simulation;
mod tables;

use std::process::ExitCode;

use simulation::World;
use tables::{CHANGES, CONTENDERS, HistoryCell, NOISES, SESSIONS};

fn main() -> ExitCode {
    let trials = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 2_000,
        Some(Ok(trials)) if trials > 0 => trials,
        Some(_) => {
            eprintln!("usage: calibrate [TRIALS], where TRIALS is a positive integer");
            return ExitCode::from(2);
        }
    };
    let ab = tables::ab(trials, 0);
    let with_phases = tables::ab((trials / 4).max(1), 10);
    let history = tables::against_history(trials, &CONTENDERS);
    let allocations = tables::allocations(trials);

    print_section("Two builds run alternately (`buildperf ab`)", &ab_table(&ab, false));
    print_section("The same, with ten phases beside the build", &ab_table(&with_phases, true));
    for noise in NOISES {
        let title = format!("Against history, builds that vary by {} %", percent(noise));
        print_section(&title, &history_table(&history, noise));
    }
    print_section("Allocations", &allocation_table(&allocations));
    let trend = trend_table(&tables::trend((trials / 4).max(1)));
    print_section("Change points (`buildperf trend`)", &trend);
    let intervals = interval_table(&tables::intervals((trials / 2).max(1)));
    print_section("The interval of the ratio", &intervals);
    let goals = goals::rows(&ab, &history, &allocations);
    print_section("Goals", &table(1, &["what", "goal, %", "worst, %", "met"], &goals));
    ExitCode::SUCCESS
}

fn print_section(title: &str, table: &str) {
    println!("## {title}\n\n{table}");
}

/// A share in per cent, with a second decimal if it is small.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 2.0 { format!("{percent:.2}") } else { format!("{percent:.1}") }
}

/// A table in Markdown; all columns but the first `words` are numbers.
fn table(words: usize, header: &[&str], rows: &[Vec<String>]) -> String {
    let rule = (0..header.len()).map(|column| if column < words { "---|" } else { "---:|" });
    let mut text = format!("| {} |\n|{}\n", header.join(" | "), rule.collect::<String>());
    for row in rows {
        text.extend(["| ", &row.join(" | "), " |\n"]);
    }
    text
}

fn world_cells(World { noise, session, change }: World) -> Vec<String> {
    [noise, session, change].map(percent).to_vec()
}

fn ab_table(cells: &[tables::AbCell], phases: bool) -> String {
    let other = if phases { "in a phase, %" } else { "`improvement`, %" };
    let header = ["noise, %", "session, %", "change, %", "`regression`, %", other, "pairs, mean"];
    let row = |cell: &tables::AbCell| {
        let other = if phases { cell.phase_regressions } else { cell.improvements };
        let mut row = world_cells(cell.world);
        row.extend([percent(cell.regressions), percent(other), format!("{:.1}", cell.pairs)]);
        row
    };
    table(0, &header, &cells.iter().map(row).collect::<Vec<_>>())
}

/// A row for each rule and length of history, a column for each session effect and change.
fn history_table(cells: &[HistoryCell], noise: f64) -> String {
    let mut header = vec!["rule".to_owned(), "history".to_owned()];
    for session in SESSIONS {
        let name = |change: f64| format!("{:.0} %: +{:.0}", 100.0 * session, 100.0 * change);
        header.extend(CHANGES.map(name));
    }
    let cells: Vec<&HistoryCell> =
        cells.iter().filter(|cell| (cell.world.noise - noise).abs() < 1e-9).collect();
    let row = |cells: &[&HistoryCell]| {
        let mut row = vec![cells[0].name.to_owned(), cells[0].history.to_string()];
        row.extend(cells.iter().map(|cell| percent(cell.flagged)));
        row
    };
    let rows: Vec<_> = cells.chunks(SESSIONS.len() * CHANGES.len()).map(row).collect();
    table(1, &header.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

fn allocation_table(cells: &[tables::AllocationCell]) -> String {
    let row = |cells: &[tables::AllocationCell]| {
        let mut row = vec![cells[0].history.to_string(), percent(cells[0].range)];
        row.extend(cells.iter().map(|cell| percent(cell.flagged)));
        row
    };
    let rows: Vec<_> = cells.chunks(3).map(row).collect();
    table(0, &["history", "range, %", "none", "+1 %", "+2 %"], &rows)
}

fn trend_table(cells: &[(World, [f64; 4])]) -> String {
    let row = |(world, shares): &(World, [f64; 4])| {
        [world_cells(*world), shares.map(percent).to_vec()].concat()
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

fn interval_table(cells: &[(f64, usize, [f64; 2])]) -> String {
    let row = |(noise, pairs, shares): &(f64, usize, [f64; 2])| {
        let [covered, width] = shares.map(percent);
        vec![percent(*noise), pairs.to_string(), covered, width]
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
    fn ab_rarely_raises_false_alarms_and_finds_large_changes() {
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
    fn sessions_rarely_raise_false_alarms_and_find_a_fifth_on_a_quiet_machine() {
        for cell in tables::against_history(TRIALS, &CONTENDERS[1..4]) {
            let World { noise, session, change } = cell.world;
            let text =
                format!("{}, {}: {} of {:?}", cell.name, cell.history, cell.flagged, cell.world);
            if change < 0.01 && cell.history >= 10 {
                assert!(cell.flagged <= 0.1, "{text}");
            }
            if change > 0.15 && noise < 0.05 && session < 0.03 && cell.history == 30 {
                assert!(cell.flagged >= 0.7, "{text}");
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
        assert_eq!(ab_table(&tables::ab(2, 1), true), ab_table(&tables::ab(2, 1), true));
    }
}
