//! The limit that the system may set on the size of a process's files. A write beyond it is a
//! signal that ends the process, so it is checked before writing.

use std::path::Path;

use perf_history::HistoryError;

/// More than saving a record of some hundred phases writes to any file.
pub(super) const RECORD: u64 = 1 << 20;

/// Fails if a file could grow beyond the limit by writing `bytes` to it.
///
/// # Errors
///
/// [`HistoryError::Io`] if a write could end the process.
pub(super) fn check(path: &Path, bytes: u64) -> Result<(), HistoryError> {
    let Some(limit) = limit() else { return Ok(()) };
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    if length.saturating_add(bytes) <= limit {
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

fn limit() -> Option<u64> {
    #[cfg(unix)]
    return crate::system_calls::file_size_limit();
    #[cfg(not(unix))]
    None
}
