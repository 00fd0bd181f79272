//! Formats of other programs: trace viewers, flame graphs and monitoring.
//!
//! Text from a history is escaped by [`terminal`](super::escape::terminal); each format escapes its own
//! syntax in addition.

pub(crate) mod chrome_trace;
pub(crate) mod flamegraph;
pub(crate) mod folded;
pub(crate) mod prometheus;
pub(crate) mod speedscope;
mod stacks;
mod trace;

pub(crate) use stacks::{Stack, Stacks, Unit};
pub(crate) use trace::{Lane, Phase, Phases, Slice};

use super::escape;

/// Shown for a name that is empty or blank.
const UNNAMED: &str = "(unnamed)";

/// A name for a viewer.
fn shown(name: &str) -> String {
    match name.trim() {
        "" => UNNAMED.to_owned(),
        _ => escape::terminal(name).into_owned(),
    }
}
