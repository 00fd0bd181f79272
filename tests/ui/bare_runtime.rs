//! `perf-runtime` with macros that leave functions and closures as they are.
pub use bare_macros::{in_current_phase, tracked_build, tracked_phase};
pub use measuring_runtime::*;
pub use measuring_runtime::in_current_phase as measured_in_current_phase;
