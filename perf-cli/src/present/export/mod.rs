//! The formats of other programs: those of trace viewers, of flame graphs and of monitoring.
//!
//! Text from a history goes into them with all written out that would act in a viewer or on a
//! terminal, as [`terminal`](super::escape::terminal) does it; each format escapes its own marks
//! besides.

pub(crate) mod chrome_trace;
pub(crate) mod flamegraph;
pub(crate) mod folded;
pub(crate) mod prometheus;
pub(crate) mod speedscope;
mod stacks;
mod trace;

pub(crate) use stacks::{Stack, Stacks, Unit};
pub(crate) use trace::{Edge, Lane, Phase, Phases, Slice};

use super::escape;

/// What a name that is empty, or nothing but blanks, is shown as.
const UNNAMED: &str = "(unnamed)";

/// A name as a viewer shows it.
fn shown(name: &str) -> String {
    match name.trim() {
        "" => UNNAMED.to_owned(),
        _ => escape::terminal(name).into_owned(),
    }
}
