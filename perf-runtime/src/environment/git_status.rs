//! Whether the checkout has uncommitted changes, from `git status`. Git is the only program that the
//! runtime starts, and a build never waits for its answer.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::recordable;

/// At most this much of git's output is read, in bytes: the first change is enough.
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;

/// How many gits one process may wait for at once. A wrapper of git may leave a process behind that
/// keeps the output open, and the reader waits as long as it does: these must not add up over a
/// thousand builds.
static SLOTS: [Mutex<()>; 8] = [const { Mutex::new(()) }; 8];

/// Reserves a slot until the guard is dropped. `None` if all are taken.
pub(super) fn free_slot() -> Option<MutexGuard<'static, ()>> {
    SLOTS.iter().find_map(|slot| slot.try_lock().ok())
}

/// What git reports about the checkout.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// Absent before the first commit.
    pub(super) commit: Option<String>,
    /// Absent where `HEAD` is detached.
    pub(super) branch: Option<String>,
    /// Whether tracked files differ from the commit, staged or not. Untracked files do not count, as
    /// in `git describe --dirty`: otherwise the output of each build would make the checkout dirty.
    pub(super) dirty: bool,
}

/// One run of `git status`, which another thread can cancel.
#[derive(Clone, Default)]
pub(super) struct StatusQuery(Arc<Shared>);

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    child: Mutex<Option<Child>>,
}

/// Cancels its query when dropped: git is killed, and the query has no result.
pub(super) struct CancelOnDrop(Arc<Shared>);

impl StatusQuery {
    pub(super) fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(Arc::clone(&self.0))
    }

    /// Runs `git` for the checkout around `directory`. `None` if git is missing or fails (there is no
    /// repository, another user owns it, git is too old), or if the query was cancelled.
    pub(super) fn run(&self, git: &OsStr, directory: &Path) -> Option<Status> {
        let mut output = BufReader::new(self.start(git, directory)?).take(MAX_OUTPUT_BYTES);
        let mut report = Report::default();
        let mut record = Vec::new();
        while !report.dirty && output.read_until(0, &mut record).is_ok_and(|length| length > 0) {
            // A record that is cut off is not part of the report.
            if record.pop() == Some(0) {
                report.add(&record);
            } else {
                report = Report::default();
            }
            record.clear();
        }
        let is_too_long = output.limit() == 0;
        if report.dirty || is_too_long {
            self.0.kill();
        }
        let child = self.0.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        let exit = child?.wait();
        if self.0.cancelled.load(Ordering::SeqCst) {
            return None;
        }
        // A program that ignores SIGCHLD gets no exit status of its children.
        let succeeded = !is_too_long && exit.map_or(true, |status| status.success());
        let status = report.into_status()?;
        (status.dirty || succeeded).then_some(status)
    }

    fn start(&self, git: &OsStr, directory: &Path) -> Option<ChildStdout> {
        let mut running = self.0.child.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.cancelled.load(Ordering::SeqCst) {
            return None;
        }
        let mut child = command(git, directory).spawn().ok()?;
        let output = child.stdout.take();
        *running = Some(child);
        drop(running);
        // A thread that cancelled while the lock was held could not kill the child.
        if self.0.cancelled.load(Ordering::SeqCst) {
            self.0.kill();
        }
        output
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.0.kill();
    }
}

impl Shared {
    /// Kills git if it runs. Does not wait: a thread that holds the lock checks `cancelled` itself.
    fn kill(&self) {
        if let Ok(mut running) = self.child.try_lock()
            && let Some(child) = running.as_mut()
        {
            // It may have ended already.
            let _ = child.kill();
        }
    }
}

/// A command that prints commit, branch and changes with the least side effects: it writes and fetches
/// nothing, does not prompt, runs no file system monitor, and uses one thread.
fn command(git: &OsStr, directory: &Path) -> Command {
    let mut command = Command::new(git);
    command
        .arg("-C")
        .arg(directory)
        .args(["--no-optional-locks", "--no-pager"])
        .args(["-c", "core.fsmonitor=false"])
        .args(["-c", "core.preloadIndex=false", "-c", "index.threads=1"])
        .args(["-c", "status.renames=false"])
        .args(["status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind"])
        .args(["--untracked-files=no", "--ignore-submodules=dirty"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;

        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    command
}

/// What was read so far of "Porcelain Format Version 2" of git-status(1) with `-z`: headers that begin
/// with `#`, then changes.
#[derive(Default)]
struct Report {
    commit_header: Option<String>,
    branch_header: Option<String>,
    dirty: bool,
}

impl Report {
    fn add(&mut self, record: &[u8]) {
        if let Some(commit) = record.strip_prefix(b"# branch.oid ") {
            self.commit_header = Some(String::from_utf8_lossy(commit).into_owned());
        } else if let Some(branch) = record.strip_prefix(b"# branch.head ") {
            self.branch_header = Some(String::from_utf8_lossy(branch).into_owned());
        } else {
            self.dirty |= !record.starts_with(b"# ");
        }
    }

    /// `None` if a header is missing.
    fn into_status(self) -> Option<Status> {
        let (commit, branch) = (self.commit_header?, self.branch_header?);
        Some(Status {
            // `(initial)` before the first commit.
            commit: recordable::commit(&commit),
            branch: recordable::branch(&branch).filter(|name| name != "(detached)"),
            dirty: self.dirty,
        })
    }
}
