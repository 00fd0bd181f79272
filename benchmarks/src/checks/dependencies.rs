//! What depending on a library costs: the crates below it, and the processor time to compile them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::Extent;
use crate::programs::{cargo, cpu_seconds, product, run as run_program, workspace};

/// The costs of a dependency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// How many crates are below the library.
    pub(crate) crates: usize,
    /// Seconds of processor time, user and system, that a cold release build of a package with one
    /// annotated function takes. Absent where it was not asked for.
    pub(crate) compile_s: Option<f64>,
}

/// `tracing` with attributes, which the others are compared with.
pub(crate) const TRACING: &str = "tracing, with attributes";
/// A library that annotates itself and leaves the choice to measure to the application.
pub(crate) const LIBRARY: &str = "perf-runtime, in a library";
/// An application that measures.
pub(crate) const APPLICATION: &str = "perf-runtime, in an application";

/// A package with one annotated function.
struct Package {
    name: &'static str,
    library: &'static str,
    /// What the manifest says about the library, but for its path.
    requirement: &'static str,
    attribute: &'static str,
    is_application: bool,
}

const PACKAGES: [Package; 4] = [
    Package {
        name: TRACING,
        library: "tracing",
        requirement: "version = '0.1'",
        attribute: "tracing::instrument",
        is_application: false,
    },
    Package {
        name: LIBRARY,
        library: "perf-runtime",
        requirement: "default-features = false",
        attribute: "perf_runtime::tracked_phase",
        is_application: false,
    },
    Package {
        name: APPLICATION,
        library: "perf-runtime",
        requirement: "default-features = true",
        attribute: "perf_runtime::tracked_phase",
        is_application: true,
    },
    Package {
        name: "hotpath",
        library: "hotpath",
        requirement: "version = '0.30', features = ['hotpath']",
        attribute: "hotpath::measure",
        is_application: true,
    },
];

/// How often each package is compiled. The minimum counts, since disturbances only add time.
const COMPILATIONS: usize = 2;

/// Counts crates, and compiles where that was asked for.
pub(super) fn run(extent: Extent, progress: impl Fn(&str)) -> Result<Vec<Dependency>> {
    let mut dependencies = Vec::new();
    for package in &PACKAGES {
        let folder = tempfile::tempdir()?;
        package.write(folder.path())?;
        let tree = run_program(cargo(folder.path()).args([
            "tree",
            "--offline",
            "--edges=normal,build",
            "--prefix=none",
        ]))?;
        let crates = crates_below(package.library, &String::from_utf8_lossy(&tree.stdout));
        let name = package.name.to_owned();
        dependencies.push(Dependency { name, crates, compile_s: None });
    }
    for _ in 0..if extent.compile_times { COMPILATIONS } else { 0 } {
        for (package, dependency) in PACKAGES.iter().zip(&mut dependencies) {
            progress(&format!("compiling {}", package.name));
            let seconds = package.compile()?;
            let fastest = dependency.compile_s.map_or(seconds, |fastest| fastest.min(seconds));
            dependency.compile_s = Some(fastest);
        }
    }
    Ok(dependencies)
}

impl Package {
    /// Writes the package to a folder, with the versions of this workspace's lock file.
    fn write(&self, folder: &Path) -> Result<()> {
        let Self { library, requirement, attribute, .. } = self;
        let path = match *library {
            "perf-runtime" => format!(", path = '{}'", product().join(library).display()),
            _ => String::new(),
        };
        let manifest = format!(
            "[package]\nname = \"dependent\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\n{library} = {{ {requirement}{path} }}\n"
        );
        let (file, main) = if self.is_application {
            ("src/main.rs", "fn main() {\n    annotated();\n}\n\n")
        } else {
            ("src/lib.rs", "")
        };
        fs::create_dir(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join(file), format!("{main}#[{attribute}]\npub fn annotated() {{}}\n"))?;
        fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock"))
            .context("copying the lock file")?;
        Ok(())
    }

    /// Seconds of processor time to compile the package where nothing is compiled yet.
    fn compile(&self) -> Result<f64> {
        let folder = tempfile::tempdir()?;
        self.write(folder.path())?;
        let target = folder.path().join("target");
        let mut command = cargo(folder.path());
        command.args(["build", "--release", "--quiet", "--offline", "--target-dir"]).arg(target);
        // A cache would have compiled it before.
        cpu_seconds(command.env_remove("RUSTC_WRAPPER").env_remove("CARGO_BUILD_RUSTC_WRAPPER"))
    }
}

/// How many crates are below a library in the tree of a package that depends on it alone.
fn crates_below(library: &str, tree: &str) -> usize {
    let crates: BTreeSet<Vec<&str>> = tree
        .lines()
        // The first line is the package itself. Behind name and version are notes such as `(*)`.
        .skip(1)
        .map(|line| line.split_whitespace().take(2).collect())
        .filter(|words: &Vec<_>| words.len() == 2 && words[0] != library)
        .collect();
    crates.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_below_the_library_counts_once() {
        let tree = "dependent v0.0.0 (/somewhere)\npeer v1.0.0\na v1.0.0 (proc-macro)\nb v1.0.0\n\
                    b v1.0.0 (*)\nb v2.0.0\n\n[build-dependencies]\nc v1.0.0\n";
        assert_eq!(crates_below("peer", tree), 4);
    }

    #[test]
    fn a_package_annotates_one_function_and_names_the_features_that_the_budget_is_for() {
        for package in &PACKAGES {
            let folder = tempfile::tempdir().unwrap();
            package.write(folder.path()).unwrap();
            let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
            let code = read("src/lib.rs").or_else(|| read("src/main.rs")).unwrap();
            assert_eq!(code.matches("#[").count(), 1, "{code}");
            assert_eq!(read("src/main.rs").is_some(), package.is_application);
            let is_off = read("Cargo.toml").unwrap().contains("default-features = false");
            assert_eq!(is_off, package.name == LIBRARY);
        }
    }
}
