//! What numbers say of each other. Nothing here knows of terminals or of histories.
//!
//! [`rules`] judges a candidate against its history, [`sequential`] two builds that are run in turn;
//! both are pure functions. The other modules are what they are made of, each with its source.

mod allocations;
pub mod benjamini_hochberg;
pub mod bootstrap;
pub mod e_divisive;
pub mod finding;
pub mod mann_whitney;
mod median;
mod paired;
pub mod robust;
pub mod rules;
pub mod sequential;
pub(crate) mod thresholds;
mod verdict;
pub mod workload;

pub use median::median;
pub use paired::{Paired, PhasePair, pair_phases};
pub use thresholds::Thresholds;
pub use verdict::Verdict;
