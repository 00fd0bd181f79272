//! What the end-to-end tests have in common.
#![forbid(unsafe_code)]

pub mod conservation;
pub mod one_build;
pub mod programs;
