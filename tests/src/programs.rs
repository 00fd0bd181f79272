//! Build tools that run as child processes in a directory of their own, and the records they leave.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A temporary directory in which a tool builds. It is in no checkout.
pub struct Place {
    root: TempDir,
}

#[expect(clippy::missing_panics_doc, clippy::new_without_default, reason = "for tests")]
impl Place {
    /// Creates the directory.
    #[must_use]
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    /// A checkout with one commit on `main`. `None`, with the reason printed, if git is missing.
    #[must_use]
    pub fn checkout() -> Option<Self> {
        let place = Self::new();
        if place.git(&["init", "-q", "--initial-branch=main"]).is_none() {
            eprintln!("skipped: git is not installed");
            return None;
        }
        fs::write(place.path("page"), "one").unwrap();
        place.git(&["add", "page"]).unwrap();
        place.git(&["commit", "-q", "-m", "first"]).unwrap();
        Some(place)
    }

    /// Runs git here. What it wrote, or `None` if it failed.
    #[must_use]
    pub fn git(&self, arguments: &[&str]) -> Option<String> {
        let mut command = self.command("git");
        command.args(["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]);
        let output = command.args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }

    /// A command that runs here, with no environment but `PATH` and no input.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.root.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CEILING_DIRECTORIES", self.path("").parent().unwrap())
            .stdin(Stdio::null());
        command
    }

    /// A command that runs a shell script here, as root of a mount namespace of its own. Arguments
    /// that are added to it are the script's. `None`, with the reason printed, if `target` may not
    /// be mounted on.
    #[must_use]
    pub fn in_mount_namespace(&self, target: &str, script: &str) -> Option<Command> {
        let unshare = |script: &str| {
            let mut command = self.command("unshare");
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
            command
        };
        let mount = unshare(&format!("mount -t tmpfs tmpfs {target}")).output();
        if !mount.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: mounting in a namespace is not permitted here");
            return None;
        }
        Some(unshare(script))
    }

    /// The absolute path of a file here, without symbolic links above it.
    #[must_use]
    pub fn path(&self, below: &str) -> PathBuf {
        let root = self.root.path().canonicalize().unwrap();
        if below.is_empty() { root } else { root.join(below) }
    }

    /// The records in the history in `dir`, oldest first.
    #[must_use]
    pub fn records(&self, dir: &str) -> Vec<Value> {
        let history = fs::read_to_string(self.path(dir).join("history.jsonl")).unwrap();
        history.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The newest record in the default place.
    #[must_use]
    pub fn newest_record(&self) -> Value {
        self.records(".build-metrics").pop().unwrap()
    }

    /// The only record in `dir`.
    #[must_use]
    #[track_caller]
    pub fn only_record(&self, dir: &str) -> Value {
        let mut records = self.records(dir);
        assert_eq!(records.len(), 1);
        records.remove(0)
    }
}

/// Runs a tool that must succeed and write nothing to standard error. Returns its standard output.
#[expect(clippy::missing_panics_doc, reason = "for tests")]
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that reads `input`.
#[expect(clippy::missing_panics_doc, reason = "for tests")]
pub fn run_with_input(command: &mut Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Whether valgrind is installed. If not, the reason why a test is skipped is printed.
#[must_use]
pub fn has_valgrind() -> bool {
    let version = Command::new("valgrind").arg("--version").output();
    let is_installed = version.is_ok_and(|output| output.status.success());
    if !is_installed {
        eprintln!("skipped: valgrind is not installed");
    }
    is_installed
}
