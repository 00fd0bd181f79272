//! Decides whether numbers changed. This module works on plain numbers: it does not depend on
//! terminals or on histories.
//!
//! [`rules`] judges a candidate against its history, [`sequential`] two builds that are run
//! alternately; both are pure functions. The other modules are their parts, each with its source.

pub mod benjamini_hochberg;
pub mod bootstrap;
pub mod e_divisive;
pub mod finding;
pub mod mann_whitney;
pub mod robust;
pub mod rules;
pub mod sequential;
pub(crate) mod thresholds;
pub mod workload;

pub use finding::Verdict;
pub use robust::median;
pub use thresholds::Thresholds;

#[expect(clippy::cast_precision_loss, reason = "numbers of builds are far below 2^53")]
fn float(number: usize) -> f64 {
    number as f64
}
