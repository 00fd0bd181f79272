//! One process of a command: started, waited for, and killed where the user insists.

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use shared_child::SharedChild;

use super::interrupt;

/// The number of the signal that Ctrl-C sends, in every Unix.
const SIGINT: i32 = 2;

/// Starts a process that reads nothing.
pub(super) fn start(process: &mut Command) -> io::Result<Arc<SharedChild>> {
    process.stdin(Stdio::null());
    Ok(Arc::new(SharedChild::spawn(process)?))
}

/// Whether Ctrl-C ended it: it may have ended before this process has noticed.
pub(super) fn was_interrupted(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    signal == Some(SIGINT) || status.code() == Some(128 + SIGINT)
}

/// Waits for it to end. Ctrl-C reaches it as it reaches this process, and it ends as it sees fit;
/// a second one kills it.
pub(super) fn wait(child: &Arc<SharedChild>) -> io::Result<ExitStatus> {
    let _killable = interrupt::Killable::new(Arc::clone(child));
    child.wait()
}
