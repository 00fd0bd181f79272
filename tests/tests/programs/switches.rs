//! Environment variables that switch measuring off, choose where records go and label them, and the few
//! messages of the runtime.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Output};

use contract_tests::programs::{Place, succeed};
use serde_json::json;

use crate::{ENDINGS, tool};

/// All that a user sees of a run, but for digits: a panic message names the number of its thread.
fn seen(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let errors = text(&output.stderr).replace(|character: char| character.is_ascii_digit(), "");
    (output.status.code(), text(&output.stdout), errors)
}

fn pages(place: &Place) -> Command {
    let input = place.path("pages");
    fs::write(&input, "one\ntwo\n").unwrap();
    let mut command = tool(place, "annotated");
    command.stdin(fs::File::open(input).unwrap()).env("RUST_BACKTRACE", "0");
    command
}

fn names(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

// ---- off -----------------------------------------------------------------------------------------

#[test]
fn switched_off_a_build_leaves_no_trace_and_is_otherwise_the_same() {
    for (ending, code, _) in ENDINGS {
        let on = Place::new();
        let expected = seen(&pages(&on).arg(ending).output().unwrap());
        assert_eq!(expected.0, Some(code));
        assert_eq!(on.records(".build-metrics").len(), 1);
        for off in ["off", "OFF", "0", "false", "no"] {
            let place = Place::new();
            let mut command = pages(&place);
            command.arg(ending).env("BUILD_METRICS", off).env("BUILD_METRICS_DIR", "metrics");
            assert_eq!(seen(&command.output().unwrap()), expected, "{ending} {off}");
            assert_eq!(names(&place), ["pages"], "{ending} {off}");
        }
    }
}

#[test]
fn switched_off_a_mistake_in_another_switch_is_not_reported() {
    let place = Place::new();
    fs::write(place.path("file"), "mine").unwrap();
    let mut command = tool(&place, "annotated");
    command.arg("succeed").env("BUILD_METRICS", "off").env("BUILD_METRICS_DIR", "file");
    succeed(&mut command);
    assert_eq!(fs::read_to_string(place.path("file")).unwrap(), "mine");
}

#[test]
fn switched_on_explicitly_a_build_is_recorded() {
    for on in ["on", "1", "true", "yes", ""] {
        let place = Place::new();
        succeed(tool(&place, "annotated").arg("succeed").env("BUILD_METRICS", on));
        assert_eq!(place.records(".build-metrics").len(), 1, "{on}");
    }
}

// ---- where to ------------------------------------------------------------------------------------

#[test]
fn the_environment_chooses_the_directory_of_the_records() {
    let place = Place::new();
    let elsewhere = Place::new();
    let absolute = elsewhere.path("a place/for metrics");
    succeed(tool(&place, "annotated").arg("succeed").env("BUILD_METRICS_DIR", &absolute));
    succeed(tool(&place, "annotated").arg("succeed").env("BUILD_METRICS_DIR", "relative/below"));
    assert_eq!(elsewhere.records("a place/for metrics").len(), 1);
    assert_eq!(place.records("relative/below").len(), 1);
    assert_eq!(names(&place), ["relative"]);
    // An empty value is ignored.
    succeed(tool(&place, "annotated").arg("succeed").env("BUILD_METRICS_DIR", ""));
    assert_eq!(place.records(".build-metrics").len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn the_name_of_the_directory_need_not_be_unicode() {
    let place = Place::new();
    let name = OsString::from_vec(b"metrics-\xff".to_vec());
    succeed(tool(&place, "annotated").arg("succeed").env("BUILD_METRICS_DIR", &name));
    let history = fs::read_to_string(place.path("").join(&name).join("history.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 1);
}

// ---- labels --------------------------------------------------------------------------------------

#[test]
fn labels_of_the_environment_are_recorded_and_the_programs_own_take_precedence() {
    let place = Place::new();
    let labels = r#"run=nightly, set by = the environment ,empty=,x=a=b,hostile="<script>\u{1b}"#;
    succeed(tool(&place, "with-logger").env("BUILD_METRICS_LABELS", labels));
    let expected = json!({
        "run": "nightly", "set by": "the program", "empty": "", "x": "a=b",
        "hostile": r#""<script>\u{1b}"#,
    });
    assert_eq!(place.records(".build-metrics")[0]["labels"], expected);
    succeed(&mut tool(&place, "annotated"));
    assert_eq!(place.records(".build-metrics")[1]["labels"], json!({}));
}

// ---- invalid values --------------------------------------------------------------------------------

/// The one line that a successful run wrote to standard error.
#[track_caller]
fn one_warning(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.lines().count()), (Some(0), 1), "{errors}");
    errors
}

#[test]
fn an_invalid_switch_is_named_in_one_warning_and_ignored() {
    let place = Place::new();
    let warning = one_warning(tool(&place, "annotated").env("BUILD_METRICS", "maybe"));
    assert!(warning.starts_with("warning: "), "{warning}");
    assert!(warning.contains("BUILD_METRICS=") && warning.contains("maybe"), "{warning}");
    let labels = "novalue,run=a";
    let warning = one_warning(tool(&place, "annotated").env("BUILD_METRICS_LABELS", labels));
    assert!(warning.contains("BUILD_METRICS_LABELS") && warning.contains("novalue"), "{warning}");
    let records = place.records(".build-metrics");
    assert_eq!(records.len(), 2);
    assert_eq!(records[1]["labels"], json!({ "run": "a" }));
}

#[test]
fn an_invalid_switch_is_escaped_in_the_warning() {
    for value in [&b"\xff\xfe"[..], b"\x1b[31mred", b"two\nlines"] {
        let place = Place::new();
        let value = OsString::from_vec(value.to_vec());
        let warning = one_warning(tool(&place, "annotated").env("BUILD_METRICS", &value));
        let warning = warning.trim_end_matches('\n');
        assert!(warning.contains("BUILD_METRICS="), "{warning:?}");
        assert!(!warning.contains(char::is_control), "{warning:?}");
        assert_eq!(place.records(".build-metrics").len(), 1);
    }
}

#[test]
fn a_count_with_the_name_of_a_field_is_refused_in_one_warning_that_names_it() {
    let place = Place::new();
    let output = succeed(tool(&place, "with-logger").args(["total_pages", "build_time_ms"]));
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(output.contains("\"build_time_ms\""), "{output}");
    let record = &place.records(".build-metrics")[0];
    assert_eq!(record["counts"], json!(["total_pages"]));
    assert!(record["build_time_ms"].is_f64());
}

#[test]
fn where_there_is_a_logger_it_gets_the_warning_and_standard_error_stays_empty() {
    let place = Place::new();
    fs::write(place.path("file"), "mine").unwrap();
    let output = succeed(tool(&place, "with-logger").env("BUILD_METRICS_DIR", "file"));
    assert!(output.starts_with("WARN perf_runtime: "), "{output}");
    assert_eq!(output.lines().count(), 1, "{output}");
    assert!(output.contains("file"), "{output}");
    let output = succeed(tool(&place, "with-logger").env("BUILD_METRICS", "perhaps"));
    assert!(output.starts_with("WARN perf_runtime: BUILD_METRICS=\"perhaps\""), "{output}");
    assert_eq!(output.lines().count(), 1, "{output}");
    assert_eq!(succeed(&mut tool(&place, "with-logger")), "");
}

#[test]
fn many_builds_in_one_process_warn_once() {
    let place = Place::new();
    one_warning(tool(&place, "many-builds").arg("5").env("BUILD_METRICS", "maybe"));
}

#[test]
fn a_switch_with_two_mistakes_is_one_warning() {
    let place = Place::new();
    let labels = "novalue,=nokey,k=v";
    let warning = one_warning(tool(&place, "annotated").env("BUILD_METRICS_LABELS", labels));
    assert!(warning.contains("novalue") && warning.contains("=nokey"), "{warning}");
}
