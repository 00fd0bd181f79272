//! A build command of the user.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

/// A command and its directory.
#[derive(Debug, Clone)]
pub(crate) struct BuildCommand {
    words: Words,
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone)]
enum Words {
    /// A program and its arguments.
    Plain(Vec<OsString>),
    /// A line for the system's shell.
    Shell(String),
}

impl BuildCommand {
    /// A program, and its arguments.
    pub(crate) fn of_words(words: Vec<OsString>) -> Self {
        Self { words: Words::Plain(words), dir: None }
    }

    /// A line for the shell: `sh -c`, on Windows `cmd /C`.
    pub(crate) fn of_shell(line: impl Into<String>) -> Self {
        Self { words: Words::Shell(line.into()), dir: None }
    }

    /// The same command in another directory.
    pub(crate) fn in_dir(self, dir: Option<PathBuf>) -> Self {
        Self { dir, ..self }
    }

    pub(super) fn process(&self) -> Command {
        let mut process = match &self.words {
            Words::Plain(words) => {
                let mut words = words.iter();
                let mut process = Command::new(words.next().cloned().unwrap_or_default());
                process.args(words);
                process
            }
            Words::Shell(line) => {
                let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
                let mut process = Command::new(shell);
                process.arg(option).arg(line);
                process
            }
        };
        if let Some(dir) = &self.dir {
            process.current_dir(dir);
        }
        process
    }
}

/// The command as it was given, in backticks.
impl fmt::Display for BuildCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.words {
            Words::Plain(words) => {
                let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
                write!(f, "`{}`", words.join(" "))?;
            }
            Words::Shell(line) => write!(f, "`{line}`")?,
        }
        match &self.dir {
            Some(dir) => write!(f, " in {}", dir.display()),
            None => Ok(()),
        }
    }
}
