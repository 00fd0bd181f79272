//! What is measured beside the rounds: one question a file.

mod compile_time;
mod dependencies;
mod end_of_build;
mod footprint;
mod growth;
mod instructions;
mod site;
mod start;

use std::path::Path;

use serde::Serialize;

use crate::contenders::Contender;
use crate::error::Error;
use crate::programs::Programs;
use crate::rounds::Pace;

pub(crate) use compile_time::CompileTime;
pub(crate) use dependencies::Dependencies;
pub(crate) use end_of_build::EndOfBuild;
pub(crate) use footprint::Footprint;
pub(crate) use growth::Kept;
pub(crate) use instructions::Instructions;
pub(crate) use site::Site;
pub(crate) use start::Start;

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Checks {
    pub(crate) machine_code: MachineCode,
    /// Of all but the bare program.
    pub(crate) starts: Vec<Start>,
    pub(crate) end_of_build: EndOfBuild,
    pub(crate) kept: Vec<Kept>,
    pub(crate) footprints: Vec<Footprint>,
    pub(crate) dependencies: Vec<Dependencies>,
    /// Absent where it was not asked for.
    pub(crate) compile_times: Option<Vec<CompileTime>>,
    /// Absent where valgrind is not installed.
    pub(crate) instructions: Option<Vec<Instructions>>,
    pub(crate) site: Site,
}

/// What comparing annotated functions, compiled out, with bare ones came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MachineCode {
    pub(crate) compared: usize,
    pub(crate) identical: bool,
}

impl Checks {
    /// What a contender's program pays before it has done anything.
    pub(crate) fn start(&self, contender: &Contender) -> Option<&Start> {
        self.starts.iter().find(|it| it.contender == contender.name)
    }
}

/// How thorough to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Quick,
    Full,
}

/// Answers all questions. `progress` is told of each.
pub(crate) fn run(
    contenders: &[Contender],
    programs: &Programs,
    scratch: &Path,
    pace: Pace,
    depth: Depth,
    compile_times: bool,
    progress: impl Fn(&str),
) -> Result<Checks, Error> {
    progress("machine code");
    let differences =
        machine_code::compare(machine_code::Form::Bare, machine_code::Form::CompiledOut)?;
    let machine_code =
        MachineCode { compared: differences.compared, identical: differences.are_none() };
    progress("start and end of a build");
    let installed = programs.installed(&scratch.join("installed"))?;
    let starts = start::run(contenders, &installed, pace, depth)?;
    let end_of_build = end_of_build::run(&installed, scratch, pace)?;
    progress("memory kept");
    let kept = growth::run(contenders, programs, depth)?;
    progress("instructions");
    let instructions = instructions::run(contenders, programs)?;
    progress("the example site");
    let site = site::run(scratch, depth, instructions.is_some())?;
    progress("size, dependencies");
    let footprints = footprint::run(contenders, programs)?;
    let dependencies = dependencies::run(contenders)?;
    let compile_times =
        compile_times.then(|| compile_time::run(contenders, &progress)).transpose()?;
    Ok(Checks {
        machine_code,
        starts,
        end_of_build,
        kept,
        footprints,
        dependencies,
        compile_times,
        instructions,
        site,
    })
}
