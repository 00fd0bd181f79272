//! What a contender adds to a program's size.

use std::path::Path;

use object::{Object, ObjectSection, SectionKind};
use serde::Serialize;

use crate::contenders::{BARE, Contender};
use crate::error::Error;
use crate::programs::Programs;

/// What a contender adds to the bare program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Footprint {
    pub(crate) contender: String,
    /// Bytes of code and data that its program has more than the bare one.
    pub(crate) program_bytes: i64,
}

pub(super) fn run(contenders: &[Contender], programs: &Programs) -> Result<Vec<Footprint>, Error> {
    let bare = loaded_bytes(programs.path(BARE.binary)?)?;
    let others = contenders.iter().filter(|it| **it != BARE);
    others
        .map(|contender| {
            Ok(Footprint {
                contender: contender.name.to_owned(),
                program_bytes: loaded_bytes(programs.path(contender.binary)?)? - bare,
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
