//! Shipped programs: with symbols only, stripped, or deleted from the disk.

use std::path::PathBuf;
use std::process::{Command, Output};

use contract_tests::programs::{Place, succeed};
use serde_json::Value;

const TOOL: &str = env!("CARGO_BIN_EXE_build_tool");

/// A copy of the tool that can be run. Another process writes it: a program that another test starts
/// in the meantime would inherit an open file of this process, and a file that is open for writing
/// cannot be run ("text file busy").
fn copied(place: &Place) -> PathBuf {
    let copy = place.path("tool");
    let status = Command::new("cp").arg(TOOL).arg(&copy).status();
    assert!(status.unwrap().success());
    copy
}

/// A stripped copy of the tool. `None` if `strip` is not installed.
fn stripped(place: &Place, options: &[&str]) -> Option<PathBuf> {
    let copy = copied(place);
    let strip = Command::new("strip").args(options).arg(&copy).status();
    if !strip.is_ok_and(|status| status.success()) {
        println!("skipped: `strip` is not installed");
        return None;
    }
    Some(copy)
}

fn run(place: &Place, program: &std::path::Path, switch: &str) -> (Output, Value) {
    let mut command = place.command(program);
    command
        .arg("sampled")
        .env("BUILD_METRICS_DIR", "metrics")
        .env("BUILD_METRICS_ALLOCATORS", switch);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (output, place.only_record("metrics"))
}

fn functions<'record>(record: &'record Value, path: &str) -> Vec<&'record str> {
    let phases = record["phases"].as_array().unwrap();
    let phase = phases.iter().find(|phase| phase["path"] == path).unwrap();
    let places = phase["top_allocators"].as_array().unwrap().iter();
    places.map(|place| place["function"].as_str().unwrap()).collect()
}

fn warnings(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_program_with_debug_information_has_lines_and_no_hint() {
    let place = Place::new();
    let (output, record) = run(&place, TOOL.as_ref(), "16KiB");
    assert_eq!(warnings(&output), "");
    assert_eq!(record["allocators"]["debug_info"], true);
    assert_eq!(functions(&record, "grow"), ["build_tool::sampled::grow"]);
    assert_eq!(record["phases"][0]["top_allocators"][0]["line"], 12);
}

#[test]
fn without_lines_functions_are_named_and_one_hint_says_what_is_missing() {
    let place = Place::new();
    let Some(program) = stripped(&place, &["--strip-debug"]) else { return };
    let (output, record) = run(&place, &program, "16KiB");
    assert_eq!(functions(&record, "grow"), ["build_tool::sampled::grow"]);
    assert_eq!(record["phases"][0]["top_allocators"][0].get("line"), None);
    assert_eq!(record["allocators"]["debug_info"], false);
    let warnings = warnings(&output);
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(warnings.contains("line-tables-only"), "{warnings}");
}

#[test]
fn places_of_a_stripped_program_are_offsets_in_its_file() {
    let place = Place::new();
    let Some(program) = stripped(&place, &["--strip-all"]) else { return };
    let (output, record) = run(&place, &program, "16KiB");
    for function in functions(&record, "boxes") {
        assert!(function.starts_with("tool+0x"), "{function}");
    }
    assert_eq!(record["allocators"]["debug_info"], false);
    assert_eq!(warnings(&output).lines().count(), 1);
}

#[test]
fn symbols_of_a_program_that_was_deleted_are_still_found() {
    let place = Place::new();
    let copy = copied(&place);
    let mut command = place.command(&copy);
    command
        .args(["sampled", "remove-program"])
        .env("BUILD_METRICS_DIR", "metrics")
        .env("BUILD_METRICS_ALLOCATORS", "16KiB");
    succeed(&mut command);
    assert!(!copy.exists());
    let record = &place.records("metrics")[0];
    assert_eq!(functions(record, "grow"), ["build_tool::sampled::grow"]);
    assert_eq!(record["phases"][0]["top_allocators"][0]["line"], 12);
}

#[test]
fn the_switch_takes_precedence_and_an_invalid_one_is_named() {
    let place = Place::new();
    let (output, record) = run(&place, TOOL.as_ref(), "off");
    assert_eq!((warnings(&output).as_str(), record.get("allocators")), ("", None));
    let place = Place::new();
    let (output, record) = run(&place, TOOL.as_ref(), "often");
    assert!(warnings(&output).contains("BUILD_METRICS_ALLOCATORS=\"often\""), "{output:?}");
    assert_eq!(record.get("allocators"), None);
    let place = Place::new();
    let (_, record) = run(&place, TOOL.as_ref(), "1");
    assert_eq!(record["allocators"]["sample_bytes"], 262_144);
}
