//! A tool that did not install the tracking allocator is told so once: by who is asked whether all is
//! in order, and not by its builds.
#![forbid(unsafe_code)]

mod tool;

use std::time::{Duration, UNIX_EPOCH};

use clap::{CommandFactory, Parser};
use perf_cli::{Console, ExitStatus, PerfArgs, Program};
use tool::{Place, succeed};

const HINT: &str = "make TrackingAllocator::system() the tool's #[global_allocator]";

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: PerfArgs,
}

/// What the command line says of the records that `program` left, after as many builds.
fn said(program: &str, builds: usize, command: &str) -> String {
    let place = Place::new();
    for _ in 0..builds {
        // What it says on standard error would be seen.
        succeed(place.command(program).arg("succeed"));
    }
    assert_eq!(place.records(".build-metrics").len(), builds);
    let line = Line::try_parse_from(["buildperf", command]).unwrap();
    let dir = place.path(".build-metrics");
    let program = Program::new("buildperf", Line::command()).with_dir(dir).with_switch(None);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = perf_cli::run_on(
        &line.args,
        &program,
        &mut Console::new(&mut out, &mut err)
            .with_width(200)
            .with_now(UNIX_EPOCH + Duration::from_hours(498_745)),
    );
    assert_eq!(exit, ExitStatus::Success, "{}", String::from_utf8_lossy(&err));
    String::from_utf8(out).unwrap()
}

#[test]
fn the_doctor_says_once_that_memory_is_not_measured_and_what_to_do() {
    let without = said(env!("CARGO_BIN_EXE_without_allocator"), 3, "doctor");
    assert_eq!(without.matches("memory was not measured").count(), 1, "{without}");
    assert_eq!(without.matches(HINT).count(), 1, "{without}");
    assert_eq!(without.matches("global_allocator").count(), 1, "{without}");
    let with = said(env!("CARGO_BIN_EXE_annotated"), 1, "doctor");
    assert!(!with.contains("global_allocator"), "{with}");
}

#[test]
fn a_build_is_shown_without_memory_rather_than_with_none() {
    let without = said(env!("CARGO_BIN_EXE_without_allocator"), 1, "show");
    let with = said(env!("CARGO_BIN_EXE_annotated"), 1, "show");
    for word in ["peak heap", "allocated", "heap at the end", "peak KiB"] {
        assert!(with.contains(word), "{word} is not in {with}");
        assert!(!without.contains(word), "{word} is in {without}");
    }
    assert!(without.contains("RSS"), "{without}");
}
