//! Places that refuse what is written to them: disks that are full or read-only.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use perf_history::{History, HistoryError};
use tempfile::TempDir;

/// The error is about this path, and names the cause.
pub(crate) fn assert_refused(error: &HistoryError, path: &Path, cause: &str) {
    let message = error.describe();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(message.contains(cause), "{message}");
}

/// A file system of its own in memory, gone when dropped.
pub(crate) struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// `None`, with a word on why, where this process may not mount.
    pub(crate) fn mount(options: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(dir.path());
        let reason = match mount.output() {
            Ok(output) if output.status.success() => return Some(Self { dir }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        println!("skipped: cannot mount a small disk: {}", reason.trim());
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).status();
    }
}

/// A directory with a history that this process cannot write to.
pub(crate) struct ReadOnly {
    pub(crate) dir: PathBuf,
    _plain: Option<TempDir>,
    _disk: Option<SmallDisk>,
}

impl ReadOnly {
    /// By permissions, or for a user whom these do not bind, by a disk mounted so. `None`, with a
    /// word on why, where neither works.
    pub(crate) fn holding(fill: impl Fn(&History)) -> Option<Self> {
        let write = |dir: &Path| fill(&History::open(dir));
        let plain = tempfile::tempdir().unwrap();
        let dir = plain.path().join("history");
        write(&dir);
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let mode = if path.is_dir() { 0o555 } else { 0o444 };
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(&dir, Permissions::from_mode(0o555)).unwrap();
        if fs::write(dir.join("probe"), "").is_err() {
            return Some(Self { dir, _plain: Some(plain), _disk: None });
        }
        let disk = SmallDisk::mount("size=1m")?;
        let dir = disk.path().join("history");
        write(&dir);
        let mut remount = Command::new("mount");
        let remounted = remount.args(["-o", "remount,ro"]).arg(disk.path()).status();
        if !remounted.is_ok_and(|status| status.success()) {
            println!("skipped: cannot mount a disk read-only");
            return None;
        }
        Some(Self { dir, _plain: None, _disk: Some(disk) })
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        // Or else the directories could not be removed.
        for dir in [self.dir.clone(), self.dir.join("timelines")] {
            let _ = fs::set_permissions(dir, Permissions::from_mode(0o755));
        }
    }
}
