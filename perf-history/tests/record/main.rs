//! The record as JSON: what is written, in which order, and what is read back.
#![forbid(unsafe_code)]

#[path = "../records/mod.rs"]
mod records;
mod round_trip;

use std::collections::BTreeMap;

use perf_history::{BuildStats, Clock, Outcome, PhaseStats, field_names, is_reserved};
use records::{full_record, record};
use serde_json::{Value, json};

fn written(stats: &BuildStats) -> Value {
    serde_json::to_value(stats).unwrap()
}

fn read(value: &Value) -> Result<BuildStats, String> {
    serde_json::from_str(&value.to_string()).map_err(|error| error.to_string())
}

/// A small record in JSON, with some fields set to other values.
fn record_with(fields: &Value) -> Value {
    let mut value = written(&record("a"));
    let target = value.as_object_mut().unwrap();
    target.extend(fields.as_object().unwrap().clone());
    value
}

#[test]
fn a_record_with_every_field_reads_back_as_it_was() {
    let stats = full_record(0);
    assert_eq!(read(&written(&stats)), Ok(stats));
}

#[test]
fn the_fields_stand_in_their_documented_order_with_the_counts_before_their_list() {
    #[derive(serde::Deserialize)]
    struct Line(#[serde(deserialize_with = "keys")] Vec<String>);
    fn keys<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Vec<String>, D::Error> {
        struct Keys;
        impl<'de> serde::de::Visitor<'de> for Keys {
            type Value = Vec<String>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                    keys.push(key);
                }
                Ok(keys)
            }
        }
        value.deserialize_map(Keys)
    }

    let line = serde_json::to_string(&full_record(1)).unwrap();
    let Line(keys) = serde_json::from_str(&line).unwrap();
    let mut expected: Vec<&str> = field_names().to_vec();
    let list = expected.iter().position(|name| *name == "counts").unwrap();
    let counts = ["generated_pages", "regular_pages", "total_assets", "total_pages"];
    expected.splice(list..list, counts);
    assert_eq!(keys, expected);
    assert!(line.starts_with(r#"{"schema":1,"build_id":"0192b6e4"#));
    assert!(!line.contains('\n'));
}

#[test]
fn fifty_phases_with_every_field_set_take_at_most_36_kib() {
    let line = serde_json::to_string(&full_record(50)).unwrap();
    let stats: BuildStats = serde_json::from_str(&line).unwrap();
    assert_eq!(stats.phases.len(), 50);
    assert!(line.len() <= 36 << 10, "{} bytes", line.len());
}

#[test]
fn only_the_names_of_fields_are_reserved() {
    for name in [
        "schema",
        "counts",
        "phases",
        "clock",
        "unclaimed",
        "timeline",
        "allocators",
        "peak_phase",
        "labels",
    ] {
        assert!(is_reserved(name), "{name}");
    }
    for name in ["total_pages", "extra", "Schema", "schema ", ""] {
        assert!(!is_reserved(name), "{name}");
    }
}

#[test]
fn a_count_with_the_name_of_a_field_is_refused_with_that_name() {
    let mut stats = record("a");
    stats.counts.insert("alloc_count".to_owned(), 3);
    let error = serde_json::to_string(&stats).unwrap_err().to_string();
    assert!(error.contains("`alloc_count`"), "{error}");

    let error = read(&record_with(&json!({ "counts": ["tool"] }))).unwrap_err();
    assert!(error.contains("`tool`"), "{error}");
}

#[test]
fn counts_of_any_other_name_read_back_as_they_were() {
    let mut stats = record("a");
    for (count, name) in (0..).zip(["", "a/b", "\u{0}\n\"\\", "🦀", "Tool", "extra", "__proto__"])
    {
        stats.counts.insert(name.to_owned(), u64::MAX - count);
    }
    assert_eq!(read(&written(&stats)), Ok(stats));
}

#[test]
fn a_count_must_be_a_whole_number_and_may_be_missing() {
    for bad in [json!("83"), json!(-1), json!(1.5), json!(null), json!(1e30)] {
        let error = read(&record_with(&json!({ "pages": bad, "counts": ["pages"] }))).unwrap_err();
        assert!(error.contains("`pages`"), "{error}");
    }
    let stats = read(&record_with(&json!({ "counts": ["pages"] }))).unwrap();
    assert_eq!(stats.counts, BTreeMap::new());
}

#[test]
fn a_number_that_is_not_listed_as_a_count_is_kept_as_an_unknown_field() {
    let stats = read(&record_with(&json!({ "pages": 83, "modules": 4, "counts": ["modules"] })));
    let stats = stats.unwrap();
    assert_eq!(stats.counts, BTreeMap::from([("modules".to_owned(), 4)]));
    assert_eq!(stats.unknown_fields.get("pages"), Some(&83.into()));
    assert_eq!(written(&stats)["pages"], 83);
}

#[test]
fn numbers_that_are_not_finite_are_left_out() {
    let mut stats = full_record(1);
    stats.memory_rss_mb = Some(f64::NAN);
    stats.overhead_ms = Some(f64::INFINITY);
    stats.phase_timings_ms.insert("odd".to_owned(), f64::NEG_INFINITY);
    stats.phases[0].total_ms = f64::NAN;
    stats.phases[0].max_ms = Some(f64::INFINITY);
    stats.unattributed.as_mut().unwrap().build_thread_ms = f64::NAN;
    let value = written(&stats);
    assert!(!value.to_string().contains("null"));
    assert_eq!(value.get("memory_rss_mb"), None);
    assert_eq!(value.get("overhead_ms"), None);
    assert_eq!(value["phase_timings_ms"].get("odd"), None);
    assert_eq!(value["phases"][0].get("total_ms"), None);
    assert_eq!(value["phases"][0].get("max_ms"), None);
    assert_eq!(value["unattributed"].get("build_thread_ms"), None);

    let back = read(&value).unwrap();
    assert_eq!(back.memory_rss_mb, None);
    assert_eq!(back.phases[0].total_ms.to_bits(), 0.0_f64.to_bits());
    assert_eq!(back.phases[0].max_ms, None);
}

#[test]
fn a_build_time_that_is_not_finite_cannot_be_written() {
    for time in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut stats = record("a");
        stats.build_time_ms = time;
        let error = serde_json::to_string(&stats).unwrap_err().to_string();
        assert!(error.contains("build_time_ms"), "{error}");
    }
}

#[test]
fn counters_of_a_phase_that_are_0_are_left_out_and_read_back_as_0() {
    let mut stats = record("a");
    stats.alloc_count = Some(0);
    let mut memory = PhaseStats::new("render");
    memory.build_thread_ms = Some(0.0);
    memory.alloc_count = Some(0);
    memory.alloc_bytes = Some(0);
    memory.freed_count = Some(0);
    memory.freed_bytes = Some(0);
    memory.realloc_count = Some(0);
    memory.net_bytes = Some(0);
    memory.peak_bytes = Some(0);
    memory.process_peak_bytes = Some(0);
    memory.self_alloc_count = Some(0);
    memory.self_alloc_bytes = Some(0);
    stats.phases = vec![memory.clone(), {
        let mut phase = memory;
        phase.build_thread_ms = None;
        phase.process_peak_bytes = None;
        phase
    }];
    let value = written(&stats);
    assert_eq!(value["alloc_count"], 0);
    let always = json!({
        "path": "render", "total_ms": 0.0, "self_ms": 0.0, "build_thread_ms": 0.0, "elapsed_ms": 0.0,
        "started_ms": 0.0, "process_peak_bytes": 0
    });
    assert_eq!(value["phases"][0], always);
    assert_eq!(read(&value), Ok(stats));
}

#[test]
fn what_was_retained_is_0_where_it_was_sampled_and_left_out_and_else_unknown() {
    let phase = json!({ "path": "render", "retained_bytes_high": 7 });
    let sampled = json!({ "allocators": { "sample_bytes": 262_144 }, "phases": [phase] });
    let stats = read(&record_with(&sampled)).unwrap();
    let phase = &stats.phases[0];
    let estimates = [phase.retained_bytes, phase.retained_bytes_low, phase.retained_bytes_high];
    assert_eq!(estimates, [Some(0), Some(0), Some(7)]);
    assert_eq!(phase.top_allocators, []);
    assert_eq!(written(&stats)["phases"][0].get("retained_bytes"), None);
    assert_eq!(written(&stats)["phases"][0].get("top_allocators"), None);
    assert_eq!(stats.allocators.unwrap().debug_info, None);

    let stats = read(&record_with(&json!({ "phases": [{ "path": "render" }] }))).unwrap();
    assert_eq!((stats.phases[0].retained_bytes, stats.allocators), (None, None));
}

#[test]
fn without_the_allocator_the_memory_of_a_phase_is_unknown_and_not_0() {
    let value = record_with(&json!({ "phases": [{ "path": "render", "calls": 2 }] }));
    let phase = &read(&value).unwrap().phases[0];
    assert_eq!(phase.calls, 2);
    assert_eq!(phase.open_calls, 0);
    let mut unknown = PhaseStats::new("render");
    unknown.calls = 2;
    assert_eq!(*phase, unknown);
}

#[test]
fn fields_in_any_order_read_the_same() {
    let stats = full_record(3);
    // A `Value` sorts its keys.
    let sorted = serde_json::to_string(&written(&stats)).unwrap();
    assert!(sorted.starts_with(r#"{"alloc_bytes""#));
    let in_order = serde_json::to_string(&stats).unwrap();
    assert_eq!(
        serde_json::from_str::<BuildStats>(&sorted).unwrap(),
        serde_json::from_str::<BuildStats>(&in_order).unwrap()
    );
}

#[test]
fn unknown_fields_are_kept_at_every_level() {
    let mut value = written(&full_record(2));
    let unknown = json!({ "deep": [1, { "er": null }], "wide": 1.5 });
    for pointer in [
        "",
        "/phases/1",
        "/unattributed",
        "/unclaimed",
        "/timeline",
        "/allocators",
        "/phases/0/top_allocators/0",
        "/system",
        "/noise",
        "/git",
        "/ci",
    ] {
        let object = value.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        object.insert("from_tomorrow".to_owned(), unknown.clone());
    }
    assert_eq!(written(&read(&value).unwrap()), value);
}

#[test]
fn damage_to_a_record_of_this_version_makes_it_unreadable() {
    for damage in [
        json!({ "schema": 0 }),
        json!({ "schema": "1" }),
        json!({ "schema": -1 }),
        json!({ "schema": null }),
        json!({ "build_id": 7 }),
        json!({ "timestamp": null }),
        json!({ "outcome": "odd" }),
        json!({ "build_time_ms": "412" }),
        json!({ "memory_rss_mb": "114" }),
        json!({ "alloc_count": -1 }),
        json!({ "alloc_count": 1.5 }),
        json!({ "phases": {} }),
        json!({ "phases": [{ "calls": 1 }] }),
        json!({ "phases": [{ "path": "a", "calls": null }] }),
        json!({ "phases": ["a"] }),
        json!({ "phase_timings_ms": { "a": "1" } }),
        json!({ "labels": { "a": 1 } }),
        json!({ "git": "main" }),
        json!({ "timeline": true }),
        json!({ "timeline": { "intervals": -1 } }),
        json!({ "peak_phase": ["render"] }),
        json!({ "allocators": 1 }),
        json!({ "allocators": { "samples": -1 } }),
        json!({ "phases": [{ "path": "a", "top_allocators": {} }] }),
        json!({ "phases": [{ "path": "a", "top_allocators": [{ "line": 1 }] }] }),
        json!({ "phases": [{ "path": "a", "top_allocators": [{ "function": "f", "line": "1" }] }] }),
        json!({ "counts": { "a": 1 } }),
    ] {
        assert!(read(&record_with(&damage)).is_err(), "{damage}");
    }
    for required in ["build_id", "timestamp", "tool", "outcome", "build_time_ms"] {
        let mut value = record_with(&json!({}));
        value.as_object_mut().unwrap().remove(required);
        let error = read(&value).unwrap_err();
        assert!(error.contains(required), "{error}");
    }
}

#[test]
fn a_field_that_comes_twice_makes_a_record_unreadable() {
    let line = serde_json::to_string(&record("a")).unwrap();
    for (once, twice) in [
        (r#""tool":"my-site""#, r#""tool":"my-site","tool":"other""#),
        (r#""schema":1"#, r#""schema":1,"schema":1"#),
        (r#""labels":{}"#, r#""labels":{"a":"b","a":"c"}"#),
        (r#""phases":[]"#, r#""phases":[{"path":"a","path":"b"}]"#),
        (r#""phases":[]"#, r#""phases":[{"path":"a","x":1,"x":2}]"#),
        (r#""counts":[]"#, r#""counts":["n"],"n":1,"n":2"#),
        (r#""phase_timings_ms":{}"#, r#""phase_timings_ms":{"a":1,"a":2}"#),
    ] {
        let line = line.replace(once, twice);
        assert!(line.contains(twice));
        let error = serde_json::from_str::<BuildStats>(&line).unwrap_err();
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_understood_and_written_back_whole() {
    let later = json!({
        "schema": 2,
        "build_id": "b",
        "timestamp": "2030-01-01T00:00:00Z",
        "tool": "my-site",
        "tool_version": { "major": 3 },
        "outcome": { "kind": "cancelled" },
        "build_time_ms": 7.5,
        "clock": "tai",
        "counts": ["pages", "files"],
        "pages": 12,
        "files": { "changed": 3 },
        "alloc_count": 9,
        "phase_timings_ms": { "render": [1, 2] },
        "phases": [
            { "path": "render", "calls": { "hot": 3 }, "total_ms": 5.5, "self_ms": [1],
              "elapsed_ms": 5.5, "started_ms": 0.5, "alloc_bytes": "many", "colour": "red",
              "retained_bytes": { "mean": 4 },
              "top_allocators": [{ "function": "f", "alloc_bytes": 5, "alloc_bytes_low": 4,
                                   "alloc_bytes_high": 6, "samples": 1, "line": [1, 9] }] }
        ],
        "allocators": { "sample_bytes": 1, "samples": 2, "dropped": 0, "debug_info": "split" },
        "timeline": { "intervals": 3, "dropped": "none", "file": "x" },
        "git": { "commit": "abc", "dirty": "submodules", "remote": "origin" },
        "ci": ["github"],
        "profile": "bench",
        "labels": { "a": "b" },
        "novel": true
    });
    let stats = read(&later).unwrap();
    assert_eq!(stats.schema, 2);
    assert_eq!(stats.build_time_ms.to_bits(), 7.5_f64.to_bits());
    assert_eq!(stats.tool_version, None);
    assert_eq!(stats.outcome, Outcome::Failed);
    assert_eq!(stats.clock, Some(Clock::Suspect));
    assert_eq!(stats.counts, BTreeMap::from([("pages".to_owned(), 12)]));
    assert_eq!(stats.phase_timings_ms, BTreeMap::new());
    assert_eq!(stats.profile, None);
    assert_eq!(stats.ci, None);
    assert_eq!(stats.labels["a"], "b");
    let phase = stats.phase("render").unwrap();
    assert_eq!(phase.calls, 0);
    assert_eq!(phase.total_ms.to_bits(), 5.5_f64.to_bits());
    assert_eq!(phase.alloc_count, Some(0));
    assert_eq!(phase.alloc_bytes, None);
    assert_eq!((phase.retained_bytes, phase.retained_bytes_low), (None, Some(0)));
    let [place] = &phase.top_allocators[..] else { panic!("{phase:?}") };
    assert_eq!((place.alloc_bytes, place.line), (5, None));
    let timeline = stats.timeline.as_ref().unwrap();
    assert_eq!((timeline.intervals, timeline.dropped), (3, 0));
    assert_eq!(timeline.unknown_fields.get("dropped"), Some(&"none".into()));
    let git = stats.git.as_ref().unwrap();
    assert_eq!(git.commit.as_deref(), Some("abc"));
    assert_eq!(git.dirty, None);
    assert_eq!(git.unknown_fields.get("remote"), Some(&"origin".into()));

    let mut expected = later;
    expected["counts"] = json!(["pages"]);
    assert_eq!(written(&stats), expected);
}

#[test]
fn a_later_version_without_a_readable_identity_or_time_is_unreadable() {
    for (field, value) in [
        ("build_id", json!(7)),
        ("timestamp", json!(1_795_424_160)),
        ("tool", json!({ "name": "my-site" })),
        ("build_time_ms", json!({ "median": 7.5 })),
    ] {
        let error = read(&record_with(&json!({ "schema": 2, field: value }))).unwrap_err();
        assert!(error.contains(field), "{error}");
    }
    // A phase that has no path any more takes the whole list along.
    let value = record_with(&json!({ "schema": 2, "phases": [{ "path": ["a"] }] }));
    let stats = read(&value).unwrap();
    assert_eq!(stats.phases, []);
    assert_eq!(written(&stats), value);
}

#[test]
fn a_record_that_was_read_in_no_format_is_written_in_this_one() {
    let mut stats = record("a");
    stats.schema = 0;
    assert_eq!(written(&stats)["schema"], 1);
}
