//! One process of a command: started, waited for, and killed by the second Ctrl-C.

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use shared_child::SharedChild;

use super::interrupt;

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
    let _killable = interrupt::Killable::new(Arc::clone(child));
    child.wait()
}
