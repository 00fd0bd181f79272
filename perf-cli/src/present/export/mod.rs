//! The formats of other programs: those of trace viewers, of flame graphs and of monitoring.
//!
//! Text from a history goes into them with all written out that would act in a viewer or on a
//! terminal, as [`terminal`](super::escape::terminal) does it; each format escapes its own marks
//! besides.

pub mod chrome_trace;
pub mod flamegraph;
pub mod folded;
pub mod prometheus;
pub mod speedscope;
mod stacks;
mod trace;

pub use stacks::{Stack, Stacks, Unit};
pub use trace::{Edge, Lane, Phase, Phases, Slice};

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
