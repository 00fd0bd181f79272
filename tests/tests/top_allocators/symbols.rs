//! Programs as they are shipped: with symbols alone, stripped, or gone from the disk.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::tool::{Place, succeed};

const TOOL: &str = env!("CARGO_BIN_EXE_sampled");

/// A copy of the tool that can be run. Another process writes it: what this one has open for writing,
/// a program that a neighbouring test starts meanwhile inherits, and a file that anyone has open for
/// writing cannot be run ("text file busy").
fn copied(place: &Place) -> PathBuf {
    let copy = place.path("tool");
    let status = Command::new("cp").arg(TOOL).arg(&copy).status();
    assert!(status.unwrap().success());
    copy
}

/// A copy of the tool, without what `strip` is told to leave out. `None` where there is no `strip`.
fn stripped(place: &Place, options: &[&str]) -> Option<PathBuf> {
    let copy = copied(place);
    let strip = Command::new("strip").args(options).arg(&copy).status();
    if !strip.is_ok_and(|it| it.success()) {
        println!("skipped: there is no `strip`");
        return None;
    }
    Some(copy)
}

fn run(place: &Place, program: &std::path::Path, switch: &str) -> (Output, Value) {
    let mut command = place.command(program.to_str().unwrap());
    command.env("BUILD_METRICS_DIR", "metrics").env("BUILD_METRICS_ALLOCATORS", switch);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let [record] = &place.records("metrics")[..] else { panic!("not one record") };
    (output, record.clone())
}

fn functions<'record>(record: &'record Value, path: &str) -> Vec<&'record str> {
    let phases = record["phases"].as_array().unwrap();
    let phase = phases.iter().find(|it| it["path"] == path).unwrap();
    let places = phase["top_allocators"].as_array().unwrap().iter();
    places.map(|it| it["function"].as_str().unwrap()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_program_with_debug_information_has_lines_and_no_hint() {
    let place = Place::new();
    let (output, record) = run(&place, TOOL.as_ref(), "16KiB");
    assert_eq!(said(&output), "");
    assert_eq!(record["allocators"]["debug_info"], true);
    assert_eq!(functions(&record, "grow"), ["sampled::grow"]);
    assert_eq!(record["phases"][0]["top_allocators"][0]["line"], 16);
}

#[test]
fn without_lines_the_function_is_named_and_one_hint_says_what_is_missing() {
    let place = Place::new();
    let Some(program) = stripped(&place, &["--strip-debug"]) else { return };
    let (output, record) = run(&place, &program, "16KiB");
    assert_eq!(functions(&record, "grow"), ["sampled::grow"]);
    assert_eq!(record["phases"][0]["top_allocators"][0].get("line"), None);
    assert_eq!(record["allocators"]["debug_info"], false);
    let said = said(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("line-tables-only"), "{said}");
}

#[test]
fn of_a_stripped_program_the_offset_in_its_file_is_told() {
    let place = Place::new();
    let Some(program) = stripped(&place, &["--strip-all"]) else { return };
    let (output, record) = run(&place, &program, "16KiB");
    for function in functions(&record, "boxes") {
        assert!(function.starts_with("tool+0x"), "{function}");
    }
    assert_eq!(record["allocators"]["debug_info"], false);
    assert_eq!(said(&output).lines().count(), 1);
}

#[test]
fn a_program_that_is_gone_from_the_disk_is_read_all_the_same() {
    let place = Place::new();
    let copy = copied(&place);
    let mut command = place.command(copy.to_str().unwrap());
    command
        .arg("remove-program")
        .env("BUILD_METRICS_DIR", "metrics")
        .env("BUILD_METRICS_ALLOCATORS", "16KiB");
    succeed(&mut command);
    assert!(!copy.exists());
    let record = &place.records("metrics")[0];
    assert_eq!(functions(record, "grow"), ["sampled::grow"]);
    assert_eq!(record["phases"][0]["top_allocators"][0]["line"], 16);
}

#[test]
fn the_switch_has_the_last_word_and_one_that_cannot_be_read_is_named() {
    let place = Place::new();
    let (output, record) = run(&place, TOOL.as_ref(), "off");
    assert_eq!((said(&output).as_str(), record.get("allocators")), ("", None));
    let place = Place::new();
    let (output, record) = run(&place, TOOL.as_ref(), "often");
    assert!(said(&output).contains("BUILD_METRICS_ALLOCATORS=\"often\""), "{output:?}");
    assert_eq!(record.get("allocators"), None);
    let place = Place::new();
    let (_, record) = run(&place, TOOL.as_ref(), "1");
    assert_eq!(record["allocators"]["sample_bytes"], 262_144);
}
