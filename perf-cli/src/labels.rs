//! The labels by which builds belong together.

/// Names a run of builds: what the user calls it, or one of [`BASE`] and [`HEAD`].
pub(crate) const RUN: &str = "run";
/// Shared by all builds of one invocation of `run` or `ab`.
pub(crate) const SESSION: &str = "session";
/// The value of [`RUN`] for the old version of `ab`.
pub(crate) const BASE: &str = "base";
/// The value of [`RUN`] for the new version of `ab`.
pub(crate) const HEAD: &str = "head";
