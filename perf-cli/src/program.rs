//! Where a command runs: the program that it is part of, its streams and its clock.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use anstream::{AutoStream, ColorChoice};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use perf_history::DEFAULT_DIR;
use perf_history::switches::{self, BUILD_METRICS, Switches};

use crate::progress::Progress;

/// The program that the command line is part of.
///
/// ```
/// use perf_cli::Program;
///
/// # fn command() -> clap::Command { clap::Command::new("my-site") }
/// let program = Program::new("my-site perf", command()).with_tool("my-site");
/// ```
#[derive(Debug, Clone)]
pub struct Program {
    pub(crate) name: String,
    pub(crate) command: clap::Command,
    pub(crate) dir: PathBuf,
    pub(crate) tool: Option<String>,
    switch: Option<String>,
}

impl Program {
    /// A program whose history is where `BUILD_METRICS_DIR` says, else in `.build-metrics`.
    ///
    /// `name` is what the user types before a subcommand, such as `buildperf` or `my-site perf`.
    /// `command` is the whole command line of the program, for shell completion.
    #[must_use]
    pub fn new(name: impl Into<String>, command: clap::Command) -> Self {
        let dir = std::env::var_os(switches::DIR).filter(|dir| !dir.is_empty());
        Self {
            name: name.into(),
            command,
            dir: dir.map_or_else(|| DEFAULT_DIR.into(), PathBuf::from),
            tool: None,
            switch: std::env::var(BUILD_METRICS).ok(),
        }
    }

    /// Reads the history in this directory, unless `--dir` names another.
    #[must_use]
    pub fn with_dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), ..self }
    }

    /// Reads only the builds of this tool, unless `--tool` names another. By default, all.
    #[must_use]
    pub fn with_tool(self, tool: impl Into<String>) -> Self {
        Self { tool: Some(tool.into()), ..self }
    }

    /// The value of `BUILD_METRICS`, which can switch tracking off, in place of the one in the
    /// environment.
    #[must_use]
    pub fn with_switch(self, value: Option<&str>) -> Self {
        Self { switch: value.map(str::to_owned), ..self }
    }

    /// The value of `BUILD_METRICS`, if it switches tracking off.
    pub(crate) fn switched_off(&self) -> Option<&str> {
        let value = self.switch.as_deref()?;
        let switches = Switches::parse(|name| (name == BUILD_METRICS).then(|| value.into()));
        (!switches.on).then(|| value.trim())
    }
}

/// The streams and the clock of a command.
pub struct Console<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
    pub(crate) width: usize,
    pub(crate) color: bool,
    pub(crate) now: ZonedDateTime,
}

impl<'a> Console<'a> {
    /// Data goes to `out`, everything else to `err`. 80 columns wide, without colours; the time is
    /// now, in the local time zone.
    ///
    /// Styles are written to both streams as ANSI escape codes. A stream that wants none has to
    /// strip them, as those of the crate `anstream` do.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write) -> Self {
        Self { out, err, width: WIDTH_OF_TERMINALS, color: false, now: ZonedDateTime::now() }
    }

    /// The largest width of the output, in columns.
    #[must_use]
    pub fn with_width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// Whether `out` shows colours. Charts use other characters without them.
    #[must_use]
    pub fn with_color(self, color: bool) -> Self {
        Self { color, ..self }
    }

    /// Another time than now, in UTC.
    ///
    /// # Panics
    ///
    /// The time is not within the years -9999 to 9999.
    #[must_use]
    pub fn with_now(self, now: SystemTime) -> Self {
        let now = Timestamp::try_from(now).expect("a time within the years -9999 to 9999");
        Self { now: now.to_zoned_datetime(TimeZone::UTC), ..self }
    }
}

/// The width without a terminal, as in the log of a CI job.
const WIDTH_OF_LOGS: usize = 120;
/// The width of a terminal that does not report it.
const WIDTH_OF_TERMINALS: usize = 80;
const MIN_WIDTH: usize = 20;
const MAX_WIDTH: usize = 1_000;

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
    // Many small writes would cost more than everything else.
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
    width.unwrap_or(unknown).clamp(MIN_WIDTH, MAX_WIDTH)
}
