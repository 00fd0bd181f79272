//! A repository in a temporary directory, made by the git that is installed.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A checkout with one commit on the branch `main`, of one file.
pub(super) struct Repository {
    directory: TempDir,
}

impl Repository {
    /// `None`, with the reason printed, where git is not installed or knows no such `arguments` of `git init`.
    pub(super) fn init(arguments: &[&str]) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let repository = Self { directory };
        let mut init = vec!["init", "-q", "--initial-branch=main"];
        init.extend(arguments);
        if repository.try_git(&init).is_none() {
            eprintln!("skipped: no git here that can `git {}`", init.join(" "));
            return None;
        }
        Some(repository)
    }

    /// With its first commit.
    pub(super) fn new() -> Option<Self> {
        let repository = Self::init(&[])?;
        repository.commit("first");
        Some(repository)
    }

    /// The checkout's top, without symbolic links.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// Commits a change, and gives the commit's name.
    pub(super) fn commit(&self, content: &str) -> String {
        std::fs::write(self.path().join("file"), content).unwrap();
        self.git(&["add", "file"]);
        self.git(&["commit", "-q", "-m", content]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// What git prints, trimmed.
    pub(super) fn git(&self, arguments: &[impl AsRef<OsStr>]) -> String {
        self.try_git(arguments).expect("git succeeds")
    }

    pub(super) fn try_git(&self, arguments: &[impl AsRef<OsStr>]) -> Option<String> {
        git(&self.path(), arguments)
    }
}

/// Runs git in `directory`, untouched by the settings of whoever runs the tests.
pub(super) fn git(directory: &Path, arguments: &[impl AsRef<OsStr>]) -> Option<String> {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    let output = command
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .args(["-c", "user.name=Tester", "-c", "user.email=tester@example.org"])
        .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false"])
        .args(arguments)
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// An environment in which nothing is set.
pub(super) fn nothing_set(_: &str) -> Option<OsString> {
    None
}

/// An environment of exactly these variables.
pub(super) fn set<'a>(
    variables: &'a [(&'a str, &'a str)],
) -> impl Fn(&str) -> Option<OsString> + 'a {
    |wanted| {
        let (_, value) = variables.iter().find(|(name, _)| *name == wanted)?;
        Some(OsString::from(value))
    }
}
