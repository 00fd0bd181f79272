//! Tests of the facts: with real repositories and processes, and with made-up environments.

mod checkout;
mod ci;
mod git_status;
mod observation;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A checkout with one commit on the branch `main`, of one file.
struct Repository {
    directory: TempDir,
}

impl Repository {
    /// An empty repository. Prints why and returns `None` if git is missing or does not support these
    /// `arguments` of `git init`.
    fn init(arguments: &[&str]) -> Option<Self> {
        let repository = Self { directory: tempfile::tempdir().unwrap() };
        let init = [&["init", "-q", "--initial-branch=main"], arguments].concat();
        if git(&repository.path(), &init).is_none() {
            eprintln!("skipped: `git {}` does not work here", init.join(" "));
            return None;
        }
        Some(repository)
    }

    /// A repository with one commit.
    fn new() -> Option<Self> {
        let repository = Self::init(&[])?;
        repository.commit("first");
        Some(repository)
    }

    /// The checkout's top, without symbolic links.
    fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    /// Commits a change, and returns the commit's name.
    fn commit(&self, content: &str) -> String {
        std::fs::write(self.path().join("file"), content).unwrap();
        self.git(&["add", "file"]);
        self.git(&["commit", "-q", "-m", content]);
        self.head_commit()
    }

    fn head_commit(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// The output of git, trimmed.
    fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments).expect("git succeeds")
    }
}

/// The trimmed output of git in `directory`, without the settings of the current user. `None` if it
/// fails.
fn git(directory: &Path, arguments: &[impl AsRef<OsStr>]) -> Option<String> {
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

/// An environment without variables.
fn unset(_: &str) -> Option<OsString> {
    None
}

/// An environment with exactly these variables.
fn environment<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
    |wanted| {
        let (_, value) = variables.iter().find(|(name, _)| *name == wanted)?;
        Some(OsString::from(value))
    }
}
