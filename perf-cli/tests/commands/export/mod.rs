//! What other programs are given: by snapshots, against their readers, over random builds, and out
//! of hostile histories.

mod files;
mod hostile;
mod random;
mod readers;
mod snapshots;

use std::path::Path;

use perf_cli::ExitStatus;

use crate::in_process::run;
use crate::snapshots::NARROW;

/// What `export` writes of a history, and what it says beside.
#[track_caller]
fn export(dir: &Path, words: &[&str]) -> (String, String) {
    let words: Vec<&str> = ["export"].iter().chain(words).copied().collect();
    let output = run(dir, &words, NARROW);
    assert_eq!(output.exit, ExitStatus::Success, "{words:?}: {}", output.err);
    (output.out, output.err)
}
