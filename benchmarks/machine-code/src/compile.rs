//! Compiling the subject to object files.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::Message;

use crate::functions::{self, Functions};

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

/// Why nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder for the object files could not be made, or one of them not be read.
    #[error("reading what was compiled: {0}")]
    File(#[from] io::Error),
    /// Cargo could not be started.
    #[error("starting cargo: {0}")]
    Start(io::Error),
    /// The subject does not compile.
    #[error("compiling the subject: {0}")]
    Compile(String),
    /// An object file is not one.
    #[error("reading the object file {}: {cause}", path.display())]
    Object {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: object::Error,
    },
    /// The compiler left no object file.
    #[error("the compiler left no object file")]
    Nothing,
}

impl Form {
    fn features(self) -> &'static str {
        match self {
            Self::Bare => "",
            Self::CompiledOut => "annotated",
            Self::Measuring => "annotated,track",
        }
    }

    /// Compiles the subject and reads its functions.
    pub(crate) fn compile(self) -> Result<Functions, Error> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/subject"))
            .args(["build", "--profile=machine-code", "--quiet", "--lib"])
            .args(["--message-format=json-render-diagnostics", "--features", self.features()])
            .output()
            .map_err(Error::Start)?;
        if !output.status.success() {
            return Err(Error::Compile(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let mut library = None;
        for message in Message::parse_stream(output.stdout.as_slice()) {
            if let Message::CompilerArtifact(artifact) = message?
                && artifact.target.name == "machine_code_subject"
            {
                library = artifact.filenames.into_iter().find(|it| it.extension() == Some("rlib"));
            }
        }
        read_library(library.ok_or(Error::Nothing)?.as_std_path())
    }
}

/// The functions of all object files in a library.
fn read_library(library: &Path) -> Result<Functions, Error> {
    let bytes = std::fs::read(library)?;
    let broken = |cause| Error::Object { path: library.to_owned(), cause };
    let archive = object::read::archive::ArchiveFile::parse(bytes.as_slice()).map_err(broken)?;
    let mut functions = Functions::new();
    for member in archive.members() {
        let member = member.map_err(broken)?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        if Path::new(&name).extension() == Some(OsStr::new("o")) {
            let object = member.data(bytes.as_slice()).map_err(broken)?;
            functions::read(object, &mut functions).map_err(broken)?;
        }
    }
    if functions.is_empty() { Err(Error::Nothing) } else { Ok(functions) }
}
