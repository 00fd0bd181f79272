//! The records of the Python model, read as builds of its tool.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use perf_history::{BuildStats, History, Outcome};
use serde_json::Value;

const HISTORY: &str = include_str!("data/bengal-history.jsonl");

fn read(line: &str) -> Result<BuildStats, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}

#[test]
fn a_history_of_the_model_reads_whole() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("history.jsonl"), HISTORY).unwrap();
    let history = History::open(dir.path());
    let records = history.iter().map(|entry| entry.unwrap().into_record().unwrap());
    assert_eq!(records.count(), 47);
    assert_eq!(history.last(1000).unwrap().len(), 47);
    let ids: BTreeSet<_> =
        history.last(47).unwrap().into_iter().map(|stats| stats.build_id).collect();
    assert_eq!(ids.len(), 47);
}

#[test]
fn each_value_of_each_record_is_where_it_belongs() {
    for line in HISTORY.lines() {
        let model: Value = serde_json::from_str(line).unwrap();
        let stats = read(line).unwrap();
        assert_eq!(stats.tool, "bengal");
        assert_eq!(stats.outcome, Outcome::Success);
        assert_eq!(stats.timestamp, model["timestamp"]);
        assert_eq!(stats.platform.as_deref(), model["platform"].as_str());
        assert_eq!(stats.unknown_fields.iter().count(), 1);
        assert_eq!(stats.unknown_fields.get("python_version"), Some(&model["python_version"]));
        assert_eq!(Some(stats.build_time_ms), model["build_time_ms"].as_f64());
        assert_eq!(stats.parallel, model["parallel"].as_bool());
        assert_eq!(stats.incremental, model["incremental"].as_bool());
        assert_eq!(stats.skipped, model["skipped"].as_bool());
        assert_eq!(stats.memory_rss_mb, model["memory_rss_mb"].as_f64());
        assert_eq!(stats.memory_heap_mb, model["memory_heap_mb"].as_f64());
        assert_eq!(stats.memory_peak_mb, model["memory_peak_mb"].as_f64());

        let counts = [
            "generated_pages",
            "regular_pages",
            "taxonomies_count",
            "total_assets",
            "total_pages",
            "total_sections",
        ];
        assert!(stats.counts.keys().eq(counts));
        for name in counts {
            assert_eq!(Some(stats.counts[name]), model[name].as_u64());
        }

        let phases = ["discovery", "taxonomy", "rendering", "assets", "postprocess"];
        assert!(stats.phases.iter().map(|phase| &phase.path).eq(phases));
        assert_eq!(stats.phase_timings_ms.len(), phases.len());
        for name in phases {
            let time = model[format!("{name}_time_ms")].as_f64().unwrap();
            let phase = stats.phase(name).unwrap();
            assert_eq!(stats.phase_timings_ms[name].to_bits(), time.to_bits());
            assert_eq!(phase.build_thread_ms, Some(time));
            assert_eq!(phase.total_ms.to_bits(), time.to_bits());
            assert_eq!(phase.calls, 1);
            assert_eq!(phase.alloc_count, None);
        }
    }
}

#[test]
fn a_naive_time_stamp_is_taken_as_utc_and_names_the_build() {
    let stats = read(HISTORY.lines().next().unwrap()).unwrap();
    assert_eq!(stats.timestamp, "2025-10-09T21:51:25.788517");
    assert_eq!(stats.build_id, "bengal-20251009T215125788517");
    let expected = SystemTime::UNIX_EPOCH + Duration::from_micros(1_760_046_685_788_517);
    assert_eq!(stats.started_at(), Some(expected));
}

#[test]
fn a_record_of_the_model_can_be_appended_to_a_history_of_this_format() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::open(dir.path());
    let mut stats = read(HISTORY.lines().next().unwrap()).unwrap();
    history.append(&stats).unwrap();
    let back = history.latest().unwrap().unwrap();
    // What is written is of this format, and rounded.
    stats.schema = 1;
    assert_eq!(back.build_id, stats.build_id);
    assert_eq!(back.counts, stats.counts);
    assert_eq!(back.unknown_fields, stats.unknown_fields);
    assert_eq!(back.memory_rss_mb, Some(114.328));
    assert_eq!(back.phases.len(), 5);
    assert_eq!(back.schema, 1);
}

#[test]
fn what_has_neither_a_schema_nor_the_fields_of_the_model_is_no_record() {
    for (line, complaint) in [
        ("{}", "timestamp"),
        (r#"{"timestamp":"2025-10-09T21:51:25"}"#, "build_time_ms"),
        (r#"{"build_time_ms":1.5}"#, "timestamp"),
        (r#"{"timestamp":7,"build_time_ms":1.5}"#, "timestamp"),
        (r#"{"timestamp":"2025","build_time_ms":1.5,"build_time_ms":2}"#, "duplicate"),
        (r#"{"build_id":"a","timestamp":"2025","build_time_ms":1.5}"#, "schema"),
        (r#"{"timestamp":"2025","build_time_ms":1.5,"skipped":0}"#, "skipped"),
    ] {
        let error = read(line).unwrap_err();
        assert!(error.contains(complaint), "{line}: {error}");
    }
}

#[test]
fn what_the_model_did_not_write_is_kept() {
    let line = r#"{"timestamp":"2025","build_time_ms":1.5,"tool":"x","phases":3,
        "odd_time_ms":"soon","note":"n","share":0.5,"minus":-1,"seen":9}"#;
    let stats = read(line).unwrap();
    assert_eq!(stats.tool, "bengal");
    assert_eq!(stats.counts.len(), 1);
    assert_eq!(stats.counts["seen"], 9);
    assert!(stats.phases.is_empty());
    let kept: Vec<_> = stats.unknown_fields.iter().map(|(name, _)| name).collect();
    assert_eq!(kept, ["minus", "note", "odd_time_ms", "phases", "share", "tool"]);
}
