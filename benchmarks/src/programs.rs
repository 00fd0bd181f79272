//! Building programs and running them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::de::DeserializeOwned;

use crate::contenders::{ALL, Contender};

/// The folder of this workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the product's workspace.
pub(crate) fn product() -> &'static Path {
    workspace().parent().expect("this workspace is inside the product's")
}

/// Cargo, in a folder.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    command
}

/// Runs a command, which must succeed.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed ({}): {errors}", output.status);
    Ok(output)
}

/// Runs a command that prints JSON.
pub(crate) fn json_of<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    let output = run(command)?;
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("reading the output of {command:?}"))
}

/// Runs a command and returns the seconds of processor time, user and system, that it and its children
/// took.
pub(crate) fn cpu_seconds(command: &mut Command) -> Result<f64> {
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    let of_children = || {
        getrusage(UsageWho::RUSAGE_CHILDREN)
            .map(|usage| seconds(usage.user_time()) + seconds(usage.system_time()))
    };
    let before = of_children()?;
    run(command)?;
    Ok(of_children()? - before)
}

/// Removes all of perf-runtime's variables from a command's environment.
pub(crate) fn without_switches(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BUILD_METRICS") {
            command.env_remove(name);
        }
    }
    command
}

/// Builds one program in release mode, by itself, so that no other package's features reach it, and
/// copies it. The linker leaves files in smaller pieces of the page cache than copying does, and so
/// they take longer to start.
pub(crate) fn build(
    workspace: &Path,
    program: &str,
    arguments: &[&str],
    copy: &Path,
) -> Result<()> {
    let target = workspace.join("target");
    let mut command = cargo(workspace);
    command.args(["build", "--release", "--quiet", "--bin", program]).args(arguments);
    run(command.arg("--target-dir").arg(&target))?;
    let built =
        target.join("release").join(program).with_extension(std::env::consts::EXE_EXTENSION);
    std::fs::copy(&built, copy).with_context(|| format!("copying {}", built.display()))?;
    Ok(())
}

/// The built programs of the contenders.
#[derive(Debug)]
pub(crate) struct Programs {
    /// By program and features.
    paths: BTreeMap<(&'static str, &'static str), PathBuf>,
}

impl Programs {
    /// Builds the programs of all contenders into a folder.
    pub(crate) fn build(folder: &Path) -> Result<Self> {
        let mut paths = BTreeMap::new();
        let end_of_build = ("end-of-build", "track");
        let of_contenders = ALL.iter().map(|contender| (contender.program, contender.features));
        for (program, features) in of_contenders.chain([end_of_build]) {
            let path = folder.join(format!("{program}-{features}"));
            if paths.insert((program, features), path.clone()).is_none() {
                let arguments = ["--package", "contenders", "--features", features];
                build(workspace(), program, &arguments, &path)?;
            }
        }
        Ok(Self { paths })
    }

    /// The program that measures the end of a build.
    pub(crate) fn end_of_build(&self) -> Command {
        let mut command = Command::new(&self.paths[&("end-of-build", "track")]);
        without_switches(&mut command);
        command
    }

    /// A contender's program in its environment.
    pub(crate) fn command(&self, contender: &Contender) -> Result<Command> {
        let path = self.paths.get(&(contender.program, contender.features));
        let mut command = Command::new(path.context("the contender was not built")?);
        without_switches(&mut command);
        if contender.off {
            command.env("BUILD_METRICS", "off");
        }
        Ok(command)
    }
}
