//! One process of a command: its output, with the last lines shown if it fails, and Ctrl-C while it
//! runs: the first lets it end, the second kills it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
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

/// How many lines of output are shown.
const LINES: usize = 20;
/// How many bytes at the end are searched for them.
const TAIL: u64 = 1 << 16;

/// Where the output of a command goes.
///
/// Files rather than pipes: background processes that keep the output open do not block, and large
/// outputs take no memory.
#[derive(Debug)]
pub(super) enum Output {
    /// To the standard error of this process: standard output is for data.
    Shown,
    /// To unnamed files.
    Hidden { out: File, err: File },
}

impl Output {
    pub(super) fn new(is_shown: bool) -> io::Result<Self> {
        if is_shown {
            return Ok(Self::Shown);
        }
        Ok(Self::Hidden { out: tempfile::tempfile()?, err: tempfile::tempfile()? })
    }

    pub(super) fn attach(&mut self, process: &mut Command) -> io::Result<()> {
        match self {
            Self::Shown => process.stdout(Stdio::from(io::stderr())).stderr(Stdio::inherit()),
            Self::Hidden { out, err } => process.stdout(out.try_clone()?).stderr(err.try_clone()?),
        };
        Ok(())
    }

    /// The last lines of standard error or, if that is blank, of standard output. None if the output
    /// was shown.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let Self::Hidden { out, err } = self else { return Vec::new() };
        let lines = |file: &File| tail(file).unwrap_or_default();
        match lines(err) {
            none if none.is_empty() => lines(out),
            lines => lines,
        }
    }
}

fn tail(mut file: &File) -> io::Result<Vec<String>> {
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut text = Vec::new();
    file.take(TAIL).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let plain = anstream::adapter::strip_str(&text).to_string();
    let mut lines: Vec<&str> = plain.trim_end().lines().collect();
    if start > 0 && lines.len() > 1 {
        // The first line may be incomplete.
        lines.remove(0);
    }
    let first = lines.len().saturating_sub(LINES);
    Ok(lines[first..].iter().map(|line| (*line).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    fn last_lines(out: &[u8], err: &[u8]) -> Vec<String> {
        Output::Hidden { out: file(out), err: file(err) }.last_lines()
    }

    #[test]
    fn the_last_lines_are_those_of_standard_error_or_of_standard_output() {
        assert_eq!(last_lines(b"out\n", b"a\r\nb\n\n"), ["a", "b"]);
        assert_eq!(last_lines(b"out\n", b"\n \n"), ["out"]);
        assert_eq!(last_lines(b"", b""), Vec::<String>::new());
    }

    #[test]
    fn only_whole_lines_at_the_end_of_a_large_output_are_kept_without_colours() {
        let many: Vec<String> =
            (0..100_000).map(|n| format!("\u{1b}[31mline {n}\u{1b}[0m\n")).collect();
        let lines = last_lines(b"", many.concat().as_bytes());
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines.last().unwrap(), "line 99999");
        assert_eq!(lines[0], "line 99980");
        let long = [vec![b'x'; 100_000], b"\nend \xff".to_vec()].concat();
        assert_eq!(last_lines(b"", &long), ["end \u{fffd}"]);
    }
}
