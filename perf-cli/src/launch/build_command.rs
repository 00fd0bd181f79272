//! A build command of the user.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

#[derive(Debug, Clone)]
pub(crate) struct BuildCommand {
    /// The program and its arguments.
    words: Vec<OsString>,
    /// What the user typed.
    typed: String,
    dir: Option<PathBuf>,
}

impl BuildCommand {
    pub(crate) fn of_words(words: Vec<OsString>) -> Self {
        let typed: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        Self { typed: typed.join(" "), words, dir: None }
    }

    /// A line for the shell: `sh -c`, on Windows `cmd /C`.
    pub(crate) fn of_shell(line: &str) -> Self {
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let words = [shell, option, line].map(OsString::from).to_vec();
        Self { words, typed: line.to_owned(), dir: None }
    }

    /// The same command in another directory.
    pub(crate) fn in_dir(self, dir: Option<PathBuf>) -> Self {
        Self { dir, ..self }
    }

    pub(super) fn process(&self) -> Command {
        let mut words = self.words.iter();
        let mut process = Command::new(words.next().cloned().unwrap_or_default());
        process.args(words);
        if let Some(dir) = &self.dir {
            process.current_dir(dir);
        }
        process
    }
}

/// The command as it was given, in backticks.
impl fmt::Display for BuildCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.typed)?;
        match &self.dir {
            Some(dir) => write!(f, " in {}", dir.display()),
            None => Ok(()),
        }
    }
}
