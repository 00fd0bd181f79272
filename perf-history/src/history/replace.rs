//! Files that are replaced as a whole: written under a temporary name, then renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::{HistoryError, IoContext};

/// A temporary file older than this was left by a writer that was killed.
const STALE: Duration = Duration::from_hours(1);

/// A path in the directory for what is to be the file of this build. No two threads or processes
/// share one, even for one build.
pub(super) fn temporary_for(dir: &Path, build_id: &str) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    dir.join(format!("{build_id}.{}.{count}.tmp", std::process::id()))
}

/// Replaces the file at `path` by what `write` writes; readers see the old file or the new one.
/// `temporary` is in the same directory.
pub(super) fn replace(
    path: &Path,
    temporary: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), HistoryError> {
    let mut file = create_new(temporary)?;
    write(&mut file)
        .context("write", temporary)
        .and_then(|()| fs::rename(temporary, path).context("replace", path))
        .inspect_err(|_| {
            let _ = fs::remove_file(temporary);
        })
}

/// Replaces the file at `path` by `bytes`.
pub(super) fn replace_by(path: &Path, temporary: &Path, bytes: &[u8]) -> Result<(), HistoryError> {
    replace(path, temporary, |file| file.write_all(bytes))
}

/// Creates a temporary file. What a killed process left of one is removed, and a link that stands
/// in its place is not followed.
pub(super) fn create_new(path: &Path) -> Result<File, HistoryError> {
    let create = || File::create_new(path);
    create()
        .or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => fs::remove_file(path).and_then(|()| create()),
            _ => Err(error),
        })
        .context("create", path)
}

/// The regular files of a directory, sorted by name; none where there is no directory.
pub(super) fn files_in(dir: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.context("list", dir)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.context("list", dir)?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Removes a temporary file that a killed writer left.
pub(super) fn remove_if_stale(path: &Path) {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let age = modified.map(|time| time.elapsed().unwrap_or_default());
    if age.is_ok_and(|age| age > STALE) {
        let _ = fs::remove_file(path);
    }
}
