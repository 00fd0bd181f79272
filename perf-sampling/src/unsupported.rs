//! Sampling on targets where stacks cannot be walked: starting it fails.

use std::convert::Infallible;

use perf_core::recorder::{BuildNumber, Measured};
use perf_history::BuildStats;

use crate::SamplingError;

/// Active sampling. It cannot exist on this target.
#[derive(Debug)]
pub struct Sampling(Infallible);

/// The samples of a build. They cannot exist on this target.
#[derive(Debug)]
pub struct Samples(Infallible);

impl Sampling {
    /// Always fails on this target.
    ///
    /// # Errors
    ///
    /// [`SamplingError::UnsupportedTarget`].
    pub fn start(_sample_bytes: u64, _seed: u64) -> Result<Self, SamplingError> {
        Err(SamplingError::UnsupportedTarget)
    }

    /// Cannot be called on this target.
    #[must_use]
    pub fn collect(&self, _build: BuildNumber) -> Samples {
        match self.0 {}
    }
}

impl Samples {
    /// Cannot be called on this target.
    pub fn add_to(&self, _stats: &mut BuildStats, _measured: &Measured) -> Option<&'static str> {
        match self.0 {}
    }
}
