//! Why a site could not be built.

use std::path::{Path, PathBuf};

/// Why a site could not be built. What is wrong with a single document is no error but a
/// [`Finding`](crate::health::Finding).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `write`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system answered.
        #[source]
        cause: std::io::Error,
    },
    /// The source is not a folder.
    #[error("{} is not a folder of Markdown", .0.display())]
    NotAFolder(PathBuf),
    /// Writing the site would overwrite what it is made from.
    #[error("the output folder {} would hold the sources; choose another with --out", .0.display())]
    OutputHoldsSources(PathBuf),
    /// There is no workspace to build a site from.
    #[error("no Cargo workspace with a Cargo.lock around {}; name a folder of Markdown", .0.display())]
    NoWorkspace(PathBuf),
    /// A file of the user's that steers the build does not say what it should.
    #[error("cannot understand {}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What its parser said, in one line.
        reason: String,
    },
    /// The system gave no threads, or others have been started already.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A template is wrong.
    #[error("wrong template: {0}")]
    Template(#[from] minijinja::Error),
}

impl Error {
    /// An adapter for `map_err` that adds what was tried, and on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |cause| Self::Io { action, path, cause }
    }

    /// For a file whose parser failed. Parsers draw pictures; one line is enough here.
    pub(crate) fn settings(path: &Path, reason: &dyn std::fmt::Display) -> Self {
        Self::Settings { path: path.to_path_buf(), reason: one_line(reason) }
    }
}

/// A parser's message without its pictures: each line trimmed, joined by one space.
pub(crate) fn one_line(message: &dyn std::fmt::Display) -> String {
    let message = message.to_string();
    let mut line = String::with_capacity(message.len());
    for word in message.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
