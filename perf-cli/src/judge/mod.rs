//! What numbers say of each other. Nothing here knows of terminals or of histories.

mod median;
mod paired;

pub use median::median;
pub use paired::{Paired, PhasePair, pair_phases};
