//! What the end-to-end tests have in common.
#![forbid(unsafe_code)]

pub mod conservation;
pub mod one_build;
pub mod programs;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
