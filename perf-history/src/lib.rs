//! The record of a build, and the append-only history that it goes to.
#![forbid(unsafe_code)]

pub mod record;
pub use record::*;
