//! The lock of a history: a file of its own, so that rewriting the history loses no writer.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::{HistoryError, IoContext};

/// The first and the longest pause between two attempts. A lock is held for
/// well under a millisecond, so the pauses stay short.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(4);

/// The right to write a history, until dropped. The system takes it from a process that dies.
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Waits for the lock at `path` for as long as `wait`; `None` if that is not enough.
    /// Makes the directory if it is missing.
    pub(super) fn acquire(path: &Path, wait: Duration) -> Result<Option<Self>, HistoryError> {
        // A wait too long for the clock has no deadline.
        let deadline = Instant::now().checked_add(wait);
        let mut pause = FIRST_PAUSE;
        loop {
            let file = open(path)?;
            loop {
                match file.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
                    Err(TryLockError::Error(error)) => return Err(error).context("lock", path),
                }
                let left = deadline.map_or(LONGEST_PAUSE, |deadline| {
                    deadline.saturating_duration_since(Instant::now())
                });
                if left.is_zero() {
                    return Ok(None);
                }
                thread::sleep(pause.min(left));
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            // If the directory was removed meanwhile, this is a lock that new writers will not
            // find.
            if is_at(&file, path) {
                return Ok(Some(Self { file }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file releases the lock as well, but not while a forked process keeps a
        // copy of it open.
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> Result<File, HistoryError> {
    let attempt =
        || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    match (attempt(), path.parent()) {
        (Err(error), Some(dir)) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(dir).context("make the directory", dir)?;
            attempt()
        }
        (Err(error), Some(dir)) if error.kind() == ErrorKind::NotADirectory => {
            return Err(error).context("use as a directory", dir);
        }
        (result, _) => result,
    }
    .context("open the lock", path)
}

/// Whether the file opened is still the one that is found at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let identity = |metadata: std::io::Result<fs::Metadata>| {
        let metadata = metadata.ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    identity(file.metadata()) == identity(fs::metadata(path))
}

/// Elsewhere a file that is open cannot be removed from under its path.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_whose_lock_file_was_removed_gets_the_lock_that_exists() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history/.lock");
        let first = Lock::acquire(&path, Duration::ZERO).unwrap().unwrap();
        thread::scope(|scope| {
            let second = scope.spawn(|| Lock::acquire(&path, Duration::from_mins(1)).unwrap());
            // By now the other waits, most likely; if not, there is less to see.
            thread::sleep(Duration::from_millis(50));
            fs::remove_dir_all(dir.path().join("history")).unwrap();
            drop(first);
            let second = second.join().unwrap().unwrap();
            assert!(Lock::acquire(&path, Duration::ZERO).unwrap().is_none());
            drop(second);
            assert!(Lock::acquire(&path, Duration::ZERO).unwrap().is_some());
        });
    }
}
