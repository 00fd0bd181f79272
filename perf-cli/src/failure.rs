//! What ends a command early, and the exit code that it ends with.

use std::io;
use std::path::PathBuf;

use perf_history::HistoryError;

use crate::configuration::ConfigurationError;
use crate::select::SelectError;

/// Why a command could not do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command does not make sense as it was given.
    #[error("{0}")]
    Usage(String),
    /// A build command failed, or left no record.
    #[error("{0}")]
    Command(String),
    /// There is not enough to show or to compare, or what there is may not be compared.
    #[error("{0}")]
    NoData(String),
    /// The history cannot be read or written.
    #[error("{}", .0.describe())]
    History(#[from] HistoryError),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The file that the output should go to cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    OutputFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        Self::Usage(error.to_string())
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
pub enum Exit {
    /// All is fine.
    Fine = 0,
    /// A build got slower, or takes more memory.
    Regression = 1,
    /// The command does not make sense as it was given; or it is to run another, which cannot be
    /// started, fails, or leaves no record.
    Usage = 2,
    /// Not enough, or no comparable, data; only with `--strict`.
    NoData = 3,
    /// The history cannot be read or written, or the output not be written.
    History = 4,
    /// Ctrl-C ended it.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
