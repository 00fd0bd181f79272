//! What the rules must reach, read off the tables.

use crate::noise::World;
use crate::tables::{AbCell, AllocationCell, HistoryCell, Percent};

/// Something that must be reached.
pub struct Goal {
    what: &'static str,
    /// The most, or the least.
    bound: Bound,
    worst: f64,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    /// The goal for the worst of some shares.
    fn new(what: &'static str, bound: Bound, shares: impl Iterator<Item = f64>) -> Self {
        let worst = match bound {
            Bound::AtMost(_) => shares.fold(0.0, f64::max),
            Bound::AtLeast(_) => shares.fold(1.0, f64::min),
        };
        Self { what, bound, worst }
    }

    /// Whether it is reached.
    pub fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.worst <= bound,
            Bound::AtLeast(bound) => self.worst >= bound,
        }
    }

    /// As a row of a table.
    pub fn row(&self) -> Vec<String> {
        let (word, bound) = match self.bound {
            Bound::AtMost(bound) => ("≤", bound),
            Bound::AtLeast(bound) => ("≥", bound),
        };
        let met = if self.is_met() { "yes" } else { "**no**" };
        vec![
            self.what.to_owned(),
            format!("{word} {}", Percent(bound)),
            Percent(self.worst).to_string(),
            met.to_owned(),
        ]
    }
}

fn is(number: f64, other: f64) -> bool {
    (number - other).abs() < 1e-9
}

/// Whether it is +20 % at a noise of 2.7 %.
fn is_fifth(cell: &HistoryCell) -> bool {
    is(cell.world.change, 0.2) && is(cell.world.noise, 0.027)
}

/// Whether it is that against ten, with a session effect of up to 2 %.
fn is_fifth_of_ten(cell: &HistoryCell) -> bool {
    is_fifth(cell) && cell.history == 10 && cell.world.session < 0.03
}

/// Every goal.
pub fn all(ab: &[AbCell], history: &[HistoryCell], allocations: &[AllocationCell]) -> Vec<Goal> {
    use Bound::{AtLeast, AtMost};
    let of_ab = |wanted: fn(&World) -> bool| {
        ab.iter().filter(move |cell| wanted(&cell.world)).map(|cell| cell.regressions)
    };
    let gate = |cell: &&HistoryCell| {
        cell.rule.is_ours && cell.rule.name.contains("session") && cell.history >= 10
    };
    let of_history = |wanted: fn(&HistoryCell) -> bool| {
        history.iter().filter(gate).filter(move |cell| wanted(cell)).map(|cell| cell.flagged)
    };
    let of_allocations = |wanted: fn(&AllocationCell) -> bool| {
        allocations.iter().filter(move |cell| wanted(cell)).map(|cell| cell.flagged)
    };
    vec![
        Goal::new(
            "`ab`: nothing changed, any noise and session effect",
            AtMost(0.005),
            of_ab(|world| is(world.change, 0.0)),
        ),
        Goal::new(
            "`ab`: +10 % at a noise of 2.7 %",
            AtLeast(0.99),
            of_ab(|world| is(world.change, 0.1) && is(world.noise, 0.027)),
        ),
        Goal::new(
            "`ab`: +20 % at a noise of 8 %",
            AtLeast(0.99),
            of_ab(|world| is(world.change, 0.2) && is(world.noise, 0.08)),
        ),
        Goal::new(
            "session against history: nothing changed, any noise and session effect",
            AtMost(0.005),
            of_history(|cell| is(cell.world.change, 0.0)),
        ),
        Goal::new(
            "session against 30: +20 % at a noise of 2.7 %, session effect of up to 2 %",
            AtLeast(0.9),
            of_history(|cell| is_fifth(cell) && cell.history == 30 && cell.world.session < 0.03),
        ),
        Goal::new(
            "session of 5 against 10 sessions of 5: the same",
            AtLeast(0.9),
            of_history(|cell| is_fifth_of_ten(cell) && cell.rule.name.ends_with("sessions of 5")),
        ),
        Goal::new(
            "session of 3 or 5 against 10 single builds: the same",
            AtLeast(0.9),
            of_history(|cell| is_fifth_of_ten(cell) && cell.rule.name.ends_with("builds")),
        ),
        Goal::new(
            "session against 30: +20 % at a noise of 2.7 %, session effect of 5 %",
            AtLeast(0.9),
            of_history(|cell| is_fifth(cell) && cell.history == 30 && cell.world.session > 0.03),
        ),
        Goal::new(
            "allocations: nothing changed",
            AtMost(0.0),
            of_allocations(|cell| is(cell.change, 0.0)),
        ),
        Goal::new("allocations: +1 %", AtLeast(1.0), of_allocations(|cell| is(cell.change, 0.01))),
    ]
}
