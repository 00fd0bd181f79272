//! Runs build commands, and finds the records that they leave.

mod build_command;
mod child;
mod interrupt;
mod labels;
mod output;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::process::ExitStatus;

use perf_history::{BuildStats, History, HistoryError, HistoryLine};
use uuid::Uuid;

pub(crate) use build_command::BuildCommand;
use interrupt::Interrupts;
pub use labels::{Label, LabelError};
use output::Output;

/// The label that names a run of builds,
const RUN: &str = "run";
/// and the one that all builds of one invocation share.
const SESSION: &str = "session";
/// Where a program with the runtime looks for the place of its history,
const DIR: &str = "BUILD_METRICS_DIR";
/// and for the labels of its builds.
const LABELS: &str = "BUILD_METRICS_LABELS";

/// How many records of others may follow those of a build before it is looked for no further.
const MOST_OTHERS: usize = 1_000;

/// Why there is no record of a build, or none to rely on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// There is no such program, or it may not be run.
    #[error("cannot start {command}: {source}")]
    NotStarted {
        /// What was to be started.
        command: String,
        /// Why the system refused.
        source: io::Error,
    },
    /// It says itself that it failed.
    #[error("{command} failed {}", ending(*.status))]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of what it wrote.
        last_lines: Vec<String>,
    },
    /// It ended well, and nothing was recorded.
    #[error(
        "{command} left no record in {}: it must call a #[tracked_build] function, or save to where BUILD_METRICS_DIR says",
        dir.display()
    )]
    NoRecord {
        /// What was run.
        command: String,
        /// Where the record should be.
        dir: PathBuf,
        /// The last lines of what it wrote.
        last_lines: Vec<String>,
    },
    /// The user wants no more of it.
    #[error("interrupted")]
    Interrupted,
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The system does not say how the command ended.
    #[error("cannot wait for {command}: {source}")]
    Lost {
        /// What was run.
        command: String,
        /// Why the system refused.
        source: io::Error,
    },
}

fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("with exit code {code}"),
        None => format!("({status})"),
    }
}

/// There is no place for what a command writes.
fn no_temporary(source: io::Error) -> HistoryError {
    HistoryError::Io { action: "make a temporary file in", path: std::env::temp_dir(), source }
}

/// Runs build commands one after another, as builds of one session.
pub(crate) struct Launcher {
    history: History,
    dir: PathBuf,
    tool: Option<String>,
    session: String,
    /// Labels that the user gave by the environment.
    inherited: Option<String>,
    shows_output: bool,
    interrupts: Interrupts,
    /// The builds of this session that were found already.
    known: HashSet<String>,
}

impl Launcher {
    /// Builds whose records go to `history`; those of other tools than `tool` are passed over.
    pub(crate) fn new(
        history: History,
        tool: Option<String>,
        shows_output: bool,
    ) -> Result<Self, LaunchError> {
        // The command may run in another directory.
        let dir = absolute(history.dir()).map_err(|source| HistoryError::Io {
            action: "find",
            path: history.dir().to_owned(),
            source,
        })?;
        Ok(Self {
            history,
            dir,
            tool,
            session: Uuid::now_v7().to_string(),
            inherited: std::env::var(LABELS).ok(),
            shows_output,
            interrupts: Interrupts::watch(),
            known: HashSet::new(),
        })
    }

    /// What the builds have as their label `session`.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Whether the user wants no more builds.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupts.has_any()
    }

    /// Runs a command whose record nobody wants.
    pub(crate) fn warm_up(&self, command: &BuildCommand) -> Result<(), LaunchError> {
        let scratch = tempfile::tempdir().map_err(no_temporary)?;
        let (status, output) = self.run(command, scratch.path(), None)?;
        self.expect_success(command, status, &output)
    }

    /// Runs a command and finds the records that it left, oldest first: at least one.
    pub(crate) fn build(
        &mut self,
        command: &BuildCommand,
        run: Option<&Label>,
    ) -> Result<Vec<BuildStats>, LaunchError> {
        let newest_before = self.history.latest()?.map(|stats| stats.build_id);
        let (status, output) = self.run(command, &self.dir, run)?;
        self.expect_success(command, status, &output)?;
        let records = self.records_after(newest_before.as_deref())?;
        if records.is_empty() {
            return Err(LaunchError::NoRecord {
                command: command.to_string(),
                dir: self.history.dir().to_owned(),
                last_lines: output.last_lines(),
            });
        }
        Ok(records)
    }

    fn run(
        &self,
        command: &BuildCommand,
        dir: &Path,
        run: Option<&Label>,
    ) -> Result<(ExitStatus, Output), LaunchError> {
        if self.is_interrupted() {
            return Err(LaunchError::Interrupted);
        }
        let mut output = Output::new(self.shows_output).map_err(no_temporary)?;
        let mut process = command.process();
        let ours = [(SESSION, Some(self.session.as_str())), (RUN, run.map(Label::as_str))];
        process.env(DIR, dir).env(LABELS, labels::merged(self.inherited.as_deref(), &ours));
        output.attach(&mut process).map_err(no_temporary)?;
        let child = child::start(&mut process)
            .map_err(|source| LaunchError::NotStarted { command: command.to_string(), source })?;
        let status = child::wait(&child)
            .map_err(|source| LaunchError::Lost { command: command.to_string(), source })?;
        Ok((status, output))
    }

    fn expect_success(
        &self,
        command: &BuildCommand,
        status: ExitStatus,
        output: &Output,
    ) -> Result<(), LaunchError> {
        if status.success() {
            return Ok(());
        }
        if self.is_interrupted() || child::was_interrupted(status) {
            return Err(LaunchError::Interrupted);
        }
        Err(LaunchError::Failed {
            command: command.to_string(),
            status,
            last_lines: output.last_lines(),
        })
    }

    /// The records of this session that were not there before.
    fn records_after(
        &mut self,
        newest_before: Option<&str>,
    ) -> Result<Vec<BuildStats>, LaunchError> {
        let mut found = Vec::new();
        for entry in self.history.newest_first().take(MOST_OTHERS) {
            let HistoryLine::Record(stats) = entry? else { continue };
            if newest_before == Some(stats.build_id.as_str()) {
                break;
            }
            let is_ours = stats.labels.get(SESSION) == Some(&self.session)
                && self.tool.as_ref().is_none_or(|tool| *tool == stats.tool);
            if is_ours && self.known.insert(stats.build_id.clone()) {
                found.push(*stats);
            }
        }
        found.reverse();
        Ok(found)
    }
}
