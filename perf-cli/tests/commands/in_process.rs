//! Runs a command inside the test's own process, where time, width and colours are fixed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, Parser};
use perf_cli::{Console, ExitStatus, PerfArgs, Program};

/// The command line, as `buildperf` has it.
#[derive(Debug, Parser)]
#[command(name = "buildperf")]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) args: PerfArgs,
}

/// How the terminal is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) width: usize,
    pub(crate) color: bool,
}

/// What a command result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandOutput {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) exit: ExitStatus,
}

impl CommandOutput {
    #[track_caller]
    pub(crate) fn assert_err_contains(&self, expected: &str) {
        assert!(self.err.contains(expected), "{}", self.err);
    }

    #[track_caller]
    pub(crate) fn assert_out_contains(&self, expected: &str) {
        assert!(self.out.contains(expected), "{}", self.out);
    }
}

/// The folder of a history among the tests' data, from where tests run.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new("tests/data").join(name)
}

/// 2026-11-24 01:00 UTC.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(498_745)
}

/// Runs a command over the history in `dir`.
pub(crate) fn run(dir: &Path, words: &[&str], terminal: Terminal) -> CommandOutput {
    let line = Line::try_parse_from(["buildperf"].iter().chain(words))
        .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let program = Program::new("buildperf", Line::command()).with_dir(dir).with_switch(None);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = perf_cli::run_on(
        &line.args,
        &program,
        &mut Console::new(&mut out, &mut err)
            .with_width(terminal.width)
            .with_color(terminal.color)
            .with_now(now()),
    );
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).expect("the output is UTF-8");
        if terminal.color { text } else { anstream::adapter::strip_str(&text).to_string() }
    };
    CommandOutput { out: text(out), err: text(err), exit }
}
