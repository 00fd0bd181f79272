//! What ends a command early, and the exit code that it ends with.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use perf_history::HistoryError;

use crate::configuration::ConfigurationError;
use crate::launch::LaunchError;
use crate::select::SelectError;

/// The result of a command or of a part of it.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Why a command could not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line or the configuration is wrong.
    #[error("{0}")]
    Usage(String),
    /// A build command failed, or left no record.
    #[error("{0}")]
    Command(String),
    #[error("cannot create a temporary file in {}", .dir.display())]
    Temporary { dir: PathBuf, source: io::Error },
    /// There is not enough to show or to compare, or it is not comparable.
    #[error("{0}")]
    NoData(String),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("cannot write the output")]
    Output(#[from] io::Error),
    #[error("cannot write {}", .path.display())]
    OutputFile { path: PathBuf, source: io::Error },
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        Self::Usage(with_causes(&error))
    }
}

/// The message of an error, followed by the messages of its causes.
///
/// Some libraries repeat the cause at the end of their message. It is not repeated here.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.ends_with(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        match error {
            LaunchError::History(error) => Self::History(error),
            LaunchError::Temporary { dir, source } => Self::Temporary { dir, source },
            _ => Self::Command(with_causes(&error)),
        }
    }
}

impl From<SelectError> for Failure {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::History(error) => Self::History(error),
            SelectError::NoBuilds { .. } => Self::NoData(error.to_string()),
            SelectError::Unknown { .. } | SelectError::TooFew { .. } => {
                Self::Usage(error.to_string())
            }
        }
    }
}

/// How a command ended: its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum ExitStatus {
    /// The command did what it should.
    Success = 0,
    /// A build got slower or uses more memory.
    Regression = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// There is not enough comparable data; only with `--strict`.
    InsufficientData = 3,
    /// The history cannot be read or written.
    History = 4,
    /// Another error: a build command cannot be started, failed, or left no record; the output or
    /// a temporary file cannot be written.
    Error = 5,
    /// Ctrl-C ended the command.
    Interrupted = 130,
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_found() -> io::Error {
        io::Error::new(io::ErrorKind::NotFound, "it is not there")
    }

    #[test]
    fn an_error_names_its_path_and_its_cause_once() {
        let path = PathBuf::from("a/b");
        for (failure, expected) in [
            (Failure::Output(not_found()), "cannot write the output: it is not there"),
            (
                Failure::OutputFile { path: path.clone(), source: not_found() },
                "cannot write a/b: it is not there",
            ),
            (
                Failure::History(HistoryError::Io { action: "open", path, source: not_found() }),
                "cannot open a/b: it is not there",
            ),
        ] {
            assert_eq!(with_causes(&failure), expected);
        }
    }
}
