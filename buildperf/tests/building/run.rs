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
        trial("run_shows_the_builds_that_it_made_in_every_format", every_format),
        trial("all_builds_of_a_run_share_a_session_and_have_its_label", labels),
        trial("a_record_that_waits_for_the_lock_of_the_history_is_found", waiting_record),
        trial("a_missing_directory_for_temporary_files_is_no_problem_of_the_history", no_temporary),
        trial("labels_of_the_environment_are_kept", labels_of_the_environment),
        trial("warm_ups_are_run_and_not_recorded", warm_ups),
        trial("records_of_others_are_no_builds_of_the_run", records_of_others),
        trial("a_command_that_fails_ends_the_run_and_its_last_lines_are_shown", failure),
        trial("what_was_recorded_before_a_failure_is_shown", failure_after_some),
        trial("a_command_that_leaves_no_record_is_said_to", no_record),
        trial("a_command_that_leaves_several_records_is_said_to", several_records),
        trial("a_command_that_cannot_be_started_is_said_with_the_reason", not_started),
        trial("the_output_of_the_command_is_no_data", shown_output),
        trial("what_has_no_meaning_for_builds_yet_to_be_made_is_refused", refused_options),
        trial("the_command_runs_where_the_user_is_and_finds_the_history", relative_history),
    ]
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_buildperf");

fn every_format() {
    for format in ["table", "json", "csv", "markdown"] {
        let session = Session::new();
        let words = ["run", "--runs", "4", "--label", "before", "--format", format];
        let said = session.run(&words, &["time=120"]);
        let suffix = if format == "table" { "" } else { &format!(".{format}") };
        assert_snapshot(&format!("run{suffix}"), &said);
    }
}

fn labels() {
    let session = Session::new();
    session.run(&["run", "--runs", "2", "--label", "a b"], &[]);
    session.run(&["run", "--runs", "3"], &[]);
    let records = session.records();
    let runs: Vec<_> = records.iter().map(|it| it.labels.get("run").map(String::as_str)).collect();
    assert_eq!(runs, [Some("a b"), Some("a b"), None, None, None]);
    let sessions: Vec<&String> = records.iter().map(|it| &it.labels["session"]).collect();
    assert_eq!(sessions[0], sessions[1]);
    assert_eq!(BTreeSet::from_iter(&sessions[2..]).len(), 1);
    assert_ne!(sessions[1], sessions[2]);
    let said = session.say(&["compare", "label:a b", "latest"]);
    assert!(said.out.starts_with("label:a b (2 builds)"), "{}", said.out);
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
    let said = session.run(&["run", "--runs", "2", "--format", "csv"], &["impatient=1"]);
    assert_eq!((said.exit, said.err.as_str()), (ExitStatus::Success, ""));
    assert_eq!(said.out.lines().count(), 1 + 2, "{}", said.out);
    assert_eq!(session.records().len(), 0, "both wait");
    lock.unlock().unwrap();
    // Adopted by the next build, they are not counted as records of that one.
    let said = session.run(&["run", "--runs", "1", "--format", "csv"], &[]);
    assert_eq!(said.out.lines().count(), 1 + 1, "{}", said.out);
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
    let said = session.say(&["run", "--runs", "1", "--warmup", "2", "--", "sh", "-c", &script]);
    assert_eq!(said.exit, ExitStatus::Success);
    assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 3);
    assert_eq!(session.records().len(), 1);
    // A warm-up that fails is as bad as a build.
    let said = session.run(&["run", "--warmup", "1"], &["exit=7"]);
    assert_eq!(said.exit, ExitStatus::Error);
    assert_eq!(session.records().len(), 1);
    assert!(said.err.contains("failed with exit code 7"), "{}", said.err);
}

fn records_of_others() {
    let session = Session::new();
    session.run(&["run", "--runs", "3"], &[]);
    let said = session.run(&["run", "--runs", "2", "--format", "csv"], &[]);
    let ids: Vec<_> = said.out.lines().skip(1).map(|row| row.split(',').nth(1).unwrap()).collect();
    assert_eq!(ids, ["build-0003", "build-0004"]);
    let said = session.run(&["run", "--tool", "another"], &[]);
    assert_eq!(said.exit, ExitStatus::Error);
    assert!(said.err.contains("left no record"), "{}", said.err);
}

fn failure() {
    let session = Session::new();
    let said =
        session.run(&["run"], &["records=0", "exit=3", "cry=no such \u{1b}[31mpage", "say=x"]);
    assert_snapshot("run-failure", &said);
    assert_eq!(said.exit, ExitStatus::Error);
    let said = session.run(&["run"], &["records=0", "exit=3", "say=only\u{202e}this"]);
    assert!(said.err.contains("  │ only\\u{202e}this\n"), "{}", said.err);
}

fn failure_after_some() {
    let session = Session::new();
    let said = session.run(&["run"], &["exit=9", "after=3"]);
    assert_snapshot("run-failure-after-some", &said);
    assert_eq!(session.records().len(), 3);
}

fn no_record() {
    let session = Session::new();
    let said = session.run(&["run"], &["records=0", "cry=metrics are off"]);
    assert_snapshot("run-no-record", &said);
    assert_eq!(said.exit, ExitStatus::Error);
}

fn several_records() {
    let session = Session::new();
    let said = session.run(&["run", "--runs", "2"], &["records=3"]);
    assert_eq!(said.exit, ExitStatus::Success);
    assert_eq!(said.err, "2 runs left 6 records: each run makes several builds\n");
    let last = said.out.lines().find(|line| line.contains("build-0005"));
    assert!(last.is_some(), "{}", said.out);
}

fn not_started() {
    let session = Session::new();
    let said = session.say(&["run", "--", "./no-such-program", "--all"]);
    assert_eq!(said.exit, ExitStatus::Error);
    let expected = "error: cannot start `./no-such-program --all`: ";
    assert!(said.err.starts_with(expected), "{}", said.err);
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
        let said = session.run(&words, &[]);
        assert_eq!(said.exit, ExitStatus::Usage);
        assert!(said.err.starts_with(&format!("error: {} cannot", option[0])), "{}", said.err);
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
    let said = String::from_utf8(off.stderr).unwrap();
    assert_eq!(
        said,
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
