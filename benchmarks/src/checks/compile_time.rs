//! What a library and all that it is built on take to compile.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use cargo_metadata::{Dependency, Metadata, MetadataCommand};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::Serialize;

use crate::contenders::Contender;
use crate::error::Error;
use crate::programs::{cargo, run as run_program, workspace};

/// What a contender adds to the time that a program takes to compile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CompileTime {
    pub(crate) contender: String,
    /// Seconds of processor time, of users and of the system, over all processes: how much more a
    /// release build of a program takes that depends on its libraries and does nothing, than one
    /// that depends on nothing. Nothing is compiled before.
    pub(crate) cpu_s: f64,
}

/// Compiles what each contender is built on, `progress` being told of each.
pub(super) fn run(
    contenders: &[Contender],
    progress: impl Fn(&str),
) -> Result<Vec<CompileTime>, Error> {
    let metadata = packages()?;
    let nothing = seconds_to_compile(&Program::depending_on(&[]))?;
    // Some contenders are built on the same libraries with the same features.
    let mut known: BTreeMap<Program, f64> = BTreeMap::new();
    let mut times = Vec::new();
    for contender in contenders.iter().filter(|it| !it.libraries.is_empty()) {
        let program = Program::of(contender, &metadata)?;
        let seconds = if let Some(seconds) = known.get(&program) {
            *seconds
        } else {
            progress(&format!("compiling {}", contender.libraries.join(", ")));
            let seconds = seconds_to_compile(&program)? - nothing;
            known.insert(program, seconds);
            seconds
        };
        times.push(CompileTime { contender: contender.name.to_owned(), cpu_s: seconds });
    }
    Ok(times)
}

/// The packages of this workspace.
fn packages() -> Result<Metadata, Error> {
    Ok(MetadataCommand::new().manifest_path(workspace().join("Cargo.toml")).no_deps().exec()?)
}

/// A program that does nothing but depend on libraries.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Program {
    manifest: String,
    source: String,
}

impl Program {
    /// One that depends on a contender's libraries as the contender does.
    fn of(contender: &Contender, metadata: &Metadata) -> Result<Self, Error> {
        let package = metadata
            .packages
            .iter()
            .find(|it| it.name.as_str() == contender.package)
            .ok_or_else(|| Error::NoProgram { package: contender.package.to_owned() })?;
        let needed = |it: &&Dependency| contender.libraries.contains(&it.name.as_str());
        Ok(Self::depending_on(&package.dependencies.iter().filter(needed).collect::<Vec<_>>()))
    }

    fn depending_on(libraries: &[&Dependency]) -> Self {
        let mut manifest = String::from(
            "[package]\nname = \"dependent\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n",
        );
        // So that it is linked.
        let mut source = String::new();
        for library in libraries {
            let Dependency { name, req, uses_default_features, features, path, .. } = library;
            let path = path.as_ref().map_or_else(String::new, |it| format!(", path = {it:?}"));
            // Writing to a string does not fail.
            let _ = writeln!(
                manifest,
                "{name} = {{ version = \"{req}\", default-features = {uses_default_features}, \
                 features = {features:?}{path} }}",
            );
            let _ = writeln!(source, "use {} as _;", name.replace('-', "_"));
        }
        source.push_str("fn main() {}\n");
        Self { manifest, source }
    }

    /// Writes it to a folder, with the versions that this workspace is built on.
    fn write(&self, folder: &Path) -> Result<(), Error> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(Error::file("writing", path))
        };
        std::fs::create_dir(folder.join("src")).map_err(Error::file("making", folder))?;
        write("Cargo.toml", &self.manifest)?;
        write("src/main.rs", &self.source)?;
        let lock = workspace().join("Cargo.lock");
        std::fs::copy(&lock, folder.join("Cargo.lock")).map_err(Error::file("copying", lock))?;
        Ok(())
    }
}

/// Seconds of processor time to compile a program where nothing is compiled yet.
fn seconds_to_compile(program: &Program) -> Result<f64, Error> {
    let folder = tempfile::tempdir().map_err(Error::file("making", "a folder"))?;
    program.write(folder.path())?;
    let before = seconds_of_children();
    run_program(
        cargo(folder.path())
            .args(["build", "--release", "--quiet", "--offline", "--target-dir"])
            .arg(folder.path().join("target"))
            // A cache would have compiled it before.
            .env_remove("RUSTC_WRAPPER")
            .env_remove("CARGO_BUILD_RUSTC_WRAPPER"),
    )?;
    Ok(seconds_of_children() - before)
}

/// Seconds of processor time of all processes that this one, or one of them, has waited for.
#[expect(clippy::cast_precision_loss, reason = "seconds")]
fn seconds_of_children() -> f64 {
    let seconds = |it: TimeVal| it.tv_sec() as f64 + it.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_or(f64::NAN, |it| seconds(it.user_time()) + seconds(it.system_time()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::ALL;

    #[test]
    fn a_program_depends_on_libraries_as_the_contender_does() {
        let metadata = packages().unwrap();
        let of = |name: &str| {
            Program::of(ALL.iter().find(|it| it.name == name).unwrap(), &metadata).unwrap()
        };
        for contender in &ALL {
            let uses = of(contender.name).source.matches("use ").count();
            assert_eq!(uses, contender.libraries.len(), "{}", contender.name);
        }
        let ours = of("perf-runtime");
        assert!(
            ours.manifest.contains("default-features = false, features = [\"track\"], path = ")
        );
        assert_eq!(ours, of("perf-runtime, off"));
        assert!(of("perf-runtime, compiled out") != ours);
        assert!(of("hotpath, memory").manifest.contains("\"hotpath-alloc\""));
        assert!(of("tracing-chrome").source.contains("use tracing_chrome as _;\n"));
        assert_eq!(of("bare").source, "fn main() {}\n");
    }
}
