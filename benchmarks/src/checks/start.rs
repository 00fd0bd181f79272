//! What a program pays before it has done anything: before `main`, and in `start_build`.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Depth;
use crate::contenders::{BARE, Contender, FULL};
use crate::error::Error;
use crate::programs::{Programs, ask, run as run_program};
use crate::statistics::median;

/// Microseconds before anything is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// How much longer a process that does nothing takes than the bare one: the median over pairs.
    pub(crate) process_us: f64,
    /// The first `start_build` of a process: the median over processes.
    pub(crate) start_build_us: f64,
}

pub(super) fn run(programs: &Programs, depth: Depth) -> Result<Start, Error> {
    let pairs = match depth {
        Depth::Quick => 100,
        Depth::Full => 400,
    };
    let life_of = |contender: &Contender| {
        let mut command = programs.command(contender)?;
        command.arg("nothing");
        let start = Instant::now();
        run_program(&mut command)?;
        Ok::<_, Error>(start.elapsed().as_secs_f64() * 1e6)
    };
    let mut longer = Vec::new();
    let mut start_builds = Vec::new();
    for pair in 0..pairs {
        // Who comes first takes turns.
        let (bare, full) = if pair % 2 == 0 {
            let bare = life_of(&BARE)?;
            (bare, life_of(&FULL)?)
        } else {
            let full = life_of(&FULL)?;
            (life_of(&BARE)?, full)
        };
        longer.push(full - bare);
        if pair % 4 == 0 {
            let ns: f64 = ask(programs.command(&FULL)?.arg("start"))?;
            start_builds.push(ns / 1e3);
        }
    }
    Ok(Start { process_us: median(&longer), start_build_us: median(&start_builds) })
}
