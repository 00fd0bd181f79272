//! Where a command runs: the program that it is part of, its streams and its clock.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use jiff::ZonedDateTime;
use perf_history::DEFAULT_DIR;

use crate::progress::Progress;

/// The program whose command line this is.
///
/// ```
/// use perf_cli::Program;
///
/// # fn command() -> clap::Command { clap::Command::new("my-site") }
/// let program = Program {
///     name: "my-site perf".to_owned(),
///     tool: Some("my-site".to_owned()),
///     ..Program::new("my-site", command())
/// };
/// assert_eq!(program.dir, std::path::Path::new(".build-metrics"));
/// ```
#[derive(Debug, Clone)]
pub struct Program {
    /// What the user types before a subcommand: `buildperf`, `my-site perf`.
    pub name: String,
    /// The whole command line of the program, for shells to complete.
    pub command: clap::Command,
    /// Where the history is unless `--dir` says otherwise.
    pub dir: PathBuf,
    /// Whose builds to look at unless `--tool` says otherwise; `None` for those of all.
    pub tool: Option<String>,
    /// What `BUILD_METRICS` says, by which measuring is switched off.
    pub switch: Option<String>,
}

impl Program {
    /// A program of this name, whose history is where `BUILD_METRICS_DIR` says, else in
    /// [`DEFAULT_DIR`].
    #[must_use]
    pub fn new(name: impl Into<String>, command: clap::Command) -> Self {
        let dir = std::env::var_os("BUILD_METRICS_DIR").filter(|dir| !dir.is_empty());
        Self {
            name: name.into(),
            command,
            dir: dir.map_or_else(|| DEFAULT_DIR.into(), PathBuf::from),
            tool: None,
            switch: std::env::var("BUILD_METRICS").ok(),
        }
    }

    /// What `BUILD_METRICS` says, where it switches tracking off.
    pub(crate) fn switched_off(&self) -> Option<&str> {
        self.switch.as_deref().map(str::trim).filter(|value| is_off(value))
    }
}

/// Whether the runtime takes a value of `BUILD_METRICS` for "off".
fn is_off(value: &str) -> bool {
    ["off", "0", "false", "no"].iter().any(|off| off.eq_ignore_ascii_case(value))
}

/// The streams and the clock of a command.
pub struct Console<'a> {
    /// Where data goes.
    pub out: &'a mut dyn Write,
    /// Where all else goes.
    pub err: &'a mut dyn Write,
    /// How wide the output may be.
    pub width: usize,
    /// Whether there are colours in the output: [`out`](Self::out) strips styles where not.
    pub color: bool,
    /// The present, and where the user is.
    pub now: ZonedDateTime,
}

/// How wide the output is where there is no terminal, as in the log of a job,
const WIDTH_OF_LOGS: usize = 120;
/// and on a terminal that does not say.
const WIDTH_OF_TERMINALS: usize = 80;
/// In less nothing can be shown.
const NARROWEST: usize = 20;
/// No line needs more.
const WIDEST: usize = 1_000;

/// Calls `run` with the streams of this process.
pub(crate) fn with_stdio<T>(
    color: ColorChoice,
    run: impl FnOnce(&mut Console<'_>, Progress) -> T,
) -> T {
    let choice = |stream: &dyn Fn() -> ColorChoice| match color {
        ColorChoice::Auto => stream(),
        chosen => chosen,
    };
    let out_choice = choice(&|| AutoStream::choice(&io::stdout()));
    let err_choice = choice(&|| AutoStream::choice(&io::stderr()));
    // Written in large pieces: many small ones would cost more than all else.
    let mut out = BufWriter::with_capacity(1 << 16, AutoStream::new(io::stdout(), out_choice));
    let mut err = AutoStream::new(io::stderr(), err_choice);
    let progress = if io::stderr().is_terminal() && !is_dumb() {
        Progress::OnTerminal { color: err_choice != ColorChoice::Never }
    } else {
        Progress::Off
    };
    let mut console = Console {
        out: &mut out,
        err: &mut err,
        width: width(),
        color: out_choice != ColorChoice::Never,
        now: ZonedDateTime::now(),
    };
    run(&mut console, progress)
}

/// Whether the terminal cannot move its cursor.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn width() -> usize {
    let is_terminal = io::stdout().is_terminal();
    let size = is_terminal.then(terminal_size::terminal_size).flatten();
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok();
    let unknown = if is_terminal { WIDTH_OF_TERMINALS } else { WIDTH_OF_LOGS };
    let width = size.map(|(width, _)| usize::from(width.0)).or_else(columns);
    width.unwrap_or(unknown).clamp(NARROWEST, WIDEST)
}
