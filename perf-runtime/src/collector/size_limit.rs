//! The limit on the size of files that a process writes (`ulimit -f`). A write beyond it raises a signal
//! that ends the process, so the limit is checked before writing.

use std::path::Path;

use perf_history::HistoryError;

/// More bytes than saving a record of some hundred phases writes to any file.
pub(super) const RECORD_BYTES: u64 = 1 << 20;

/// Checks that `bytes` can be appended to a file.
///
/// # Errors
///
/// [`HistoryError::Io`] if the file could grow beyond the limit.
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
            format!("it could exceed the process's file size limit of {limit} bytes"),
        ),
    })
}

fn limit() -> Option<u64> {
    #[cfg(unix)]
    return crate::system_calls::file_size_limit();
    #[cfg(not(unix))]
    None
}
