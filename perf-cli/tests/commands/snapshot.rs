//! Compares the output of a command with `snapshots/NAME.txt`.
//!
//! With `BLESS=1` in the environment, the tests write the snapshots instead.

use std::fs;
use std::path::Path;

use perf_cli::ExitStatus;

use crate::in_process::CommandOutput;

/// Compares with the snapshot of this name.
#[track_caller]
pub(crate) fn assert_snapshot(name: &str, output: &CommandOutput) {
    let CommandOutput { out, err, exit } = output;
    let mut text = out.clone();
    if !err.is_empty() || *exit != ExitStatus::Success {
        let exit = *exit as u8;
        text = format!("{text}── standard error, exit code {exit} ──\n{err}");
    }
    let path = Path::new("tests/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, text).expect("the snapshot can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{} is not what is output now:\n{text}", path.display());
}
