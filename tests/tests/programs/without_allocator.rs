//! A tool without the tracking allocator: its records have no heap fields, and `buildperf doctor` says why.

use std::time::{Duration, UNIX_EPOCH};

use clap::{CommandFactory, Parser};
use contract_tests::programs::{Place, succeed};
use perf_cli::{Console, ExitStatus, PerfArgs, Program};
use serde_json::{Value, json};

use crate::{BUILD_TOOL, WITHOUT_ALLOCATOR};

const HINT: &str = "make TrackingAllocator::system() the tool's #[global_allocator]";

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: PerfArgs,
}

/// What a command of `buildperf` prints about the records of some builds of `program`.
fn printed(program: &str, builds: usize, command: &str) -> String {
    let place = Place::new();
    for _ in 0..builds {
        // Nothing is written to standard error.
        succeed(place.command(program).args(["annotated", "succeed"]));
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
fn doctor_says_once_that_memory_is_not_measured_and_what_to_do() {
    let without = printed(WITHOUT_ALLOCATOR, 3, "doctor");
    assert_eq!(without.matches("memory was not measured").count(), 1, "{without}");
    assert_eq!(without.matches(HINT).count(), 1, "{without}");
    assert_eq!(without.matches("global_allocator").count(), 1, "{without}");
    let with = printed(BUILD_TOOL, 1, "doctor");
    assert!(!with.contains("global_allocator"), "{with}");
}

#[test]
fn show_leaves_out_memory_that_was_not_measured() {
    let without = printed(WITHOUT_ALLOCATOR, 1, "show");
    let with = printed(BUILD_TOOL, 1, "show");
    for word in ["peak heap", "allocated", "heap at the end", "peak KiB"] {
        assert!(with.contains(word), "{word} is not in {with}");
        assert!(!without.contains(word), "{word} is in {without}");
    }
    assert!(without.contains("RSS"), "{without}");
}

/// The names of all fields at any depth, and whether any of them is null.
fn fields(value: &Value, names: &mut Vec<String>) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().filter(|value| fields(value, names)).count() > 0,
        Value::Object(map) => {
            names.extend(map.keys().cloned());
            map.values().filter(|value| fields(value, names)).count() > 0
        }
        _ => false,
    }
}

#[test]
fn heap_fields_are_absent_and_not_zero() {
    let place = Place::new();
    assert_eq!(succeed(&mut place.command(WITHOUT_ALLOCATOR)), "2000\n");
    let record = &place.newest_record();
    let mut names = Vec::new();
    assert!(!fields(record, &mut names), "there is a null in {record}");
    for name in &names {
        let of_memory = ["alloc", "freed", "net_bytes", "peak_bytes", "heap", "unclaimed"];
        assert!(!of_memory.iter().any(|part| name.contains(part)), "{name} is in {record}");
        assert_ne!(name, "memory_peak_mb");
    }
    // The rest is there.
    let [render] = &record["phases"].as_array().unwrap()[..] else { panic!("{record}") };
    assert_eq!((&render["calls"], &render["threads"]), (&json!(2), &json!(2)));
    assert!(render["build_thread_ms"].as_f64().unwrap() >= 40.0, "{render}");
    assert!(record["unattributed"]["build_thread_ms"].as_f64().unwrap() >= 40.0, "{record}");
    let times =
        ["total_ms", "self_ms", "build_thread_self_ms", "elapsed_ms", "started_ms", "p50_ms"];
    for name in times.into_iter().chain(["path"]) {
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
fn the_resident_set_is_recorded() {
    let place = Place::new();
    succeed(&mut place.command(WITHOUT_ALLOCATOR));
    let record = &place.newest_record();
    assert!(record["memory_rss_mb"].as_f64().unwrap() > 0.0, "{record}");
    assert!(record["phases"][0]["rss_delta_mb"].is_f64(), "{record}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_peak_of_the_resident_set_is_not_that_of_the_process_that_started_the_tool() {
    // 200 MiB, all of them touched.
    let large = std::hint::black_box(vec![1_u8; 200 << 20]);
    let place = Place::new();
    succeed(&mut place.command(WITHOUT_ALLOCATOR));
    drop(large);
    let record = &place.newest_record();
    let peak = record["memory_peak_rss_mb"].as_f64().unwrap();
    assert!(peak >= record["memory_rss_mb"].as_f64().unwrap(), "{record}");
    assert!(peak < 100.0, "{record}");
}
