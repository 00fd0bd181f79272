//! The program from outside: what a build of a folder writes, prints and records.
#![forbid(unsafe_code)]

mod full;
mod hostile;
mod incremental;
mod packages;
mod parallel;
mod sandbox;
