//! `accept`: what it writes and prints.

use std::fs;

use perf_cli::ExitStatus;
use perf_history::History;
use tempfile::TempDir;

use crate::in_process::{CommandOutput, run};
use crate::snapshots::{NARROW, copy_of};

fn accepted(copy: &TempDir) -> Vec<(String, Option<String>)> {
    let accepted = History::open(copy.path()).accepted().unwrap();
    accepted
        .changes
        .into_iter()
        .map(|change| (change.build_id[..13].to_owned(), change.reason))
        .collect()
}

fn accept(copy: &TempDir, words: &[&str]) -> CommandOutput {
    run(copy.path(), &[&["accept"], words].concat(), NARROW)
}

#[test]
fn the_newest_build_is_accepted_with_a_reason() {
    let copy = copy_of("site");
    let output = accept(&copy, &["--reason", "new highlighter"]);
    assert_eq!((output.exit, output.err.as_str()), (ExitStatus::Success, ""));
    output.assert_out_contains("this is the new normal");
    assert_eq!(accepted(&copy), [("01a2030e-40e1".into(), Some("new highlighter".into()))]);
    let text = fs::read_to_string(copy.path().join("accepted.jsonl")).unwrap();
    assert!(text.contains("\"timestamp\":\"2026-11-24T01:00:00Z\""), "{text}");
}

#[test]
fn a_set_is_accepted_from_its_oldest_build_on_and_a_commit_in_each_series() {
    let copy = copy_of("site");
    accept(&copy, &["label:after"]);
    accept(&copy, &["180d0cf"]);
    let ids: Vec<String> = accepted(&copy).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["01a2022c-2259", "01a2010b-07a2", "01a2010a-03d1"]);
}

#[test]
fn failed_builds_are_not_accepted() {
    let copy = copy_of("site");
    let failed = accept(&copy, &["01a201c8"]);
    assert_eq!((failed.exit, failed.out.as_str()), (ExitStatus::Usage, ""));
    failed.assert_err_contains("it cannot be a new level");
    let unknown = accept(&copy, &["nosuchbuild"]);
    assert_eq!(unknown.exit, ExitStatus::Usage);
    assert!(!copy.path().join("accepted.jsonl").exists());
}

#[test]
fn newer_builds_that_failed_are_left_out_and_reported() {
    let copy = copy_of("site");
    let output = accept(&copy, &["--mode", "full", "--since", "2026-11-18"]);
    assert_eq!(accepted(&copy)[0].0, "01a202f4-3d10");
    assert_eq!(output.err, "");
    let history = fs::read_to_string(copy.path().join("history.jsonl")).unwrap();
    let shorter: String = history.split_inclusive('\n').take(15).collect();
    fs::write(copy.path().join("history.jsonl"), shorter).unwrap();
    let output = accept(&copy, &["--mode", "full"]);
    assert!(output.err.starts_with("note: build 01a202a4-393f-"), "{}", output.err);
    assert!(output.err.ends_with("is left out: suspect clock\n"), "{}", output.err);
    assert_eq!(accepted(&copy)[1].0, "01a2022c-319d"[..13].replace("319d", "2259"));
}

#[test]
fn an_unwritable_history_has_its_own_exit_code() {
    let copy = copy_of("site");
    fs::create_dir(copy.path().join("accepted.jsonl")).unwrap();
    let output = accept(&copy, &[]);
    assert_eq!((output.exit, output.out.as_str()), (ExitStatus::History, ""));
    output.assert_err_contains("accepted.jsonl");
}
