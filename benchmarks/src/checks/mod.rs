//! What is measured beside the rounds.

mod dependencies;
mod history;
mod mdbook;
mod process;

use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::contenders::{Contender, FULL};
use crate::programs::Programs;

pub(crate) use dependencies::{APPLICATION, Dependency, LIBRARY, TRACING};
pub(crate) use history::LongHistory;
pub(crate) use mdbook::MdBook;
pub(crate) use process::Process;

/// The results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Checks {
    /// How many annotated functions, compiled out, have other machine code than the bare ones.
    pub(crate) other_machine_code: usize,
    /// Of each contender that measures phases or memory.
    pub(crate) processes: Vec<Process>,
    /// Milliseconds of `end_build` and `save` together.
    pub(crate) end_of_build_ms: f64,
    pub(crate) mdbook: MdBook,
    pub(crate) dependencies: Vec<Dependency>,
    /// Absent in quick runs.
    pub(crate) history: Option<LongHistory>,
}

/// What to measure, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) rounds: usize,
    /// How long a process times a workload.
    pub(crate) milliseconds: u32,
    /// Whether to measure what takes minutes: a long history, and instructions under valgrind.
    pub(crate) full: bool,
    pub(crate) compile_times: bool,
}

/// Runs all checks, with files in `scratch`.
pub(crate) fn run(
    programs: &Programs,
    scratch: &Path,
    extent: Extent,
    progress: impl Fn(&str),
) -> Result<Checks> {
    progress("machine code");
    let differences =
        machine_code::compare(machine_code::Form::Bare, machine_code::Form::CompiledOut)?;
    let other_machine_code =
        differences.different.len() + differences.only_first.len() + differences.only_second.len();
    progress("start and memory of a process");
    let processes = process::run(programs, extent)?;
    progress("end of a build");
    let end_of_build_ms = process::end_of_build_ms(programs, scratch, extent)?;
    progress("mdBook");
    let (mdbook, record) = mdbook::run(scratch, extent)?;
    progress("dependencies");
    let dependencies = dependencies::run(extent, &progress)?;
    let history = extent
        .full
        .then(|| {
            progress("a long history");
            history::run(scratch, &record)
        })
        .transpose()?;
    Ok(Checks { other_machine_code, processes, end_of_build_ms, mdbook, dependencies, history })
}

impl Checks {
    /// The process of a contender.
    pub(crate) fn process(&self, contender: &Contender) -> Option<&Process> {
        self.processes.iter().find(|process| process.contender == contender.name)
    }

    /// The process of perf-runtime.
    pub(crate) fn ours(&self) -> Option<&Process> {
        self.process(&FULL)
    }
}
