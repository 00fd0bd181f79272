//! A build tool in a process and a directory of its own, and the records that it leaves there.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A directory that is no checkout, for tools to build in.
pub(crate) struct Place {
    root: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    /// A command that runs here, in an environment that says nothing of whoever runs the tests.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CEILING_DIRECTORIES", self.root.path().parent().unwrap())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// The records in the history at `dir`, oldest first.
    pub(crate) fn records(&self, dir: &str) -> Vec<Value> {
        let history = fs::read_to_string(self.path(dir).join("history.jsonl")).unwrap();
        history.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs a tool that has to succeed, and to say nothing on standard error. Gives what it wrote to its
/// standard output.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
