//! What all commands work with: the options that they share, the program, and its streams.

use std::io;
use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use perf_history::{Accepted, History};

use crate::configuration::{Configuration, ConfigurationError, ThresholdArgs};
use crate::failure::{ExitStatus, Failure, Result, with_causes};
use crate::launch::{LaunchError, Launcher};
use crate::present::style::{BAD, DIM, NOTICE};
use crate::present::{Format, Report, Shape, escape};
use crate::program::{Console, Program};
use crate::progress::{Drawn, Progress};
use crate::select::{BuildRef, Filter, Mode, PassedOver, Selection, Since, UnreadableLines};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which builds")]
pub(crate) struct CommonArgs {
    /// Where the history is [default: .build-metrics, or what the program chose]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Only builds of this tool
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tool: Option<String>,
    /// Only builds on this branch
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) branch: Option<String>,
    /// Only builds of this mode
    #[arg(long, global = true, value_enum)]
    pub(crate) mode: Option<Mode>,
    /// Only builds since then: a date, or how long ago (2w, 3d, 12h)
    #[arg(long, global = true, value_name = "WHEN", allow_hyphen_values = true)]
    pub(crate) since: Option<Since>,
    /// Configuration [default: buildperf.toml beside the history, or in this directory or above]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Output format
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub(crate) format: Format,
    /// Exit with 3 if there is too little to show or to compare
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) strict: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub(crate) color: colorchoice_clap::Color,
}

/// One run of the command line.
pub(crate) struct Invocation<'a, 'c> {
    pub(crate) program: &'a Program,
    pub(crate) common: &'a CommonArgs,
    pub(crate) console: &'a mut Console<'c>,
    pub(crate) progress: Progress,
    /// The progress bar of reading the history.
    pub(crate) reading: Drawn,
}

impl Invocation<'_, '_> {
    /// Ends the output, and prints the error if there is one.
    pub(crate) fn finish(mut self, result: Result<ExitStatus>) -> ExitStatus {
        self.reading.clear();
        let result = result.and_then(|status| {
            self.console.out.flush()?;
            Ok(status)
        });
        result.unwrap_or_else(|failure| self.report_failure(&failure))
    }

    /// The history that the command is about.
    pub(crate) fn history(&self) -> History {
        self.progress.of_reading(self.unobserved_history(), &self.reading)
    }

    /// The same, without a progress bar while it is read.
    pub(crate) fn unobserved_history(&self) -> History {
        History::open(self.common.dir.as_ref().unwrap_or(&self.program.dir))
    }

    /// The project's configuration.
    pub(crate) fn configuration(&self) -> Result<Configuration, ConfigurationError> {
        match &self.common.config {
            Some(path) => Configuration::read(path),
            None => Configuration::of_history(self.history().dir()),
        }
    }

    /// The same, with the thresholds of the command line in place of those of the file.
    pub(crate) fn configuration_with(&self, given: &ThresholdArgs) -> Result<Configuration> {
        let mut configuration = self.configuration()?;
        configuration.thresholds = given.apply(configuration.thresholds).map_err(Failure::Usage)?;
        Ok(configuration)
    }

    fn tool(&self) -> Option<String> {
        self.common.tool.clone().or_else(|| self.program.tool.clone())
    }

    /// The builds that the options select.
    pub(crate) fn selection(&self) -> Selection {
        let filter = Filter {
            tool: self.tool(),
            branch: self.common.branch.clone(),
            mode: self.common.mode,
            since: self.common.since.map(|since| since.instant(&self.console.now)),
        };
        Selection::new(self.history(), filter)
    }

    /// The same on all branches: for commands that use the branch for the baseline alone.
    pub(crate) fn selection_on_all_branches(&self) -> Selection {
        let selection = self.selection();
        Selection::new(self.history(), Filter { branch: None, ..selection.filter().clone() })
    }

    /// The first given option that filters builds.
    fn given_filter(&self, with_tool: bool, with_since: bool) -> Option<&'static str> {
        let common = self.common;
        let given = [
            ("--tool", with_tool && common.tool.is_some()),
            ("--branch", common.branch.is_some()),
            ("--mode", common.mode.is_some()),
            ("--since", with_since && common.since.is_some()),
        ];
        given.into_iter().find_map(|(option, is_given)| is_given.then_some(option))
    }

    /// Refuses options that filter builds, for a command that works on the whole history.
    pub(crate) fn refuse_filters(&self, with_since: bool) -> Result {
        match self.given_filter(true, with_since) {
            Some(option) => Err(Failure::Usage(format!(
                "{option} cannot be used here: this command works on the whole history"
            ))),
            None => Ok(()),
        }
    }

    /// Runs build commands whose records go to the history.
    pub(crate) fn launcher(&self, shows_output: bool) -> Result<Launcher> {
        if let Some(option) = self.given_filter(false, true) {
            return Err(Failure::Usage(format!(
                "{option} cannot be used here: this command makes new builds"
            )));
        }
        if let Some(value) = self.program.switched_off() {
            return Err(Failure::Usage(format!(
                "BUILD_METRICS={value} is set in this environment, so builds are not recorded"
            )));
        }
        Ok(Launcher::new(self.unobserved_history(), self.tool(), shows_output)?)
    }

    /// A progress bar of builds; none if the output of the commands would run into it.
    pub(crate) fn builds_progress(&self, builds: u64, shows_output: bool) -> ProgressBar {
        let progress = if shows_output { Progress::Off } else { self.progress };
        progress.of_builds(builds)
    }

    /// Prints the last lines of the build command that failed, if one did.
    pub(crate) fn launch_failure(&mut self, error: LaunchError) -> Failure {
        let lines = error.last_lines();
        if !lines.is_empty() {
            self.note("last lines of its output:");
        }
        for line in lines {
            let _ = writeln!(self.console.err, "{DIM}  │ {}{DIM:#}", escape::terminal(line));
        }
        error.into()
    }

    /// The accepted changes. Warns about unreadable lines.
    pub(crate) fn accepted(&mut self) -> Result<Vec<Accepted>> {
        let accepted = self.history().accepted()?;
        self.warn_of_changes(&accepted.unreadable);
        Ok(accepted.changes)
    }

    /// Warns about unreadable lines of `accepted.jsonl`.
    pub(crate) fn warn_of_changes(&mut self, unreadable: &[(u64, String)]) {
        for (line, reason) in unreadable {
            self.warn(&format!("line {line} of accepted.jsonl cannot be read: {reason}"));
        }
    }

    /// Warns about builds of a named set that are left out.
    pub(crate) fn warn_of_passed_over(&mut self, reference: &BuildRef, builds: &[PassedOver]) {
        for PassedOver { build_id, why } in builds {
            self.warn(&format!("build {build_id} of {reference} is left out: {why}"));
        }
    }

    pub(crate) fn write(&mut self, report: &Report) -> Result {
        self.reading.clear();
        let shape = Shape { format: self.common.format, width: self.console.width };
        Ok(report.write(self.console.out, shape)?)
    }

    /// Prints a message that is not data. Errors are ignored: nothing is left to report them to.
    pub(crate) fn note(&mut self, text: &str) {
        self.reading.clear();
        // Keeps the order on a terminal.
        let _ = self.console.out.flush();
        let _ = writeln!(self.console.err, "{}", escape::terminal(text));
    }

    pub(crate) fn warn(&mut self, text: &str) {
        self.reading.clear();
        let text = escape::terminal(text);
        let _ = self.console.out.flush();
        let _ = writeln!(self.console.err, "{NOTICE}note:{NOTICE:#} {text}");
    }

    /// Warns about unreadable lines of the history, and says how to repair it.
    pub(crate) fn report_unreadable(&mut self, lines: &UnreadableLines) {
        let count = lines.count();
        if count == 0 {
            return;
        }
        let numbers: Vec<String> = lines
            .described()
            .iter()
            .map(|line| match line.from_end {
                1 => format!("the last: {}", line.reason),
                n => format!("number {n} from the end: {}", line.reason),
            })
            .collect();
        let more = count - numbers.len() as u64;
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let (lines, them) = if count == 1 { ("line", "it") } else { ("lines", "them") };
        self.warn(&format!(
            "{count} {lines} of {} cannot be read ({}{more}); `{} repair{}` moves {them} to history.rejected.jsonl",
            self.history().path().display(),
            numbers.join("; "),
            self.program.name,
            self.dir_option(),
        ));
    }

    /// The option that makes another command use the same history.
    pub(crate) fn dir_option(&self) -> String {
        let dir = self.common.dir.as_ref();
        dir.map_or_else(String::new, |dir| format!(" --dir {}", dir.display()))
    }

    fn report_failure(&mut self, failure: &Failure) -> ExitStatus {
        self.reading.clear();
        let exit = match failure {
            // The reader of a pipe has seen enough.
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitStatus::Success;
            }
            Failure::NoData(text) if !self.common.strict => {
                self.note(text);
                return ExitStatus::Success;
            }
            Failure::NoData(_) => ExitStatus::InsufficientData,
            Failure::Usage(_) => ExitStatus::Usage,
            Failure::History(_) => ExitStatus::History,
            Failure::Command(_)
            | Failure::Temporary { .. }
            | Failure::Output(_)
            | Failure::OutputFile { .. } => ExitStatus::Error,
        };
        let text = with_causes(failure);
        let _ = writeln!(self.console.err, "{BAD}error:{BAD:#} {}", escape::terminal(&text));
        exit
    }
}
