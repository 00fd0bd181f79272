//! A history in a temporary folder, and commands that build into it.

use std::path::PathBuf;

use perf_history::{BuildStats, History};
use tempfile::TempDir;

use crate::fake_build;
use crate::in_process::{self, CommandOutput, Terminal};

/// A directory for builds, empty at first.
pub(crate) struct Session {
    folder: TempDir,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A file or folder beside the history.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.path("history")
    }

    pub(crate) fn records(&self) -> Vec<BuildStats> {
        History::open(self.dir()).last(usize::MAX).unwrap()
    }

    /// Runs a command over the history; `build` is added to it as the build command.
    pub(crate) fn run(&self, words: &[&str], build: &[&str]) -> CommandOutput {
        let command = fake_build::command(build);
        let command = command.iter().map(String::as_str);
        let words: Vec<&str> = words.iter().copied().chain(["--"]).chain(command).collect();
        self.perf(&words)
    }

    /// Runs a command over the history. The output is the same in every directory.
    pub(crate) fn perf(&self, words: &[&str]) -> CommandOutput {
        let output = in_process::run(&self.dir(), words, Terminal { width: 100, color: false });
        CommandOutput {
            out: self.settled(&output.out),
            err: self.settled(&output.err),
            exit: output.exit,
        }
    }

    /// The text without what differs between runs.
    pub(crate) fn settled(&self, text: &str) -> String {
        let program = std::env::current_exe().unwrap();
        let mut text = text
            .replace(program.to_str().unwrap(), "site")
            .replace(self.folder.path().to_str().unwrap(), "HERE");
        if let Some(session) = self.records().last().and_then(|stats| stats.labels.get("session")) {
            text = text.replace(session, "SESSION");
        }
        text
    }
}
