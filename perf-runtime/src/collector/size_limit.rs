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

#[cfg(unix)]
fn limit() -> Option<u64> {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE).ok()?;
    (limit != RLIM_INFINITY).then(|| as_bytes(limit))
}

#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}

/// `rlim_t` is `u64` on most systems, `u32` on 32-bit Linux and `i64` on FreeBSD. A limit that is
/// no `u64` is none.
#[cfg(unix)]
fn as_bytes(limit: impl TryInto<u64>) -> u64 {
    limit.try_into().unwrap_or(u64::MAX)
}

#[cfg(all(test, unix))]
mod tests {
    use super::as_bytes;

    /// The limit was compared as a `u64`, which does not compile where `rlim_t` is another type.
    #[test]
    fn a_limit_of_any_integer_type_is_compared_in_bytes() {
        assert_eq!(as_bytes(7_u32), 7);
        assert_eq!(as_bytes(7_i64), 7);
        assert_eq!(as_bytes(-1_i64), u64::MAX);
        assert_eq!(as_bytes(u64::MAX), u64::MAX);
    }
}
