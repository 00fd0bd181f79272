//! The switches of a program already shipped: variables of the environment that turn measuring off,
//! say where records go and label them; and what is heard of the runtime, which is next to nothing.
#![cfg(unix)]
#![forbid(unsafe_code)]

mod tool;

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tool::{Place, succeed};

const ANNOTATED: &str = env!("CARGO_BIN_EXE_annotated");
const WITHOUT_ALLOCATOR: &str = env!("CARGO_BIN_EXE_without_allocator");
const MANY_BUILDS: &str = env!("CARGO_BIN_EXE_many_builds");
const WITH_LOGGER: &str = env!("CARGO_BIN_EXE_with_logger");

/// All that a user sees of a run. The number of the thread that a panic names differs.
fn seen(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let errors = text(&output.stderr).replace(|it: char| it.is_ascii_digit(), "");
    (output.status.code(), text(&output.stdout), errors)
}

fn pages(place: &Place) -> Command {
    let input = place.path("pages");
    fs::write(&input, "one\ntwo\n").unwrap();
    let mut command = place.command(ANNOTATED);
    command.stdin(fs::File::open(input).unwrap()).env("RUST_BACKTRACE", "0");
    command
}

fn names(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("")).unwrap();
    let mut names: Vec<_> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

// ---- off -----------------------------------------------------------------------------------------

#[test]
fn switched_off_a_build_leaves_no_trace_and_is_otherwise_the_same() {
    for (ending, code) in [("succeed", 0), ("fail", 3), ("panic", 101)] {
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
fn switched_off_even_what_is_wrong_with_the_other_switches_is_not_said() {
    let place = Place::new();
    fs::write(place.path("file"), "mine").unwrap();
    let mut command = place.command(ANNOTATED);
    command.arg("succeed").env("BUILD_METRICS", "off").env("BUILD_METRICS_DIR", "file");
    succeed(&mut command);
    assert_eq!(fs::read_to_string(place.path("file")).unwrap(), "mine");
}

#[test]
fn switched_on_in_so_many_words_it_is_on() {
    for on in ["on", "1", "true", "yes", ""] {
        let place = Place::new();
        succeed(place.command(ANNOTATED).arg("succeed").env("BUILD_METRICS", on));
        assert_eq!(place.records(".build-metrics").len(), 1, "{on}");
    }
}

// ---- where to ------------------------------------------------------------------------------------

#[test]
fn records_go_to_where_the_environment_says() {
    let place = Place::new();
    let elsewhere = Place::new();
    let absolute = elsewhere.path("a place/for metrics");
    succeed(place.command(ANNOTATED).arg("succeed").env("BUILD_METRICS_DIR", &absolute));
    succeed(place.command(ANNOTATED).arg("succeed").env("BUILD_METRICS_DIR", "relative/below"));
    assert_eq!(elsewhere.records("a place/for metrics").len(), 1);
    assert_eq!(place.records("relative/below").len(), 1);
    assert_eq!(names(&place), ["relative"]);
    // No value is none.
    succeed(place.command(ANNOTATED).arg("succeed").env("BUILD_METRICS_DIR", ""));
    assert_eq!(place.records(".build-metrics").len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_whose_name_is_not_text_is_one_like_any_other() {
    let place = Place::new();
    let name = OsString::from_vec(b"metrics-\xff".to_vec());
    succeed(place.command(ANNOTATED).arg("succeed").env("BUILD_METRICS_DIR", &name));
    let history = fs::read_to_string(place.path("").join(&name).join("history.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 1);
}

// ---- labels --------------------------------------------------------------------------------------

#[test]
fn labels_of_the_environment_are_in_the_record_and_the_programs_own_come_before_them() {
    let place = Place::new();
    let labels = r#"run=nightly, set by = the environment ,empty=,x=a=b,hostile="<script>\u{1b}"#;
    succeed(place.command(WITH_LOGGER).env("BUILD_METRICS_LABELS", labels));
    let expected = json!({
        "run": "nightly", "set by": "the program", "empty": "", "x": "a=b",
        "hostile": r#""<script>\u{1b}"#,
    });
    assert_eq!(place.records(".build-metrics")[0]["labels"], expected);
    succeed(&mut place.command(ANNOTATED));
    assert_eq!(place.records(".build-metrics")[1]["labels"], json!({}));
}

// ---- what cannot be read ---------------------------------------------------------------------------

/// The one line that a run wrote to standard error. It succeeded.
#[track_caller]
fn one_warning(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.lines().count()), (Some(0), 1), "{errors}");
    errors
}

#[test]
fn a_switch_that_cannot_be_read_is_named_in_one_warning_and_ignored() {
    let place = Place::new();
    let warning = one_warning(place.command(ANNOTATED).env("BUILD_METRICS", "maybe"));
    assert!(warning.starts_with("warning: "), "{warning}");
    assert!(warning.contains("BUILD_METRICS=") && warning.contains("maybe"), "{warning}");
    let labels = "novalue,run=a";
    let warning = one_warning(place.command(ANNOTATED).env("BUILD_METRICS_LABELS", labels));
    assert!(warning.contains("BUILD_METRICS_LABELS") && warning.contains("novalue"), "{warning}");
    let records = place.records(".build-metrics");
    assert_eq!(records.len(), 2);
    assert_eq!(records[1]["labels"], json!({ "run": "a" }));
}

#[test]
fn a_switch_that_is_not_text_is_named_and_does_not_reach_the_terminal_as_it_is() {
    for value in [&b"\xff\xfe"[..], b"\x1b[31mred", b"two\nlines"] {
        let place = Place::new();
        let value = OsString::from_vec(value.to_vec());
        let warning = one_warning(place.command(ANNOTATED).env("BUILD_METRICS", &value));
        let warning = warning.trim_end_matches('\n');
        assert!(warning.contains("BUILD_METRICS="), "{warning:?}");
        assert!(!warning.contains(char::is_control), "{warning:?}");
        assert_eq!(place.records(".build-metrics").len(), 1);
    }
}

#[test]
fn a_count_with_the_name_of_a_field_is_refused_in_one_warning_that_names_it() {
    let place = Place::new();
    let said = succeed(place.command(WITH_LOGGER).args(["total_pages", "build_time_ms"]));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("\"build_time_ms\""), "{said}");
    let record = &place.records(".build-metrics")[0];
    assert_eq!(record["counts"], json!(["total_pages"]));
    assert!(record["build_time_ms"].is_f64());
}

#[test]
fn where_there_is_a_logger_it_gets_the_warning_and_standard_error_stays_empty() {
    let place = Place::new();
    fs::write(place.path("file"), "mine").unwrap();
    let said = succeed(place.command(WITH_LOGGER).env("BUILD_METRICS_DIR", "file"));
    assert!(said.starts_with("WARN perf_runtime: "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("file"), "{said}");
    let said = succeed(place.command(WITH_LOGGER).env("BUILD_METRICS", "perhaps"));
    assert!(said.starts_with("WARN perf_runtime: BUILD_METRICS=\"perhaps\""), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(succeed(&mut place.command(WITH_LOGGER)), "");
}

// ---- without the allocator -------------------------------------------------------------------------

/// The names of all fields at any depth, and whether any of them is null.
fn fields(value: &Value, names: &mut Vec<String>) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().filter(|it| fields(it, names)).count() > 0,
        Value::Object(map) => {
            names.extend(map.keys().cloned());
            map.values().filter(|it| fields(it, names)).count() > 0
        }
        _ => false,
    }
}

#[test]
fn without_the_allocator_what_it_would_have_counted_is_absent_and_not_zero() {
    let place = Place::new();
    assert_eq!(succeed(&mut place.command(WITHOUT_ALLOCATOR)), "2000\n");
    let record = &place.records(".build-metrics")[0];
    let mut names = Vec::new();
    assert!(!fields(record, &mut names), "there is a null in {record}");
    for name in &names {
        let of_memory = ["alloc", "freed", "net_bytes", "peak_bytes", "heap", "unclaimed"];
        assert!(!of_memory.iter().any(|it| name.contains(it)), "{name} is in {record}");
        assert_ne!(name, "memory_peak_mb");
    }
    // The rest is there.
    let [render] = &record["phases"].as_array().unwrap()[..] else { panic!("{record}") };
    assert_eq!((&render["calls"], &render["threads"]), (&json!(2), &json!(2)));
    assert!(render["build_thread_ms"].as_f64().unwrap() >= 40.0, "{render}");
    assert!(record["unattributed"]["build_thread_ms"].as_f64().unwrap() >= 40.0, "{record}");
    for name in [
        "path",
        "total_ms",
        "self_ms",
        "build_thread_self_ms",
        "elapsed_ms",
        "started_ms",
        "p50_ms",
    ] {
        assert!(render.get(name).is_some(), "{name} is not in {render}");
    }
    assert_eq!((&record["total_pages"], &record["outcome"]), (&json!(1_000), &json!("success")));
    let record = perf_runtime::perf_history::History::open(place.path(".build-metrics"))
        .latest()
        .unwrap()
        .unwrap();
    assert_eq!((record.alloc_count, record.phases[0].alloc_count), (None, None));
}

#[cfg(target_os = "linux")]
#[test]
fn without_the_allocator_the_resident_memory_is_known_all_the_same() {
    let place = Place::new();
    succeed(&mut place.command(WITHOUT_ALLOCATOR));
    let record = &place.records(".build-metrics")[0];
    assert!(record["memory_rss_mb"].as_f64().unwrap() > 0.0, "{record}");
    assert!(record["phases"][0]["rss_delta_mb"].is_f64(), "{record}");
}

#[test]
fn many_builds_in_one_process_warn_once() {
    let place = Place::new();
    one_warning(place.command(MANY_BUILDS).arg("5").env("BUILD_METRICS", "maybe"));
}

#[test]
fn a_switch_with_two_mistakes_is_one_warning() {
    let place = Place::new();
    let labels = "novalue,=nokey,k=v";
    let warning = one_warning(place.command(ANNOTATED).env("BUILD_METRICS_LABELS", labels));
    assert!(warning.contains("novalue") && warning.contains("=nokey"), "{warning}");
}
