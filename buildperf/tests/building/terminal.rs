//! What a terminal shows, and what Ctrl-C does.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use perf_history::History;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::fake_build;
use crate::in_process::data;
use crate::session::Session;
use crate::trial;

/// Nothing here takes long, but the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn trials() -> Vec<Trial> {
    if cfg!(not(unix)) {
        // Windows has other terminals and no signals.
        return Vec::new();
    }
    vec![
        trial("colour_is_used_on_terminals_unless_switched_off", colour),
        trial("the_output_fits_the_terminal_even_after_a_resize", width),
        trial("progress_is_drawn_while_builds_run_and_removed_afterwards", progress),
        trial("no_progress_is_drawn_in_a_pipe_or_on_a_dumb_terminal", no_progress),
        trial("ctrl_c_ends_the_run_and_leaves_the_history_whole", interrupt),
        trial("a_second_ctrl_c_kills_a_build_that_ignores_the_first", second_interrupt),
    ]
}

/// A program on a terminal of its own.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(columns: u16, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_buildperf"));
        command.args(words);
        command.cwd(std::env::current_dir().unwrap());
        Self::start_command(columns, command, variables)
    }

    fn start_command(
        columns: u16,
        mut command: CommandBuilder,
        variables: &[(&str, &str)],
    ) -> Self {
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "CI"] {
            command.env_remove(variable);
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command.env(name, value);
        }
        let pair = native_pty_system().openpty(size(columns)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux the end of the last program is an error here.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keyboard = pair.master.take_writer().unwrap();
        Self { master: pair.master, keyboard, child, output, seen: String::new() }
    }

    /// Waits until the screen has shown a text.
    fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("{error} before {text:?}: {:?}", self.seen),
            }
        }
    }

    /// Has no effect if the program has just ended.
    fn press_ctrl_c(&mut self) {
        let _ = self.keyboard.write_all(b"\x03").and_then(|()| self.keyboard.flush());
    }

    /// Waits for the end. Returns all that was shown, and the exit code.
    fn end(self) -> (String, u32) {
        self.end_while(PATIENCE, |_| ())
    }

    /// The same, for a program that ends when Ctrl-C is pressed often enough: pending ones merge into
    /// one.
    fn end_by_ctrl_c(self) -> (String, u32) {
        self.end_while(Duration::from_millis(100), Self::press_ctrl_c)
    }

    /// Waits for the end, and calls `act` whenever nothing was shown for a while.
    fn end_while(mut self, pause: Duration, act: impl Fn(&mut Self)) -> (String, u32) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(pause) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    assert!(Instant::now() < deadline, "no end: {:?}", self.seen);
                    act(&mut self);
                }
            }
        }
        let status = self.child.wait().unwrap();
        drop(self.master);
        (self.seen, status.exit_code())
    }
}

fn size(columns: u16) -> PtySize {
    PtySize { rows: 24, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn site() -> String {
    Path::new("../perf-cli").join(data("site")).to_str().unwrap().to_owned()
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn widest(text: &str) -> usize {
    let lines = plain(text);
    lines.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap_or_default()
}

fn colour() {
    let words = ["--dir", &site()];
    let shown = |words: &[&str], variables: &[(&str, &str)]| {
        let (shown, code) = Terminal::start(80, words, variables).end();
        assert_eq!(code, 0, "{shown}");
        shown
    };
    let colored = shown(&words, &[]);
    assert!(colored.contains("\u{1b}[1m"), "{colored:?}");
    for variables in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let bare = shown(&words, &[variables]);
        assert!(!bare.contains('\u{1b}'), "{variables:?}: {bare:?}");
        assert_eq!(bare, plain(&colored).replace('\n', "\r\n").replace("\r\r", "\r"));
    }
    let bare = shown(&["--color", "never", "--dir", &site()], &[]);
    assert!(!bare.contains('\u{1b}'), "{bare:?}");
}

fn width() {
    let mut widths = Vec::new();
    for columns in [60, 80, 120] {
        let (shown, _) = Terminal::start(columns, &["--dir", &site()], &[]).end();
        assert!(widest(&shown) <= usize::from(columns), "{columns}: {shown}");
        widths.push(widest(&shown));
    }
    assert!(widths[0] < widths[1] && widths[1] < widths[2], "{widths:?}");

    // A shell that waits for a key, so that the window has another size by then.
    let mut command = CommandBuilder::new("sh");
    let program = env!("CARGO_BIN_EXE_buildperf");
    command.args(["-c", &format!("echo ready; read key; exec '{program}' --dir '{}'", site())]);
    command.cwd(std::env::current_dir().unwrap());
    let mut terminal = Terminal::start_command(120, command, &[]);
    terminal.expect("ready");
    terminal.master.resize(size(70)).unwrap();
    terminal.keyboard.write_all(b"\n").unwrap();
    let (shown, code) = terminal.end();
    assert_eq!(code, 0);
    assert!((61..=70).contains(&widest(&shown)), "{}: {shown}", widest(&shown));
}

/// `run` with builds that sleep, on a terminal.
fn run_words(session: &Session, options: &[&str], build: &[&str]) -> Vec<String> {
    let dir = session.dir().to_str().unwrap().to_owned();
    let words = [&["run", "--dir", &dir], options].concat();
    let words = words.into_iter().map(str::to_owned);
    words.chain(["--".to_owned()]).chain(fake_build::command(build)).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn progress() {
    let session = Session::new();
    let words = run_words(&session, &["--runs", "3"], &["sleep=300"]);
    let mut terminal = Terminal::start(100, &strs(&words), &[]);
    terminal.expect("0/3 builds");
    terminal.expect("1/3 builds");
    let (shown, code) = terminal.end();
    assert_eq!(code, 0);
    assert!(shown.contains("median 10"), "{shown:?}");
    // The line of the bar is erased before the builds are listed.
    let (_, after) = shown.rsplit_once("\u{1b}[2K").expect("an erased line");
    assert!(after.contains("build-0002"), "{after:?}");
    assert!(!after.contains("3 builds"), "{after:?}");
    assert!(!shown.contains("\u{1b}[?25l"), "the cursor is never hidden: {shown:?}");
}

fn no_progress() {
    let session = Session::new();
    let words = run_words(&session, &["--runs", "2"], &["sleep=300"]);
    let piped =
        std::process::Command::new(env!("CARGO_BIN_EXE_buildperf")).args(&words).output().unwrap();
    assert_eq!(String::from_utf8(piped.stderr).unwrap(), "");
    let piped = String::from_utf8(piped.stdout).unwrap();
    assert!(!piped.contains('\u{1b}') && !piped.contains('\r'), "{piped:?}");
    let (shown, _) = Terminal::start(100, &strs(&words), &[("TERM", "dumb")]).end();
    assert!(!shown.contains("0/2") && !shown.contains('\u{1b}'), "{shown:?}");
    assert!(shown.contains("build-0003"), "{shown:?}");
}

/// Waits until a build has begun.
fn expect_file(path: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} is not there", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn assert_whole(session: &Session, records: usize) {
    let mut read = 0;
    for entry in &History::open(session.dir()) {
        assert!(entry.unwrap().into_record().is_some(), "a line that cannot be read");
        read += 1;
    }
    assert_eq!(read, records);
    // Nobody holds the lock: the next build is recorded.
    let output = session.run(&["run", "--runs", "1"], &[]);
    assert_eq!(output.err, "");
    assert_eq!(session.records().len(), records + 1);
}

fn interrupt() {
    let session = Session::new();
    let begun = session.path("begun");
    let touch = format!("touch={}", begun.display());
    // The second build would last longer than anybody waits.
    let build = [touch.as_str(), "sleep-after-first=600000"];
    let words = run_words(&session, &["--runs", "5"], &build);
    let mut terminal = Terminal::start(100, &strs(&words), &[]);
    terminal.expect("1/5 builds");
    expect_file(&session.path("begun1"));
    terminal.press_ctrl_c();
    let (shown, code) = terminal.end();
    assert_eq!(code, 130, "{shown:?}");
    assert!(shown.contains("interrupted: 1 of 5 builds recorded"), "{shown:?}");
    assert!(shown.contains("build-0000"), "what was made is shown: {shown:?}");
    assert_whole(&session, 1);
}

fn second_interrupt() {
    let session = Session::new();
    let begun = session.path("begun");
    let dir = session.dir().to_str().unwrap().to_owned();
    let script = format!("trap '' INT; touch '{}'; while :; do sleep 1; done", begun.display());
    let words = ["run", "--dir", &dir, "--", "sh", "-c", &script];
    let mut terminal = Terminal::start(100, &words, &[]);
    expect_file(&begun);
    terminal.press_ctrl_c();
    terminal.expect("^C");
    let (shown, code) = terminal.end_by_ctrl_c();
    assert_eq!(code, 130, "{shown:?}");
    assert!(shown.contains("interrupted: 0 of 5 builds recorded"), "{shown:?}");
    assert_whole(&session, 0);
}
