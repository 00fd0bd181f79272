//! The limit that the system may set on the size of a process's files. Writing beyond it is a
//! signal that ends the process, so that it has to be looked at first.

use std::path::Path;

use perf_history::HistoryError;

/// More than saving a record writes to any file: one of hundreds of phases.
pub(super) const RECORD: u64 = 1 << 20;

/// Whether a file may grow by so many bytes.
///
/// # Errors
///
/// [`HistoryError::Io`] where a write could end the process.
#[cfg(unix)]
pub(super) fn check(path: &Path, room: u64) -> Result<(), HistoryError> {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

    let Ok((limit, _)) = getrlimit(Resource::RLIMIT_FSIZE) else { return Ok(()) };
    let length = std::fs::metadata(path).map_or(0, |it| it.len());
    if limit == RLIM_INFINITY || length.saturating_add(room) <= limit {
        return Ok(());
    }
    Err(HistoryError::Io {
        action: "append to",
        path: path.to_owned(),
        source: std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("it could grow beyond this process's limit of {limit} bytes a file"),
        ),
    })
}

#[cfg(not(unix))]
pub(super) fn check(_: &Path, _: u64) -> Result<(), HistoryError> {
    Ok(())
}
