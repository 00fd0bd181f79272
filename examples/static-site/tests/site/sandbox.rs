//! A folder with sources to build, change and build again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

/// A temporary folder, with the sources in `source` and the site in `site`.
pub(crate) struct Sandbox {
    folder: TempDir,
}

/// What one build printed and recorded.
pub(crate) struct Built {
    pub(crate) output: String,
    pub(crate) record: Value,
}

impl Built {
    /// A number of the record.
    pub(crate) fn number(&self, field: &str) -> u64 {
        self.record[field].as_u64().unwrap_or_else(|| panic!("{field} in {}", self.record))
    }

    /// The phases of the record by their paths.
    pub(crate) fn phases(&self) -> BTreeMap<&str, &Value> {
        let phases = self.record["phases"].as_array().unwrap();
        phases.iter().map(|phase| (phase["path"].as_str().unwrap(), phase)).collect()
    }

    /// The number of calls of a phase, at any depth of the tree.
    pub(crate) fn calls(&self, name: &str) -> u64 {
        let phases = self.phases().into_iter();
        phases
            .filter(|(path, _)| path.rsplit('/').next() == Some(name))
            .map(|(_, phase)| phase["calls"].as_u64().unwrap())
            .sum()
    }
}

impl Sandbox {
    /// A sandbox without sources.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("source")).unwrap();
        Self { folder }
    }

    /// A sandbox with the sources of the fixture.
    pub(crate) fn with_fixture() -> Self {
        let sandbox = Self::empty();
        for (name, content) in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture")) {
            sandbox.write(&name, content);
        }
        sandbox
    }

    /// A sandbox with the sources of the fixture and their site.
    pub(crate) fn with_site() -> Self {
        let sandbox = Self::with_fixture();
        sandbox.build(&[]);
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the sources.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path("source").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Removes a file of the sources.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path("source").join(name)).unwrap();
    }

    /// A file of the site.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path("site").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Fails the test if a file of the site lacks one of these parts.
    pub(crate) fn assert_contains(&self, name: &str, parts: &[&str]) {
        let text = self.read(name);
        for part in parts {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    /// Whether the site has a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path("site").join(name).is_file()
    }

    /// The site's files and their contents, without the manifest.
    pub(crate) fn site(&self) -> BTreeMap<String, Vec<u8>> {
        let mut site = files(&self.path("site"));
        site.remove(".static-site.json");
        site
    }

    /// The findings of the last build, each as `page: problem`.
    pub(crate) fn findings(&self) -> Vec<String> {
        let findings: Vec<Value> = serde_json::from_str(&self.read("health.json")).unwrap();
        let described = findings.iter().map(|finding| {
            let page = finding["page"].as_str().unwrap();
            let (problem, facts) = finding["problem"].as_object().unwrap().iter().next().unwrap();
            let fact = ["link", "reason", "place"].iter().find_map(|name| facts[name].as_str());
            format!("{page}: {problem} {}", fact.unwrap())
        });
        described.collect()
    }

    /// The program, to be run in the sandbox.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_static-site"));
        // Starting a thread allocates memory. With a thread for each processor of a large
        // machine, a small build would mostly be that.
        command.current_dir(self.folder.path()).env("RAYON_NUM_THREADS", "2");
        command.env("CARGO_HOME", self.path("cargo-home")).env("CARGO_NET_OFFLINE", "true");
        for (variable, _) in std::env::vars() {
            if variable.starts_with("BUILD_METRICS") {
                command.env_remove(variable);
            }
        }
        command
    }

    /// Runs the program in `source`, without naming a folder of Markdown.
    pub(crate) fn run_in_source(&self, arguments: &[&str]) -> Output {
        self.command().current_dir(self.path("source")).args(arguments).output().unwrap()
    }

    /// Builds `site` from `source`, with more arguments.
    pub(crate) fn build(&self, arguments: &[&str]) -> Built {
        self.build_on(2, arguments)
    }

    /// Builds on a number of threads.
    pub(crate) fn build_on(&self, threads: u64, arguments: &[&str]) -> Built {
        let mut command = self.command();
        command.env("RAYON_NUM_THREADS", threads.to_string());
        let output = command.args(["source", "--out", "site"]).args(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let record = fs::read(self.path(".build-metrics/latest.json")).unwrap();
        Built {
            output: String::from_utf8(output.stdout).unwrap(),
            record: serde_json::from_slice(&record).unwrap(),
        }
    }
}

/// Fails the test if a run did not fail with one line that contains `part`.
pub(crate) fn assert_fails(output: &Output, part: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.starts_with("error: ") && error.contains(part), "{error}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

/// The files below a folder and their contents.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = WalkDir::new(root).into_iter().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap();
            (name.replace('\\', "/"), fs::read(entry.path()).unwrap())
        })
        .collect()
}
