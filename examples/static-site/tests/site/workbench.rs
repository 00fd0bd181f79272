//! A copy of the fixture to build, change and build again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own, with the sources in `source` and the site in `site`.
pub(crate) struct Workbench {
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

    /// How often a phase ran, wherever it is in the tree.
    pub(crate) fn calls(&self, phase: &str) -> u64 {
        let phases = self.record["phases"].as_array().unwrap();
        phases
            .iter()
            .filter(|found| found["path"].as_str().unwrap().rsplit('/').next() == Some(phase))
            .map(|found| found["calls"].as_u64().unwrap())
            .sum()
    }
}

impl Workbench {
    /// Nothing in the sources.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("source")).unwrap();
        Self { folder }
    }

    /// The fixture in the sources.
    pub(crate) fn with_fixture() -> Self {
        let bench = Self::empty();
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
        copy(&fixture, &bench.path("source"));
        bench
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

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path("source").join(name)).unwrap();
    }

    /// A file of the site.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path("site").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.path("site").join(name).is_file()
    }

    /// The site's files with their contents, less the manifest.
    pub(crate) fn site(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let root = self.path("site");
        for entry in walkdir::WalkDir::new(&root) {
            let entry = entry.unwrap();
            let name = entry.path().strip_prefix(&root).unwrap();
            if entry.file_type().is_file() && name != ".static-site.json" {
                let name = name.to_str().unwrap().replace('\\', "/");
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
        files
    }

    /// The findings of the last build, each as `page: problem`.
    pub(crate) fn findings(&self) -> Vec<String> {
        let findings: Value = serde_json::from_str(&self.read("health.json")).unwrap();
        let findings = findings.as_array().unwrap().iter();
        findings
            .map(|finding| {
                let page = finding["page"].as_str().unwrap();
                let (problem, facts) =
                    finding["problem"].as_object().unwrap().iter().next().unwrap();
                let fact = facts["link"].as_str().or(facts["reason"].as_str());
                format!("{page}: {problem} {}", fact.or(facts["place"].as_str()).unwrap())
            })
            .collect()
    }

    /// The program, to be run in the bench's folder.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_static-site"));
        // Threads that start cost memory: with one for each processor of a large machine, a small
        // build would be mostly that.
        command.current_dir(self.folder.path()).env("RAYON_NUM_THREADS", "2");
        for (variable, _) in std::env::vars() {
            if variable.starts_with("BUILD_METRICS") {
                command.env_remove(variable);
            }
        }
        command
    }

    /// Runs the program with arguments besides the source and the output folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, |_| {})
    }

    fn run_with(&self, arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Output {
        let mut command = self.command();
        command.args(["source", "--out", "site"]).args(arguments);
        prepare(&mut command);
        command.output().unwrap()
    }

    /// Builds, and fails the test where that fails.
    pub(crate) fn build(&self, arguments: &[&str]) -> Built {
        self.build_with(arguments, |_| {})
    }

    /// Builds with a command that `prepare` has changed.
    pub(crate) fn build_with(
        &self,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> Built {
        let output = self.run_with(arguments, prepare);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{errors}");
        assert_eq!(errors, "");
        let record = fs::read(self.path(".build-metrics/latest.json")).unwrap();
        Built {
            output: String::from_utf8(output.stdout).unwrap(),
            record: serde_json::from_slice(&record).unwrap(),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
