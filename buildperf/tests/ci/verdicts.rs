//! The verdict of a job, and how the job ends.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::fake_build;
use crate::scripts::{CommandOutput, script};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_slower_head_ends_the_job_after_everything_is_written", slower_head),
        trial("a_head_that_is_the_same_ends_well", same_head),
        trial("the_thresholds_of_the_head_hold_where_no_others_are_named", thresholds_of_the_head),
        trial("a_failed_build_has_no_verdict", failing_build),
        trial("the_default_branch_is_recorded_and_checked", recorded),
    ]
}

const BUILDPERF: &str = env!("CARGO_BIN_EXE_buildperf");

/// Two checkouts whose builds record these times.
fn checkouts(base: &[&str], head: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, words) in [("base", base), ("head", head)] {
        let checkout = dir.path().join(name);
        fs::create_dir(&checkout).unwrap();
        let command = fake_build::command(words).join(" ");
        fs::write(checkout.join("build"), format!("exec {command}\n")).unwrap();
    }
    dir
}

fn in_turn(dir: &Path) -> CommandOutput {
    let variables = [
        ("BUILDPERF", BUILDPERF),
        ("COMMAND", "sh ./build"),
        ("BASE_DIR", "base"),
        ("HEAD_DIR", "head"),
        ("OUT", "out"),
        ("RUNS", "5"),
        ("TITLE", "site on linux"),
        ("GITHUB_STEP_SUMMARY", "summary.md"),
    ];
    script("in-turn", &[], dir, &variables)
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn conclude(dir: &Path) -> CommandOutput {
    script("conclude", &[], dir, &[("OUT", "out"), ("GITHUB_OUTPUT", "output")])
}

fn slower_head() {
    let dir = checkouts(&["time=1000"], &["time=1300"]);
    let output = in_turn(dir.path());
    assert_eq!(output.code, Some(0), "{output:?}");
    let body = read(dir.path(), "out/body.md");
    assert!(body.starts_with("### site on linux\n\n**regression** fake-site\n"), "{body}");
    assert!(body.contains("| regression | render: self time |"), "{body}");
    assert!(body.contains("<details>"), "{body}");
    assert_eq!(read(dir.path(), "summary.md"), body);
    assert_eq!(read(dir.path(), "out/verdict"), "regression\n");
    let end = conclude(dir.path());
    assert_eq!((end.code, end.out.as_str()), (Some(1), "buildperf: regression\n"));
    assert_eq!(read(dir.path(), "output"), "verdict=regression\n");
}

fn same_head() {
    let dir = checkouts(&["time=1000"], &["time=1000"]);
    let output = in_turn(dir.path());
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(read(dir.path(), "out/verdict"), "unchanged\n");
    assert_eq!(conclude(dir.path()).code, Some(0));
}

fn thresholds_of_the_head() {
    let dir = checkouts(&["time=1000"], &["time=1300"]);
    let file = dir.path().join("head").join("buildperf.toml");
    fs::write(file, "[thresholds]\ntime-percent = 50\n").unwrap();
    let output = in_turn(dir.path());
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(read(dir.path(), "out/verdict"), "unchanged\n");
    assert_eq!(conclude(dir.path()).code, Some(0));
}

fn failing_build() {
    let dir = checkouts(&["time=1000"], &["exit=3"]);
    let output = in_turn(dir.path());
    assert_ne!(output.code, Some(0), "{output:?}");
    assert!(!dir.path().join("out/verdict").exists());
}

fn recorded() {
    let dir = tempfile::tempdir().unwrap();
    let command = fake_build::command(&["time=1000"]).join(" ");
    let variables =
        [("BUILDPERF", BUILDPERF), ("COMMAND", command.as_str()), ("OUT", "out"), ("RUNS", "3")];
    let output = script("record", &[], dir.path(), &variables);
    assert_eq!(output.code, Some(0), "{output:?}");
    let history = read(dir.path(), ".build-metrics/history.jsonl");
    assert_eq!(history.lines().count(), 3);
    assert!(history.contains("\"run\":\"ci\""), "{history}");
    assert_eq!(read(dir.path(), "out/verdict"), "nothing was judged\n");
    assert_eq!(conclude(dir.path()).code, Some(0));
    let strict = [&variables[..], &[("STRICT", "true")]].concat();
    assert_eq!(script("record", &[], dir.path(), &strict).code, Some(0));
    assert_eq!(conclude(dir.path()).code, Some(3));
}
