//! `run`: a build command several times, and the builds that it made.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use libtest_mimic::Trial;
use perf_cli::ExitStatus;

use crate::session::Session;
use crate::snapshot::assert_snapshot;
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("run_shows_its_builds_in_every_format", every_format),
        trial("all_builds_of_a_run_share_a_session_and_have_its_label", labels),
        trial("a_record_that_waits_for_the_lock_of_the_history_is_found", waiting_record),
        trial("a_missing_temporary_directory_is_not_reported_as_a_history_error", no_temporary),
        trial("labels_of_the_environment_are_kept", labels_of_the_environment),
        trial("warm_ups_are_run_and_not_recorded", warm_ups),
        trial("records_of_other_builds_are_not_shown", records_of_others),
        trial("a_command_that_fails_ends_the_run_and_its_last_lines_are_shown", failure),
        trial("builds_before_a_failure_are_shown", failure_after_some),
        trial("a_command_that_leaves_no_record_is_reported", no_record),
        trial("a_command_that_leaves_several_records_is_reported", several_records),
        trial("a_command_that_cannot_be_started_is_reported_with_the_reason", not_started),
        trial("the_output_of_the_command_goes_to_standard_error", shown_output),
        trial("filters_are_refused_for_new_builds", refused_options),
        trial("the_command_runs_in_the_current_directory_and_finds_the_history", relative_history),
    ]
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_buildperf");

fn every_format() {
    for format in ["table", "json", "csv", "markdown"] {
        let session = Session::new();
        let words = ["run", "--runs", "4", "--label", "before", "--format", format];
        let result = session.run(&words, &["time=120"]);
        let suffix = if format == "table" { "" } else { &format!(".{format}") };
        assert_snapshot(&format!("run{suffix}"), &result);
    }
}

fn labels() {
    let session = Session::new();
    session.run(&["run", "--runs", "2", "--label", "a b"], &[]);
    session.run(&["run", "--runs", "3"], &[]);
    let records = session.records();
    let runs: Vec<_> =
        records.iter().map(|stats| stats.labels.get("run").map(String::as_str)).collect();
    assert_eq!(runs, [Some("a b"), Some("a b"), None, None, None]);
    let sessions: Vec<&String> = records.iter().map(|stats| &stats.labels["session"]).collect();
    assert_eq!(sessions[0], sessions[1]);
    assert_eq!(BTreeSet::from_iter(&sessions[2..]).len(), 1);
    assert_ne!(sessions[1], sessions[2]);
    let result = session.perf(&["compare", "label:a b", "latest"]);
    assert!(result.out.starts_with("label:a b (2 builds)"), "{}", result.out);
}

fn labels_of_the_environment() {
    let session = Session::new();
    let build = crate::fake_build::command(&[]);
    let status = Command::new(PROGRAM)
        .args(["run", "--runs", "1", "--label", "mine", "--dir"])
        .arg(session.dir())
        .arg("--")
        .args(build)
        .env("BUILD_METRICS_LABELS", "host=blue,run=theirs")
        .output()
        .unwrap()
        .status;
    assert_eq!(status.code(), Some(0));
    let records = session.records();
    assert_eq!(records[0].labels["host"], "blue");
    assert_eq!(records[0].labels["run"], "mine");
}

fn waiting_record() {
    let session = Session::new();
    fs::create_dir(session.dir()).unwrap();
    let lock = fs::File::create(session.dir().join(".lock")).unwrap();
    lock.lock().unwrap();
    let result = session.run(&["run", "--runs", "2", "--format", "csv"], &["impatient=1"]);
    assert_eq!((result.exit, result.err.as_str()), (ExitStatus::Success, ""));
    assert_eq!(result.out.lines().count(), 1 + 2, "{}", result.out);
    assert_eq!(session.records().len(), 0, "both wait");
    lock.unlock().unwrap();
    // Adopted by the next build, they are not counted as records of that one.
    let result = session.run(&["run", "--runs", "1", "--format", "csv"], &[]);
    assert_eq!(result.out.lines().count(), 1 + 1, "{}", result.out);
    assert_eq!(session.records().len(), 3);
}

fn no_temporary() {
    let session = Session::new();
    let output = Command::new(PROGRAM)
        .args(["run", "--dir"])
        .arg(session.dir())
        .args(["--", "true"])
        .env("TMPDIR", session.path("nowhere"))
        .env("TMP", session.path("nowhere"))
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{err}");
    assert!(err.starts_with("error: cannot create a temporary file in "), "{err}");
}

fn warm_ups() {
    let session = Session::new();
    let log = session.path("log");
    let build = crate::fake_build::command(&[]).join(" ");
    let script = format!("echo build >>'{}'; {build}", log.display());
    let result = session.perf(&["run", "--runs", "1", "--warmup", "2", "--", "sh", "-c", &script]);
    assert_eq!(result.exit, ExitStatus::Success);
    assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 3);
    assert_eq!(session.records().len(), 1);
    // A warm-up that fails is as bad as a build.
    let result = session.run(&["run", "--warmup", "1"], &["exit=7"]);
    assert_eq!(result.exit, ExitStatus::Error);
    assert_eq!(session.records().len(), 1);
    result.assert_err_contains("failed with exit code 7");
}

fn records_of_others() {
    let session = Session::new();
    session.run(&["run", "--runs", "3"], &[]);
    let result = session.run(&["run", "--runs", "2", "--format", "csv"], &[]);
    let ids: Vec<_> =
        result.out.lines().skip(1).map(|row| row.split(',').nth(1).unwrap()).collect();
    assert_eq!(ids, ["build-0003", "build-0004"]);
    let result = session.run(&["run", "--tool", "another"], &[]);
    assert_eq!(result.exit, ExitStatus::Error);
    result.assert_err_contains("left no record");
}

fn failure() {
    let session = Session::new();
    let result =
        session.run(&["run"], &["records=0", "exit=3", "cry=no such \u{1b}[31mpage", "say=x"]);
    assert_snapshot("run-failure", &result);
    assert_eq!(result.exit, ExitStatus::Error);
    let result = session.run(&["run"], &["records=0", "exit=3", "say=only\u{202e}this"]);
    result.assert_err_contains("  │ only\\u{202e}this\n");
}

fn failure_after_some() {
    let session = Session::new();
    let result = session.run(&["run"], &["exit=9", "after=3"]);
    assert_snapshot("run-failure-after-some", &result);
    assert_eq!(session.records().len(), 3);
}

fn no_record() {
    let session = Session::new();
    let result = session.run(&["run"], &["records=0", "cry=metrics are off"]);
    assert_snapshot("run-no-record", &result);
    assert_eq!(result.exit, ExitStatus::Error);
}

fn several_records() {
    let session = Session::new();
    let result = session.run(&["run", "--runs", "2"], &["records=3"]);
    assert_eq!(result.exit, ExitStatus::Success);
    assert_eq!(result.err, "2 runs left 6 records: each run makes several builds\n");
    result.assert_out_contains("build-0005");
}

fn not_started() {
    let session = Session::new();
    let result = session.perf(&["run", "--", "./no-such-program", "--all"]);
    assert_eq!(result.exit, ExitStatus::Error);
    let expected = "error: cannot start `./no-such-program --all`: ";
    assert!(result.err.starts_with(expected), "{}", result.err);
    assert!(!session.dir().exists());
}

fn shown_output() {
    let session = Session::new();
    let build = crate::fake_build::command(&["say=out of it", "cry=err of it"]);
    let run = |options: &[&str]| {
        let output = Command::new(PROGRAM)
            .args(["run", "--runs", "1", "--format", "csv", "--dir"])
            .arg(session.dir())
            .args(options)
            .arg("--")
            .args(&build)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    };
    let (out, err) = run(&["--show-output"]);
    assert!(out.starts_with("number,build_id,"), "{out}");
    assert_eq!(err, "out of it\nerr of it\n");
    let (out, err) = run(&[]);
    assert!(!out.contains("of it"), "{out}");
    assert_eq!(err, "");
}

fn refused_options() {
    let session = Session::new();
    for option in [&["--branch", "main"][..], &["--mode", "full"], &["--since", "2w"]] {
        let words: Vec<&str> = ["run"].iter().chain(option).copied().collect();
        let result = session.run(&words, &[]);
        assert_eq!(result.exit, ExitStatus::Usage);
        assert!(result.err.starts_with(&format!("error: {} cannot", option[0])), "{}", result.err);
    }
    assert!(!session.dir().exists());
    let off = Command::new(PROGRAM)
        .args(["run", "--dir"])
        .arg(session.dir())
        .args(["--", "true"])
        .env("BUILD_METRICS", "OFF")
        .output()
        .unwrap();
    assert_eq!(off.status.code(), Some(2));
    let result = String::from_utf8(off.stderr).unwrap();
    assert_eq!(
        result,
        "error: BUILD_METRICS=OFF is set in this environment, so builds are not recorded\n"
    );
}

fn relative_history() {
    let session = Session::new();
    let status = Command::new(PROGRAM)
        .args(["run", "--runs", "1", "--dir", "history", "--"])
        .args(crate::fake_build::command(&[]))
        .current_dir(session.path(""))
        .output()
        .unwrap()
        .status;
    assert_eq!(status.code(), Some(0));
    assert_eq!(session.records().len(), 1);
}
