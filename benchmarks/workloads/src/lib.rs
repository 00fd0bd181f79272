//! The work that every contender does, how it is timed, and what is told of it.
//!
//! A contender is a program with one way of measuring built in. It annotates the functions that
//! [`phases!`] writes, says in [`Contender`] how its measuring is started, and leaves the rest to
//! [`main`]: one workload for one process, so that no state of a workload weighs on the next.

mod allocations;
mod annotated;
mod batches;
mod beginning;
mod contender;
mod counter;
mod documents;
mod growth;
mod handed;
mod meeting;
mod pace;
mod phases;
mod seen;
mod workload;

pub use annotated::Phases;
pub use batches::{FEWEST, quartiles};
pub use beginning::{Beginning, now_ns};
pub use contender::{Contender, main};
pub use growth::Growth;
pub use pace::{FULL_PACE, settled_pace};
pub use seen::{KNOWN, Seen, known_work};
pub use workload::{Kind, Timing, Workload};

/// What the expansion of [`phases!`] names.
#[doc(hidden)]
pub mod __private {
    pub use crate::documents::{Events, parse, render};
    pub use crate::phases::Yields;
    pub use seq_macro::seq;
}
