//! Sampling on targets that the stack cannot be walked on: it never begins.

use std::convert::Infallible;

use perf_core::recorder::{BuildNumber, Measured};
use perf_history::BuildStats;

use crate::SamplingError;

/// Sampling that is under way. On this target there is none.
#[derive(Debug)]
pub struct Sampling(Infallible);

/// What was sampled for a build. On this target there is none.
#[derive(Debug)]
pub struct Samples(Infallible);

impl Sampling {
    /// Fails: this target is not supported.
    ///
    /// # Errors
    ///
    /// [`SamplingError::UnsupportedTarget`]
    pub fn begin(_sample_bytes: u64, _seed: u64) -> Result<Self, SamplingError> {
        Err(SamplingError::UnsupportedTarget)
    }

    /// Never called.
    #[must_use]
    pub fn collect(&self, _build: BuildNumber) -> Samples {
        match self.0 {}
    }
}

impl Samples {
    /// Never called.
    pub fn add_to(&self, _stats: &mut BuildStats, _measured: &Measured) -> Option<&'static str> {
        match self.0 {}
    }
}
