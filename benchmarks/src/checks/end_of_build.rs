//! What a program pays when its build ends: `end_build`, and `save`.

use std::path::Path;

use serde::Serialize;

use crate::error::Error;
use crate::programs::{Programs, ask, without_switches};
use crate::statistics::Distribution;

/// How often it is measured, each time in a process of its own.
const PROCESSES: usize = 15;

/// Milliseconds at the end of a build with 200 paths on each of 8 threads, over many processes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct EndOfBuild {
    pub(crate) end_build: Distribution,
    pub(crate) save: Distribution,
    /// Both in one process.
    pub(crate) together: Distribution,
    pub(crate) processes: usize,
}

pub(super) fn run(programs: &Programs, scratch: &Path) -> Result<EndOfBuild, Error> {
    let mut samples = Vec::new();
    for _ in 0..PROCESSES {
        let mut command = std::process::Command::new(programs.path("end-of-build")?);
        without_switches(&mut command).arg(scratch.join("end-of-build"));
        samples.push(ask::<(f64, f64)>(&mut command)?);
    }
    let of = |nanoseconds: fn(&(f64, f64)) -> f64| {
        let milliseconds: Vec<_> = samples.iter().map(|it| nanoseconds(it) / 1e6).collect();
        Distribution::of(&milliseconds)
    };
    Ok(EndOfBuild {
        end_build: of(|it| it.0),
        save: of(|it| it.1),
        together: of(|it| it.0 + it.1),
        processes: samples.len(),
    })
}
