//! Runs the scripts of the action as its steps do.

use std::path::Path;
use std::process::{Command, Stdio};

/// The output of a script.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: Option<i32>,
    pub(crate) err: String,
    pub(crate) out: String,
}

/// Runs a script with nothing but these variables, and what it takes to find programs.
pub(crate) fn script(
    name: &str,
    words: &[&str],
    dir: &Path,
    variables: &[(&str, &str)],
) -> CommandOutput {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new("bash");
    command.arg(root.join("ci").join(name)).args(words).current_dir(dir).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir);
    command.env("GIT_CONFIG_NOSYSTEM", "1");
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    CommandOutput {
        code: output.status.code(),
        err: text(&output.stderr),
        out: text(&output.stdout),
    }
}
