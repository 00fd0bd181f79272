//! What a process pays before it has done anything, for many calls, and at the end of a build.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use workloads::{Kind, Memory, Start, lower_quartile, now_ns};

use super::Extent;
use crate::contenders::{ALL, BARE, Contender, FULL, OUTSIDE};
use crate::programs::{Programs, json_of};

/// Resident memory varies by a few pages in any program: growth below this one counts as none.
const PAGES: u64 = 128 * 1024;

/// What a contender's process pays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) contender: String,
    /// How many microseconds later than the bare program it reaches the first line of `main`.
    pub(crate) before_main_us: f64,
    /// How many microseconds the first start of measuring takes, such as `start_build`.
    pub(crate) begin_us: f64,
    /// Bytes of resident memory that stay behind for each call of a phase. Absent where it measures no
    /// phases.
    pub(crate) bytes_per_call: Option<f64>,
}

/// Measures all contenders but the bare program.
pub(super) fn run(programs: &Programs, extent: Extent) -> Result<Vec<Process>> {
    let measuring = ALL.iter().filter(|contender| ![BARE, OUTSIDE].contains(contender));
    measuring.map(|contender| measure(contender, programs, extent)).collect()
}

fn measure(contender: &Contender, programs: &Programs, extent: Extent) -> Result<Process> {
    let mut commands = [programs.command(&BARE)?, programs.command(contender)?];
    let [mut bare, mut measuring] = [Vec::new(), Vec::new()];
    for command in &mut commands {
        // The first process of a program reads it from the disk.
        start(command.arg("start"))?;
    }
    for _ in 0..extent.rounds * if *contender == FULL { 25 } else { 5 } {
        bare.push(start(&mut commands[0])?);
        measuring.push(start(&mut commands[1])?);
    }
    let [before_main_us, begin_us] = [0, 1].map(|part| {
        let quartile = |starts: &[[f64; 2]]| lower_quartile(starts.iter().map(|start| start[part]));
        quartile(&measuring) - quartile(&bare)
    });
    let measures_phases = contender.kinds.contains(&Kind::Phases);
    let bytes_per_call =
        measures_phases.then(|| bytes_per_call(contender, programs, extent)).transpose()?;
    let contender = contender.name.to_owned();
    Ok(Process { contender, before_main_us, begin_us, bytes_per_call })
}

/// Microseconds from the start of a process to the first line of `main`, and of the first start of
/// measuring.
fn start(command: &mut Command) -> Result<[f64; 2]> {
    let started = now_ns();
    let start: Start = json_of(command)?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds")]
    let micros = |nanoseconds: u64| nanoseconds as f64 / 1e3;
    Ok([micros(start.first_line_ns.saturating_sub(started)), micros(start.begin_ns)])
}

#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn bytes_per_call(contender: &Contender, programs: &Programs, extent: Extent) -> Result<f64> {
    // Peers that keep memory for each call would fill the machine.
    let calls: u32 = match (*contender == FULL, extent.full) {
        (true, true) => 100_000_000,
        (true, false) | (false, true) => 10_000_000,
        (false, false) => 1_000_000,
    };
    let memory: Memory = json_of(programs.command(contender)?.args(["calls", &calls.to_string()]))?;
    let grown = memory.after.saturating_sub(memory.before);
    Ok(if grown <= PAGES { 0.0 } else { grown as f64 / memory.calls as f64 })
}

/// Milliseconds of `end_build` and `save` together, in a build with 200 paths on each of 8 threads. Each
/// build has a process of its own.
pub(super) fn end_of_build_ms(programs: &Programs, scratch: &Path, extent: Extent) -> Result<f64> {
    let mut command = programs.end_of_build();
    command.arg(scratch.join("end-of-build"));
    let nanoseconds: Vec<[f64; 2]> =
        (0..extent.rounds * 4).map(|_| json_of(&mut command)).collect::<Result<_>>()?;
    Ok(lower_quartile(nanoseconds.iter().map(|[end_build, save]| (end_build + save) / 1e6)))
}
