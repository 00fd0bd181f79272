//! One process of a command, and Ctrl-C while it runs: the first lets it end, the second kills it.

use std::io;
use std::process::{Command, ExitStatus, Stdio, exit};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use shared_child::SharedChild;

/// The exit code of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// How often the user pressed Ctrl-C.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// How many [`Interrupts`] there are; without any, Ctrl-C ends the program as usual.
static WATCHING: AtomicUsize = AtomicUsize::new(0);
/// The processes that a second Ctrl-C kills.
static KILLABLE: Mutex<Vec<Arc<SharedChild>>> = Mutex::new(Vec::new());

/// Watches for Ctrl-C until dropped.
#[derive(Debug)]
pub(crate) struct Interrupts {
    before: usize,
}

impl Interrupts {
    /// Watches from now on.
    pub(crate) fn watch() -> Self {
        static HANDLER: Once = Once::new();
        // A program that has a handler of its own keeps it.
        HANDLER.call_once(|| drop(ctrlc::try_set_handler(interrupted)));
        if WATCHING.fetch_add(1, Ordering::SeqCst) == 0 {
            // Earlier commands do not count.
            COUNT.store(0, Ordering::SeqCst);
        }
        Self { before: COUNT.load(Ordering::SeqCst) }
    }

    /// Whether Ctrl-C was pressed since.
    pub(crate) fn has_any(&self) -> bool {
        COUNT.load(Ordering::SeqCst) > self.before
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        WATCHING.fetch_sub(1, Ordering::SeqCst);
    }
}

fn interrupted() {
    if WATCHING.load(Ordering::SeqCst) == 0 {
        exit(INTERRUPTED);
    }
    if COUNT.fetch_add(1, Ordering::SeqCst) > 0 {
        for child in killable().iter() {
            // It may have ended already.
            let _ = child.kill();
        }
    }
}

/// A process that a second Ctrl-C kills, until this is dropped.
struct Killable(Arc<SharedChild>);

impl Killable {
    fn new(child: Arc<SharedChild>) -> Self {
        killable().push(Arc::clone(&child));
        Self(child)
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        killable().retain(|child| !Arc::ptr_eq(child, &self.0));
    }
}

fn killable() -> MutexGuard<'static, Vec<Arc<SharedChild>>> {
    KILLABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of the signal of Ctrl-C on every Unix.
const SIGINT: i32 = 2;

/// Starts a process without standard input.
pub(super) fn start(process: &mut Command) -> io::Result<Arc<SharedChild>> {
    process.stdin(Stdio::null());
    Ok(Arc::new(SharedChild::spawn(process)?))
}

/// Whether Ctrl-C ended it. It may end before this process receives the signal.
pub(super) fn was_interrupted(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    signal == Some(SIGINT) || status.code() == Some(128 + SIGINT)
}

/// Waits for it to end. The terminal sends Ctrl-C to it as well, and it finishes or aborts on its own.
/// A second Ctrl-C kills it.
pub(super) fn wait(child: &Arc<SharedChild>) -> io::Result<ExitStatus> {
    let _killable = Killable::new(Arc::clone(child));
    child.wait()
}
