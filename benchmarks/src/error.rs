//! Why there is no report.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use workloads::Seen;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("starting {}: {cause}", program.display())]
    Start { program: PathBuf, cause: io::Error },
    #[error("{} ended with {status}: {}", program.display(), said.trim())]
    Ended { program: PathBuf, status: ExitStatus, said: String },
    #[error("{} {arguments} does not end", program.display())]
    Hung { program: PathBuf, arguments: String },
    #[error("{} said what cannot be read: {cause}", program.display())]
    Said { program: PathBuf, cause: serde_json::Error },
    #[error("{what} of {} is missing in what it said", program.display())]
    Missing { program: PathBuf, what: &'static str },
    #[error("building {package}: nothing came of it that can be run or loaded")]
    NoProgram { package: String },
    #[error("{contender} should see {expected:?} and says {seen:?}: it measures something else")]
    Blind { contender: &'static str, seen: Seen, expected: Seen },
    #[error("asking cargo for the packages: {0}")]
    Packages(#[from] cargo_metadata::Error),
    #[error("{doing} {}: {cause}", path.display())]
    File { doing: &'static str, path: PathBuf, cause: io::Error },
    #[error("{} is no report: {cause}", path.display())]
    NoReport { path: PathBuf, cause: serde_json::Error },
    #[error("drawing {}: {cause}", path.display())]
    Drawing { path: PathBuf, cause: String },
    #[error("comparing machine code: {0}")]
    MachineCode(#[from] machine_code::Error),
    #[error("{} holds no line {line}", path.display())]
    NoMark { path: PathBuf, line: &'static str },
}

impl Error {
    /// An error of reading or writing a file, for `map_err`.
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { doing, path, cause }
    }
}
