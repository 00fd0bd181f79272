//! What a program pays when its build ends: `end_build`, and `save`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::programs::{Programs, ask, without_switches};
use crate::statistics::median;

/// How often it is measured, each time in a process of its own.
const PROCESSES: usize = 15;

/// Milliseconds at the end of a build with 200 paths on each of 8 threads: medians over processes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndOfBuild {
    pub(crate) end_build: f64,
    pub(crate) save: f64,
    /// Both together.
    pub(crate) both: f64,
}

pub(super) fn run(programs: &Programs, scratch: &Path) -> Result<EndOfBuild, Error> {
    let mut samples = Vec::new();
    for _ in 0..PROCESSES {
        let mut command = std::process::Command::new(programs.path("end-of-build")?);
        without_switches(&mut command).arg(scratch.join("end-of-build"));
        samples.push(ask::<(f64, f64)>(&mut command)?);
    }
    let median_of = |value: fn(&(f64, f64)) -> f64| {
        median(&samples.iter().map(value).collect::<Vec<_>>()) / 1e6
    };
    Ok(EndOfBuild {
        end_build: median_of(|it| it.0),
        save: median_of(|it| it.1),
        both: median_of(|it| it.0 + it.1),
    })
}
