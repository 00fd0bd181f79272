//! Runs build commands, and finds the records that they leave.

mod build_command;
mod child;
mod labels;

use std::collections::HashSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf, absolute};
use std::process::ExitStatus;

use child::{Interrupts, Output};
use perf_history::switches::{DIR, LABELS};
use perf_history::{BuildStats, History, HistoryError, HistoryLine};
use uuid::Uuid;

use crate::labels::{RUN, SESSION};

pub(crate) use build_command::BuildCommand;
pub(crate) use labels::Label;

/// How many newer records of other builds are searched for those of a build.
const MOST_OTHERS: usize = 1_000;

/// Why there is no record of a build.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("cannot start {command}")]
    NotStarted { command: String, source: io::Error },
    /// It ended with an exit code other than 0, or by a signal.
    #[error("{command} failed {}", ending(*.status))]
    Failed { command: String, status: ExitStatus, last_lines: Vec<String> },
    #[error(
        "{command} left no record in {}: it must call a #[tracked_build] function, or save its record to BUILD_METRICS_DIR",
        dir.display()
    )]
    NoRecord { command: String, dir: PathBuf, last_lines: Vec<String> },
    /// Its records are not those of one representative build.
    #[error("{0}")]
    Refused(String),
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("cannot create a temporary file in {}", dir.display())]
    Temporary { dir: PathBuf, source: io::Error },
    #[error("cannot wait for {command}")]
    Lost { command: String, source: io::Error },
}

impl LaunchError {
    /// The last lines that the command wrote, if it failed or left no record.
    pub(crate) fn last_lines(&self) -> &[String] {
        match self {
            Self::Failed { last_lines, .. } | Self::NoRecord { last_lines, .. } => last_lines,
            _ => &[],
        }
    }
}

fn ending(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("with exit code {code}"),
        None => format!("({status})"),
    }
}

fn no_temporary(source: io::Error) -> LaunchError {
    LaunchError::Temporary { dir: std::env::temp_dir(), source }
}

/// Runs build commands one after another, as builds of one session.
pub(crate) struct Launcher {
    history: History,
    dir: PathBuf,
    tool: Option<String>,
    session: String,
    /// The user's labels from the environment.
    inherited: Option<String>,
    shows_output: bool,
    interrupts: Interrupts,
    /// The ids of the builds of this session that were found before.
    known: HashSet<String>,
}

impl Launcher {
    /// Builds whose records go to `history`. Records of tools other than `tool` are ignored.
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

    /// The label `session` of the builds.
    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Whether the user pressed Ctrl-C.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupts.has_any()
    }

    /// Runs a command and discards its record.
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

    /// The records of this session that were not there before, oldest first.
    ///
    /// A build that does not get the history's lock in time leaves its record in `pending`, where
    /// the next writer finds it. Waiting records are read before the history, so that a record
    /// that another process moves from one to the other meanwhile is seen at least once.
    fn records_after(
        &mut self,
        newest_before: Option<&str>,
    ) -> Result<Vec<BuildStats>, LaunchError> {
        let is_ours = |stats: &BuildStats| {
            stats.labels.get(SESSION) == Some(&self.session)
                && self.tool.as_ref().is_none_or(|tool| *tool == stats.tool)
        };
        let mut waiting = pending_records(&self.dir)?;
        waiting.retain(is_ours);
        let mut found = Vec::new();
        for entry in self.history.newest_first().take(MOST_OTHERS) {
            let HistoryLine::Record(stats) = entry? else { continue };
            if newest_before == Some(stats.build_id.as_str()) {
                break;
            }
            if is_ours(&stats) {
                found.push(*stats);
            }
        }
        found.reverse();
        found.extend(waiting);
        found.retain(|stats| self.known.insert(stats.build_id.clone()));
        Ok(found)
    }
}

/// The records in `DIR/pending`, oldest id first. Files that hold no record are left to `doctor`.
fn pending_records(dir: &Path) -> Result<Vec<BuildStats>, HistoryError> {
    let pending = dir.join("pending");
    let failed =
        |source: io::Error| HistoryError::Io { action: "read", path: pending.clone(), source };
    let files = match fs::read_dir(&pending) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(failed)?,
    };
    let mut records = Vec::new();
    for file in files {
        let path = file.map_err(failed)?.path();
        // The next writer renames a file to `.adopting` before it appends the record.
        if !path.extension().is_some_and(|end| end == "json" || end == "adopting") {
            continue;
        }
        let text = fs::read(&path).or_else(|error| match error.kind() {
            ErrorKind::NotFound => fs::read(path.with_extension("adopting")),
            _ => Err(error),
        });
        let stats = match text {
            Ok(text) => serde_json::from_slice::<BuildStats>(&text),
            // It was adopted meanwhile, and is in the history.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        records.extend(stats);
    }
    records.sort_by(|a, b| a.build_id.cmp(&b.build_id));
    records.dedup_by(|a, b| a.build_id == b.build_id);
    Ok(records)
}
