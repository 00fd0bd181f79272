//! Whether the checkout has changes, asked of git itself: the one program that is run, and the one
//! fact that a build never waits for.

use std::{
    ffi::OsStr,
    io::{self, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::recordable;

/// How many questions of one process may be unanswered at once. A git that outlives its end (a wrapper
/// which leaves something behind that keeps its output open) must not gather up over a thousand builds.
const MOST_UNANSWERED: usize = 8;

/// What is read of an answer at most, in bytes: its first change is enough.
const LONGEST_ANSWER: usize = 64 * 1024;

static UNANSWERED: AtomicUsize = AtomicUsize::new(0);

/// What git says of the checkout.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// Absent before the first commit.
    pub(super) commit: Option<String>,
    /// Absent where `HEAD` is detached.
    pub(super) branch: Option<String>,
    /// Whether tracked files differ from the commit, staged or not. Untracked files do not count, as
    /// in `git describe --dirty`: the output of every build would make every build dirty.
    pub(super) dirty: bool,
}

/// A question to git that can be withdrawn.
#[derive(Clone, Default)]
pub(super) struct Question(Arc<Shared>);

#[derive(Default)]
struct Shared {
    withdrawn: AtomicBool,
    child: Mutex<Option<Child>>,
}

/// Withdraws its question when dropped.
pub(super) struct Withdrawal(Arc<Shared>);

/// What git is about to say.
pub(super) struct Answer {
    output: ChildStdout,
    _unanswered: Unanswered,
}

/// One place among those of [`MOST_UNANSWERED`].
struct Unanswered;

impl Question {
    pub(super) fn withdrawal(&self) -> Withdrawal {
        Withdrawal(Arc::clone(&self.0))
    }

    /// Starts `git` for the checkout around `directory`. `None` where there is no git, or where nobody wants to know
    /// any more.
    pub(super) fn ask(&self, git: &OsStr, directory: &Path) -> Option<Answer> {
        let mut slot = self.0.child.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.withdrawn.load(Ordering::SeqCst) {
            return None;
        }
        let unanswered = Unanswered::take_place()?;
        let mut child = command(git, directory).spawn().ok()?;
        let output = child.stdout.take()?;
        *slot = Some(child);
        drop(slot);
        // Whoever withdrew while the slot was locked could not end what is in it.
        if self.0.withdrawn.load(Ordering::SeqCst) {
            self.0.end();
        }
        Some(Answer { output, _unanswered: unanswered })
    }

    /// Waits for the answer. `None` where git refuses one (no repository, one that belongs to somebody
    /// else, a git that is too old), and where the question was withdrawn.
    pub(super) fn read(&self, mut answer: Answer) -> Option<Status> {
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        let status = loop {
            match answer.output.read(&mut chunk) {
                Ok(0) => break None,
                Ok(length) => text.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break None,
            }
            if let Some(status) = parse(&text).filter(|status| status.dirty) {
                break Some(status);
            }
            if text.len() > LONGEST_ANSWER {
                break None;
            }
        };
        if status.is_some() || text.len() > LONGEST_ANSWER {
            self.0.end();
        }
        let child = self.0.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = child?.wait();
        if self.0.withdrawn.load(Ordering::SeqCst) {
            return None;
        }
        // A program that ignores its children's ends is told of no exit code; git prints only what it
        // has found out whole.
        let trustworthy = ended.map_or(true, |code| code.success());
        status.or_else(|| parse(&text).filter(|_| trustworthy))
    }
}

impl Drop for Withdrawal {
    fn drop(&mut self) {
        self.0.withdrawn.store(true, Ordering::SeqCst);
        self.0.end();
    }
}

impl Shared {
    /// Ends git if it runs. Waits for nobody: whoever holds the child now, looks after it.
    fn end(&self) {
        if let Ok(mut slot) = self.child.try_lock()
            && let Some(child) = slot.as_mut()
        {
            // It may have ended by itself.
            let _ = child.kill();
        }
    }
}

impl Unanswered {
    fn take_place() -> Option<Self> {
        let before = UNANSWERED.fetch_add(1, Ordering::SeqCst);
        let place = Self;
        (before < MOST_UNANSWERED).then_some(place)
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        UNANSWERED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Asks for one answer that holds commit, branch and changes, in the least intrusive way: nothing is
/// written, fetched or prompted for, no monitor or submodule is asked, one thread does the work.
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

/// The format is "Porcelain Format Version 2" of git-status(1) with `-z`: headers that begin with `#`, then
/// changes. `None` where the headers are not whole yet.
fn parse(text: &[u8]) -> Option<Status> {
    let mut status = Status { commit: None, branch: None, dirty: false };
    let (mut commit_said, mut branch_said) = (false, false);
    for record in text.split_inclusive(|byte| *byte == 0) {
        let record = record.strip_suffix(b"\0")?;
        if let Some(commit) = record.strip_prefix(b"# branch.oid ") {
            commit_said = true;
            status.commit = recordable::commit(&String::from_utf8_lossy(commit));
        } else if let Some(branch) = record.strip_prefix(b"# branch.head ") {
            branch_said = true;
            status.branch = Some(branch)
                .filter(|branch| *branch != b"(detached)")
                .and_then(|branch| recordable::branch(&String::from_utf8_lossy(branch)));
        } else if !record.starts_with(b"# ") {
            status.dirty = true;
            break;
        }
    }
    (commit_said && branch_said).then_some(status)
}
