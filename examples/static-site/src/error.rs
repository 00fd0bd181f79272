//! Why a site could not be built.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why a site could not be built. A problem in a single document is not an error but a
/// [`Finding`](crate::Finding).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file system operation failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The source is not a folder.
    #[error("{} is not a folder of Markdown", .0.display())]
    NotAFolder(PathBuf),
    /// Writing the site would overwrite its own sources.
    #[error("the output folder {} contains the sources; choose another with --out", .0.display())]
    OutputContainsSources(PathBuf),
    /// There is no workspace to build a site from.
    #[error("no Cargo workspace with a Cargo.lock around {}; name a folder of Markdown", .0.display())]
    NoWorkspace(PathBuf),
    /// A settings file or lock file does not parse.
    #[error("cannot parse {}: {reason}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// The parser's message, in one line.
        reason: String,
    },
    /// The system cannot start threads, or the thread pool exists already.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A template does not parse or does not render.
    #[error("invalid template: {0}")]
    Template(#[from] minijinja::Error),
}

impl Error {
    /// An adapter for `map_err` that adds what was tried, and on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn parse(path: &Path, reason: impl Display) -> Self {
        Self::Parse { path: path.to_path_buf(), reason: one_line(reason) }
    }
}

/// Joins lines, and removes the indentation with which parsers point into their input.
pub(crate) fn one_line(message: impl Display) -> String {
    message.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
