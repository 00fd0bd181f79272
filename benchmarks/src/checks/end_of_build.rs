//! What a program pays when its build ends: `end_build`, and `save`.

use std::path::Path;

use serde::Serialize;

use crate::error::Error;
use crate::programs::{Programs, ask, without_switches};
use crate::rounds::Pace;
use crate::statistics::Distribution;

/// How many builds count, each in a process of its own.
const PROCESSES: usize = 15;
/// How many are tried, until so many ended while ordinary instructions ran at full pace.
const MOST_PROCESSES: usize = 150;

/// Milliseconds at the end of a build with 200 paths on each of 8 threads, over many processes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct EndOfBuild {
    pub(crate) end_build: Distribution,
    pub(crate) save: Distribution,
    /// Both in one process.
    pub(crate) together: Distribution,
    pub(crate) processes: usize,
}

pub(super) fn run(programs: &Programs, scratch: &Path, pace: Pace) -> Result<EndOfBuild, Error> {
    let mut samples: Vec<Sample> = Vec::new();
    while samples.len() < MOST_PROCESSES
        && samples.iter().filter(|it| pace.is_full(it.2)).count() < PROCESSES
    {
        let mut command = std::process::Command::new(programs.path("end-of-build")?);
        without_switches(&mut command).arg(scratch.join("end-of-build"));
        samples.push(ask(&mut command)?);
    }
    let samples = pace.calmest(samples, PROCESSES, |it| it.2);
    let of = |nanoseconds: fn(&Sample) -> f64| {
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

/// Nanoseconds of `end_build`, of `save`, and of the look at the pace around them.
type Sample = (f64, f64, f64);
