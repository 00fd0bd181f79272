//! What a contender adds to a program: bytes, and time to compile.

use std::path::Path;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use object::{Object, ObjectSection, SectionKind};
use serde::{Deserialize, Serialize};

use super::Depth;
use crate::contenders::{BARE, Contender};
use crate::error::Error;
use crate::programs::{Programs, cargo, run as run_program, workspace};

/// What a contender adds to the bare program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Footprint {
    pub(crate) contender: String,
    /// Bytes of code and data that its program has more than the bare one.
    pub(crate) program_bytes: i64,
    /// Seconds of processor time to build it where the bare program is built already. Measured in
    /// full runs, for one form of some libraries.
    pub(crate) compile_cpu_s: Option<f64>,
    /// The same on a clock.
    pub(crate) compile_s: Option<f64>,
}

/// Those whose time to compile is measured: one form of each library.
const COMPILED: [&str; 2] = ["perf-runtime", "hotpath, time"];

pub(super) fn run(
    contenders: &[Contender],
    programs: &Programs,
    depth: Depth,
) -> Result<Vec<Footprint>, Error> {
    let bare = loaded_bytes(programs.path(BARE.binary)?)?;
    let others = contenders.iter().filter(|it| **it != BARE);
    others
        .map(|contender| {
            let compiled = (depth == Depth::Full && COMPILED.contains(&contender.name))
                .then(|| compile(contender))
                .transpose()?;
            Ok(Footprint {
                contender: contender.name.to_owned(),
                program_bytes: loaded_bytes(programs.path(contender.binary)?)? - bare,
                compile_cpu_s: compiled.map(|it| it.0),
                compile_s: compiled.map(|it| it.1),
            })
        })
        .collect()
}

/// The bytes of a program that are loaded when it runs: code and data, not what debuggers read.
fn loaded_bytes(program: &Path) -> Result<i64, Error> {
    let bytes = std::fs::read(program).map_err(Error::file("reading", program))?;
    let file = object::File::parse(bytes.as_slice())
        .map_err(|_| Error::Missing { program: program.into(), what: "the format" })?;
    let loaded = file.sections().filter(|it| {
        !matches!(
            it.kind(),
            SectionKind::Debug
                | SectionKind::DebugString
                | SectionKind::Metadata
                | SectionKind::Other
                | SectionKind::OtherString
        )
    });
    Ok(loaded.map(|it| i64::try_from(it.size()).unwrap_or(i64::MAX)).sum())
}

/// Seconds to build a contender's package in a folder where the bare one is built already: of
/// processor time, and on a clock.
fn compile(contender: &Contender) -> Result<(f64, f64), Error> {
    let target = tempfile::tempdir().map_err(Error::file("making", "a folder"))?;
    let build = |package: &str| {
        run_program(
            cargo(workspace())
                .args(["build", "--release", "--quiet", "--package", package, "--target-dir"])
                .arg(target.path()),
        )
    };
    build(BARE.package)?;
    let (cpu, clock) = (cpu_of_children(), Instant::now());
    build(contender.package)?;
    Ok((cpu_of_children() - cpu, clock.elapsed().as_secs_f64()))
}

#[expect(clippy::cast_precision_loss, reason = "seconds")]
fn cpu_of_children() -> f64 {
    let seconds = |it: TimeVal| it.tv_sec() as f64 + it.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_or(f64::NAN, |it| seconds(it.user_time()) + seconds(it.system_time()))
}
