//! Building programs and running them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use cargo_metadata::{Artifact, Message, TargetKind};
use serde::de::DeserializeOwned;
use wait_timeout::ChildExt as _;

use crate::contenders::Contender;
use crate::error::Error;

/// The folder of this workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo, in a folder.
pub(crate) fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    command
}

/// Runs a command to its end, and gives what it said where it went well.
pub(crate) fn run(command: &mut Command) -> Result<Output, Error> {
    let program = PathBuf::from(command.get_program());
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| Error::Start { program: program.clone(), cause })?;
    if output.status.success() {
        Ok(output)
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Error::Ended { program, status: output.status, said })
    }
}

/// Runs a command that prints one short JSON value, and takes no longer than [`PATIENCE`].
pub(crate) fn ask<T: DeserializeOwned>(command: &mut Command) -> Result<T, Error> {
    let program = PathBuf::from(command.get_program());
    let not_started = |cause| Error::Start { program: program.clone(), cause };
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(not_started)?;
    // What is said fits into a pipe, so that nobody needs to read while it runs.
    if child.wait_timeout(PATIENCE).map_err(not_started)?.is_none() {
        // It may have ended in this moment, which is as good.
        let _ = child.kill();
        let _ = child.wait();
        let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        return Err(Error::Hung { program, arguments: arguments.join(" ") });
    }
    let output = child.wait_with_output().map_err(not_started)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Error::Ended { program, status: output.status, said });
    }
    serde_json::from_slice(&output.stdout).map_err(|cause| Error::Said { program, cause })
}

/// How long a contender may take for one thing.
const PATIENCE: Duration = Duration::from_mins(2);

/// What cargo is told of a build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) package: &'a str,
    /// Further arguments.
    pub(crate) arguments: &'a [&'a str],
}

impl Build<'_> {
    /// Builds the package by itself, so that no other package's features reach it, and gives its
    /// programs by name.
    pub(crate) fn run(self) -> Result<BTreeMap<String, PathBuf>, Error> {
        let program = |it: Artifact| Some((it.target.name, it.executable?.into_std_path_buf()));
        Ok(self.artifacts()?.into_iter().filter_map(program).collect())
    }

    /// Builds the package, and gives the library that other programs may load.
    pub(crate) fn library(self) -> Result<PathBuf, Error> {
        let of_it = |it: &Artifact| it.target.kind.contains(&TargetKind::CDyLib);
        let artifact = self.artifacts()?.into_iter().find(of_it);
        let file = artifact.and_then(|it| it.filenames.into_iter().next());
        let file = file.ok_or_else(|| Error::NoProgram { package: self.package.to_owned() })?;
        Ok(file.into_std_path_buf())
    }

    fn artifacts(self) -> Result<Vec<Artifact>, Error> {
        let mut command = cargo(self.folder);
        command
            .args(["build", "--release", "--quiet", "--message-format=json-render-diagnostics"])
            .args(["--package", self.package])
            .args(self.arguments)
            .stderr(Stdio::inherit());
        let output = run(&mut command)?;
        let mut artifacts = Vec::new();
        for message in Message::parse_stream(output.stdout.as_slice()) {
            let message =
                message.map_err(|cause| Error::Start { program: "cargo".into(), cause })?;
            if let Message::CompilerArtifact(artifact) = message {
                artifacts.push(artifact);
            }
        }
        Ok(artifacts)
    }
}

/// What a contender's program is built for. Both forms have the same name, and the one that was built
/// last is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// It can be asked what it has seen.
    ToBeAsked,
    /// It is what it is, to the byte.
    ToBeTimed,
}

/// The programs of the contenders, built.
#[derive(Debug)]
pub(crate) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    /// Builds all the contenders.
    pub(crate) fn build(contenders: &[Contender], form: Form) -> Result<Self, Error> {
        let arguments: &[&str] = match form {
            Form::ToBeAsked => &["--features", "workloads/see"],
            Form::ToBeTimed => &[],
        };
        let mut programs = BTreeMap::new();
        let mut packages: Vec<_> = contenders.iter().map(|it| it.package).collect();
        packages.dedup();
        for package in packages {
            programs.extend(Build { folder: workspace(), package, arguments }.run()?);
        }
        Ok(Self(programs))
    }

    /// Where a program is.
    pub(crate) fn path(&self, binary: &str) -> Result<&Path, Error> {
        self.0
            .get(binary)
            .map(PathBuf::as_path)
            .ok_or_else(|| Error::NoProgram { package: binary.to_owned() })
    }

    /// Copies of all of them in a folder, as installing makes them: what a linker wrote lies about in
    /// the memory that holds files in smaller pieces, and takes longer to begin.
    pub(crate) fn installed(&self, folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file("making", folder))?;
        let copy = |(binary, built): (&String, &PathBuf)| {
            let copy = folder.join(binary);
            fs::copy(built, &copy).map_err(Error::file("copying", built))?;
            Ok((binary.clone(), copy))
        };
        Ok(Self(self.0.iter().map(copy).collect::<Result<_, Error>>()?))
    }

    /// A contender's program in its environment, in which no other switch of perf-runtime is set.
    pub(crate) fn command(&self, contender: &Contender) -> Result<Command, Error> {
        let mut command = Command::new(self.path(contender.binary)?);
        without_switches(&mut command).envs(contender.environment.iter().copied());
        Ok(command)
    }
}

/// Takes all switches of perf-runtime out of a command's environment.
pub(crate) fn without_switches(command: &mut Command) -> &mut Command {
    let switches: Vec<OsString> = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("BUILD_METRICS"))
        .collect();
    for switch in switches {
        command.env_remove(switch);
    }
    command
}
