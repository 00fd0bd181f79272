//! What is made of the figures: one form a file.

mod attribution;
mod json;
mod markdown;
mod plot;
mod table;

use serde::Serialize;

use crate::budgets::Budget;
use crate::checks::Checks;
use crate::machine::Machine;
use crate::rounds::{Figure, Pace};
use crate::sight::Sight;

pub(crate) use attribution::print_attribution;
pub(crate) use json::{read_figures, write};
pub(crate) use markdown::{Part, publish};
pub(crate) use plot::draw;
pub(crate) use table::{Style, print, ratio};

/// Everything that a run found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    /// How many READMEs the real program was given.
    pub(crate) documents: usize,
    pub(crate) sights: Vec<Sight>,
    pub(crate) pace: Pace,
    pub(crate) figures: Vec<Figure>,
    pub(crate) checks: Checks,
    pub(crate) budgets: Vec<Budget>,
}
