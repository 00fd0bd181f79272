//! Compares the machine code of annotated functions with that of bare ones.
//!
//! The crate `machine-code-subject` is compiled to object files, with and without its annotations.
//! Each function's instructions are compared, and the names that they refer to. Addresses are left to
//! the linker, and the hashes in names only show that the crates were compiled apart.
#![forbid(unsafe_code)]

mod functions;

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::Message;

use crate::functions::Functions;

/// How the subject is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Without annotations.
    Bare,
    /// With annotations, and measuring compiled out.
    CompiledOut,
    /// With annotations that measure.
    Measuring,
}

impl Form {
    fn features(self) -> &'static str {
        match self {
            Self::Bare => "",
            Self::CompiledOut => "annotated",
            Self::Measuring => "annotated,track",
        }
    }

    /// Compiles the subject and reads the functions of all object files in its library.
    fn compile(self) -> Result<Functions> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/subject"))
            .args(["build", "--profile=machine-code", "--quiet", "--lib"])
            .args(["--message-format=json-render-diagnostics", "--features", self.features()])
            .output()
            .context("starting cargo")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "compiling the subject failed: {errors}");
        let mut library = None;
        for message in Message::parse_stream(output.stdout.as_slice()) {
            if let Message::CompilerArtifact(artifact) = message?
                && artifact.target.name == "machine_code_subject"
            {
                let mut files = artifact.filenames.into_iter();
                library = files.find(|file| file.extension() == Some("rlib"));
            }
        }
        let library = library.context("the compiler wrote no library")?;
        let functions = functions::read_library(&std::fs::read(&library)?)
            .with_context(|| format!("reading {library}"))?;
        ensure!(!functions.is_empty(), "the compiler wrote no object file");
        Ok(functions)
    }
}

/// Which functions differ between two forms of the same crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences {
    /// How many functions were compared.
    pub compared: usize,
    /// Functions whose code differs.
    pub different: Vec<String>,
    /// Functions that only the first form has.
    pub only_first: Vec<String>,
    /// Functions that only the second form has.
    pub only_second: Vec<String>,
}

impl Differences {
    /// Whether functions were compared, and none differs.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.compared > 0
            && self.different.is_empty()
            && self.only_first.is_empty()
            && self.only_second.is_empty()
    }

    fn between(first: &Functions, second: &Functions) -> Self {
        let missing_in = |functions: &Functions, other: &Functions| {
            functions.keys().filter(|name| !other.contains_key(*name)).cloned().collect()
        };
        let both: Vec<_> = first.keys().filter(|name| second.contains_key(*name)).collect();
        Self {
            compared: both.len(),
            different: both
                .into_iter()
                .filter(|name| first[*name] != second[*name])
                .cloned()
                .collect(),
            only_first: missing_in(first, second),
            only_second: missing_in(second, first),
        }
    }
}

/// Compiles the subject in both forms and compares its functions.
///
/// # Errors
///
/// Where the subject does not compile, or its object files cannot be read.
pub fn compare(first: Form, second: Form) -> Result<Differences> {
    Ok(Differences::between(&first.compile()?, &second.compile()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_out_annotations_leave_the_machine_code_of_the_bare_functions() {
        let differences = compare(Form::Bare, Form::CompiledOut).unwrap();
        assert!(differences.are_none(), "{differences:#?}");
        assert!(differences.compared >= 8, "{differences:#?}");
    }

    #[test]
    fn annotations_that_measure_are_reported_as_different() {
        let differences = compare(Form::Bare, Form::Measuring).unwrap();
        assert!(differences.compared >= 7, "{differences:#?}");
        for name in ["plain", "fallible", "owning", "recursive", "panicking"] {
            let name = format!("machine_code_subject::{name}");
            assert!(differences.different.contains(&name), "{name}: {differences:#?}");
        }
    }
}
