//! The record of a real process: every field of the contract that this machine can give, each with
//! its type and a plausible value, and no other field.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::time::SystemTime;

use contract_tests::programs::{Place, succeed};
use perf_runtime::BuildStats;
use serde_json::{Value, json};

use crate::{ENDINGS, tool};

/// The top level, in the order of the contract, and then the user's counts. `clock` and `unclaimed`
/// are not in every record.
const FIELDS: &str = "schema build_id timestamp tool tool_version outcome build_time_ms cpu_user_ms \
    cpu_system_ms parallel incremental skipped counts memory_rss_mb memory_start_rss_mb \
    memory_heap_mb memory_peak_mb memory_peak_rss_mb alloc_count alloc_bytes phase_timings_ms phases \
    unattributed overhead_ms rust_version platform system noise git ci profile labels total_pages \
    regular_pages total_assets generated_pages";

/// Integers of a phase.
const COUNTERS: &str = "calls open_calls threads polls items panics cancelled alloc_count alloc_bytes \
    freed_count freed_bytes realloc_count net_bytes peak_bytes process_peak_bytes self_alloc_count \
    self_alloc_bytes";

/// Milliseconds of a phase.
const TIMES: &str = "total_ms self_ms build_thread_ms build_thread_self_ms elapsed_ms started_ms \
    latency_ms min_ms p50_ms p95_ms p99_ms max_ms";

fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split_whitespace()
}

/// The record of a tool that uses every feature, in a checkout and a CI job.
fn full_record(place: &Place) -> Value {
    let mut command = tool(place, "everything");
    command.envs([("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "99")]);
    command.envs([("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_REF", "refs/pull/7/merge")]);
    command.envs([("GITHUB_HEAD_REF", "topic"), ("GITHUB_BASE_REF", "main")]);
    // The test does not depend on how soon git answers.
    for _ in 0..8 {
        succeed(&mut command);
        let record = place.newest_record();
        if record["git"].get("dirty").is_some() {
            return record;
        }
    }
    panic!("git answers within seconds");
}

#[track_caller]
fn number(object: &Value, name: &str) -> f64 {
    object[name].as_f64().unwrap_or_else(|| panic!("{name} is not a number in {object}"))
}

#[track_caller]
fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_record_has_every_field_of_the_contract_and_no_other() {
    let Some(place) = Place::checkout() else { return };
    let commit = place.git(&["rev-parse", "HEAD"]);
    let before = SystemTime::now();
    let record = full_record(&place);
    assert_eq!(keys(&record), names(FIELDS).collect());

    let expected = json!({
        "schema": 1, "tool": "everything", "tool_version": env!("CARGO_PKG_VERSION"),
        "outcome": "success", "parallel": true, "incremental": true, "skipped": false,
        "total_pages": 83, "regular_pages": 70, "generated_pages": 13, "total_assets": 240,
        "counts": ["generated_pages", "regular_pages", "total_assets", "total_pages"],
        "platform": "linux", "labels": { "run": "nightly" },
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        "git": { "commit": commit, "branch": "topic", "dirty": false },
        "ci": {
            "provider": "github-actions", "run_id": "99", "change_id": "7", "base_branch": "main",
        },
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name}");
    }
    let stats: BuildStats = serde_json::from_value(record.clone()).unwrap();
    let started = stats.started_at().unwrap();
    assert!(started >= before - std::time::Duration::from_millis(1), "{}", stats.timestamp);
    assert!(started <= SystemTime::now(), "{}", stats.timestamp);
    assert!(stats.timestamp.ends_with('Z'), "{}", stats.timestamp);
    assert!(record["rust_version"].as_str().unwrap().starts_with("1."), "{record}");

    // Fifty phases that each slept for 25 ms, on one of several processors.
    let build_time = number(&record, "build_time_ms");
    assert!(build_time >= 50.0 * 25.0, "{build_time}");
    for name in ["cpu_user_ms", "cpu_system_ms", "overhead_ms"] {
        assert!(number(&record, name) >= 0.0 && number(&record, name) < build_time, "{name}");
    }
    // What fifty phases keep is 4 MiB each at least.
    for name in ["memory_rss_mb", "memory_heap_mb", "memory_peak_mb", "memory_peak_rss_mb"] {
        assert!((200.0..10_000.0).contains(&number(&record, name)), "{name} in {record}");
    }
    assert!(number(&record, "memory_peak_mb") >= number(&record, "memory_heap_mb"));
    let at_the_start = number(&record, "memory_start_rss_mb");
    assert!(at_the_start > 0.0 && at_the_start < number(&record, "memory_rss_mb"));
    assert!(number(&record, "memory_peak_rss_mb") >= number(&record, "memory_rss_mb"));
    assert!(record["alloc_count"].as_u64().unwrap() >= 50 * 10, "{record}");
    assert!(record["alloc_bytes"].as_u64().unwrap() >= 50 * 5 * 1_234_567, "{record}");

    let system = &record["system"];
    assert_eq!(
        keys(system),
        ["os", "os_version", "arch", "cpu_model", "cores", "memory_mb"].into()
    );
    assert_eq!((&system["os"], &system["arch"]), (&json!("linux"), &json!(std::env::consts::ARCH)));
    assert!(system["cores"].as_u64().unwrap() >= 1 && number(system, "memory_mb") > 16.0);
    let noise = &record["noise"];
    let disturbances = ["involuntary_context_switches", "major_page_faults"];
    assert_eq!(keys(noise), disturbances.into_iter().chain(["load_average"]).collect());
    assert!(disturbances.iter().all(|name| noise[name].is_u64()), "{noise}");
    assert!(number(noise, "load_average") >= 0.0);
    let outside = &record["unattributed"];
    let counters = ["alloc_count", "alloc_bytes", "freed_count", "freed_bytes", "realloc_count"];
    assert!(counters.iter().all(|name| outside.get(name).is_none_or(Value::is_u64)), "{outside}");
    assert!(number(outside, "build_thread_ms") > 0.0 && outside["net_bytes"].is_i64(), "{outside}");
}

#[test]
fn a_phase_that_did_everything_has_every_field_and_fifty_without_places_fit_into_32_kib() {
    let Some(place) = Place::checkout() else { return };
    let record = full_record(&place);
    let phases = record["phases"].as_array().unwrap();
    assert_eq!(phases.len(), 50);
    let fields: BTreeSet<_> =
        names(COUNTERS).chain(names(TIMES)).chain(names("path file line rss_delta_mb")).collect();
    for phase in phases {
        assert_eq!(keys(phase), fields, "{phase}");
        assert!(
            names(COUNTERS).all(|name| phase[name].is_i64() || phase[name].is_u64()),
            "{phase}"
        );
        assert!(names(TIMES).all(|name| number(phase, name) >= 0.0), "{phase}");
        // Calls that returned on two threads, panicked and were cancelled, and an open one.
        for (name, count) in [("calls", 4), ("open_calls", 1), ("polls", 5), ("threads", 2)] {
            assert_eq!(phase[name], count, "{name} of {phase}");
        }
        assert_eq!((&phase["panics"], &phase["cancelled"]), (&json!(1), &json!(1)));
        assert_eq!(phase["items"], 5 * 12_345);
        let file = phase["file"].as_str().unwrap();
        assert!(file.ends_with("everything.rs") && phase["line"].is_u64(), "{phase}");
        assert!(
            number(phase, "max_ms") >= 25.0 && number(phase, "build_thread_ms") >= 25.0,
            "{phase}"
        );
        let percentiles = ["min_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"];
        assert!(percentiles.is_sorted_by_key(|name| number(phase, name)), "{phase}");
        let difference =
            |one: &str, other: &str| phase[one].as_i64().unwrap() - phase[other].as_i64().unwrap();
        assert_eq!(phase["net_bytes"], difference("alloc_bytes", "freed_bytes"), "{phase}");
    }
    // Parents before their children, siblings in the order of their first entry.
    let paths: Vec<_> = phases.iter().map(|phase| phase["path"].as_str().unwrap()).collect();
    assert_eq!(paths[..2], ["discover_sources", "discover_sources/read_directory"]);
    assert_eq!(paths[49], "write_outputs/record_manifest");
    let timings = record["phase_timings_ms"].as_object().unwrap();
    let top: Vec<_> = (0..50).filter(|&index| !paths[index].contains('/')).collect();
    assert_eq!((timings.len(), top.len()), (5, 5));
    for index in top {
        assert_eq!(timings[paths[index]], phases[index]["build_thread_ms"]);
    }
    // The size of a place depends on the path of the tool's source, and is not part of the limit.
    let place_size =
        |phase: &Value| format!(r#","file":{},"line":{}"#, phase["file"], phase["line"]).len();
    let place_sizes: usize = phases.iter().map(place_size).sum();
    let history = fs::read_to_string(place.path(".build-metrics/history.jsonl")).unwrap();
    for line in history.lines() {
        let size = line.len() - place_sizes;
        assert!(size <= 32 << 10, "{size} bytes and {place_sizes} of places");
    }
}

#[test]
fn a_record_is_valid_by_the_schema_and_adds_up() {
    let place = Place::new();
    succeed(&mut tool(&place, "everything"));
    let record = place.newest_record();
    let schema = include_str!("../../../perf-history/schema/build-stats.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::options().build(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
    assert_eq!(errors, <[&str; 0]>::default());

    let phases = record["phases"].as_array().unwrap();
    for (of_phase, of_build) in
        [("self_alloc_count", "alloc_count"), ("self_alloc_bytes", "alloc_bytes")]
    {
        let sum: u64 = phases.iter().filter_map(|phase| phase[of_phase].as_u64()).sum();
        let outside = record["unattributed"][of_build].as_u64().unwrap();
        assert_eq!(record[of_build], sum + outside, "{of_build}");
    }
    let in_phases: f64 = phases.iter().map(|phase| number(phase, "build_thread_self_ms")).sum();
    let sum = in_phases + number(&record["unattributed"], "build_thread_ms");
    let build_time = number(&record, "build_time_ms");
    // Numbers are written with six digits.
    assert!((sum - build_time).abs() <= build_time * 1e-4, "{sum} ≠ {build_time}");
}

#[test]
fn the_newest_record_is_in_latest_json() {
    let place = Place::new();
    for _ in 0..2 {
        let input = place.path("pages");
        fs::write(&input, "one\ntwo\nthree\n").unwrap();
        let mut command = tool(&place, "annotated");
        succeed(command.arg("succeed").stdin(fs::File::open(input).unwrap()));
    }
    let records = place.records(".build-metrics");
    assert_eq!(records.len(), 2);
    let latest = fs::read_to_string(place.path(".build-metrics/latest.json")).unwrap();
    let latest: Value = serde_json::from_str(&latest).unwrap();
    assert_eq!(latest, records[1]);
    let field =
        |path: &str| latest.pointer(path).unwrap_or_else(|| panic!("no {path} in {latest}"));
    assert_eq!(field("/total_pages"), 3);
    assert!(field("/memory_rss_mb").as_f64().unwrap() > 0.0);
    assert!(field("/phase_timings_ms/render").as_f64().unwrap() > 0.0);
    assert_eq!(field("/phases/1/path"), "render");
    assert_eq!(field("/phases/1/items"), 3);
}

#[test]
fn the_outcome_is_how_the_annotated_function_ended() {
    let place = Place::new();
    for (ending, code, outcome) in ENDINGS {
        let output = tool(&place, "annotated").arg(ending).output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let record = place.newest_record();
        assert_eq!(record["outcome"], outcome);
        assert!(record.get("incremental").is_none() && record.get("parallel").is_none());
        assert_eq!(record.get("total_pages").is_some(), ending == "succeed");
    }
    assert_eq!(place.records(".build-metrics").len(), 3);
}

#[test]
fn ids_of_processes_that_build_at_once_are_unique_and_sort_by_time() {
    let place = Place::new();
    for _ in 0..4 {
        let mut children: Vec<_> = (0..6)
            .map(|_| {
                let mut command = tool(&place, "annotated");
                command.arg("succeed").stdout(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for child in &mut children {
            assert!(child.wait().unwrap().success());
        }
    }
    let mut records = place.records(".build-metrics");
    assert_eq!(records.len(), 24);
    records.sort_by_key(|record| record["build_id"].to_string());
    let strings = |field| records.iter().map(move |record| record[field].as_str().unwrap());
    let ids: BTreeSet<_> = strings("build_id").collect();
    assert_eq!(ids.len(), 24);
    for id in &ids {
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "{id}");
    }
    assert!(strings("timestamp").is_sorted(), "{records:?}");
}
