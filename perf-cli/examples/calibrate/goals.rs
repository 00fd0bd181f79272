//! The goals for the rules, checked against the tables.

use crate::percent;
use crate::simulation::World;
use crate::tables::{AbCell, AllocationCell, Contender, HistoryCell};

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

use Bound::{AtLeast, AtMost};

/// A row of the table: the goal, its bound, the worst share, and whether it is met.
fn row(goal: &str, bound: Bound, shares: impl Iterator<Item = f64>) -> Vec<String> {
    let (sign, limit, worst, is_met) = match bound {
        AtMost(limit) => {
            let worst = shares.fold(0.0, f64::max);
            ("≤", limit, worst, worst <= limit)
        }
        AtLeast(limit) => {
            let worst = shares.fold(1.0, f64::min);
            ("≥", limit, worst, worst >= limit)
        }
    };
    let met = if is_met { "yes" } else { "**no**" };
    vec![goal.to_owned(), format!("{sign} {}", percent(limit)), percent(worst), met.to_owned()]
}

fn is(number: f64, other: f64) -> bool {
    (number - other).abs() < 1e-9
}

/// Whether it is +20 % at a noise of 2.7 % after `history`, with a session effect of up to 2 %, or of
/// 5 %.
fn is_fifth(cell: &HistoryCell, history: usize, large_session_effect: bool) -> bool {
    is(cell.world.change, 0.2)
        && is(cell.world.noise, 0.027)
        && cell.history == history
        && (cell.world.session > 0.03) == large_session_effect
}

/// Every goal, as a row of a table.
pub fn rows(
    ab: &[AbCell],
    history: &[HistoryCell],
    allocations: &[AllocationCell],
) -> Vec<Vec<String>> {
    let of_ab = |wanted: fn(&World) -> bool| {
        ab.iter().filter(move |cell| wanted(&cell.world)).map(|cell| cell.regressions)
    };
    // Our rules that can fail a gate: those for a session.
    let of_history = |builds_each: &'static [usize], wanted: fn(&HistoryCell) -> bool| {
        let is_gate = move |cell: &&HistoryCell| match cell.rule {
            Contender::Ours { each, runs: 3.. } => builds_each.contains(&each),
            _ => false,
        };
        let cells = history.iter().filter(is_gate).filter(|cell| cell.history >= 10);
        cells.filter(move |cell| wanted(cell)).map(|cell| cell.flagged)
    };
    let of_allocations = |change: f64| {
        let cells = allocations.iter().filter(move |cell| is(cell.change, change));
        cells.map(|cell| cell.flagged)
    };
    vec![
        row(
            "`ab`: nothing changed, any noise and session effect",
            AtMost(0.005),
            of_ab(|world| is(world.change, 0.0)),
        ),
        row(
            "`ab`: +10 % at a noise of 2.7 %",
            AtLeast(0.99),
            of_ab(|world| is(world.change, 0.1) && is(world.noise, 0.027)),
        ),
        row(
            "`ab`: +20 % at a noise of 8 %",
            AtLeast(0.99),
            of_ab(|world| is(world.change, 0.2) && is(world.noise, 0.08)),
        ),
        row(
            "session against history: nothing changed, any noise and session effect",
            AtMost(0.005),
            of_history(&[1, 5], |cell| is(cell.world.change, 0.0)),
        ),
        row(
            "session against 30: +20 % at a noise of 2.7 %, session effect of up to 2 %",
            AtLeast(0.9),
            of_history(&[1, 5], |cell| is_fifth(cell, 30, false)),
        ),
        row(
            "session of 5 against 10 sessions of 5: the same",
            AtLeast(0.9),
            of_history(&[5], |cell| is_fifth(cell, 10, false)),
        ),
        row(
            "session of 3 or 5 against 10 single builds: the same",
            AtLeast(0.9),
            of_history(&[1], |cell| is_fifth(cell, 10, false)),
        ),
        row(
            "session against 30: +20 % at a noise of 2.7 %, session effect of 5 %",
            AtLeast(0.9),
            of_history(&[1, 5], |cell| is_fifth(cell, 30, true)),
        ),
        row("allocations: nothing changed", AtMost(0.0), of_allocations(0.0)),
        row("allocations: +1 %", AtLeast(1.0), of_allocations(0.01)),
    ]
}
