//! The JSON Schema that is checked in: made from the types, and true of what is written.
#![forbid(unsafe_code)]

mod records;

use perf_history::json_schema;
use records::{full_record, record};
use serde_json::{Value, json};

const CHECKED_IN: &str = include_str!("../schema/build-stats.schema.json");

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(CHECKED_IN).unwrap();
    jsonschema::draft202012::options().build(&schema).unwrap()
}

#[test]
fn the_schema_checked_in_is_the_one_that_the_types_make() {
    let made = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    assert!(
        made == CHECKED_IN,
        "the types changed; run\n  cargo run -p perf-history --features schema \
         --example print_schema > perf-history/schema/build-stats.schema.json"
    );
}

#[test]
fn what_is_written_is_valid() {
    let validator = validator();
    let mut sparse = record("a");
    sparse.phases = vec![perf_history::PhaseStats::new("render")];
    sparse.unattributed = Some(perf_history::Unattributed::default());
    sparse.unclaimed = Some(perf_history::Unclaimed::default());
    sparse.timeline = Some(perf_history::TimelineFacts::default());
    sparse.allocators = Some(perf_history::AllocatorFacts::default());
    sparse.system = Some(perf_history::System::default());
    for stats in [record("a"), sparse, full_record(50)] {
        let value = serde_json::to_value(&stats).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert_eq!(errors, [""; 0]);
    }
}

#[test]
fn what_is_no_record_is_not_valid() {
    let validator = validator();
    for (field, value) in [
        ("schema", json!(2)),
        ("schema", Value::Null),
        ("build_id", json!("../a")),
        ("build_id", json!("")),
        ("outcome", json!("odd")),
        ("total_pages", json!("83")),
        ("total_pages", json!(-1)),
        ("total_pages", json!(1.5)),
        ("counts", json!([1])),
        ("counts", json!({ "a": 1 })),
        ("tool_version", Value::Null),
        ("alloc_count", json!(-1)),
        ("git", Value::Null),
        ("timeline", Value::Null),
        ("timeline", json!({ "intervals": -1 })),
        ("allocators", json!({ "sample_bytes": 1 })),
        ("labels", json!({ "a": 1 })),
        ("phases", json!([{ "path": "a" }])),
        ("phase_timings_ms", json!({ "a": null })),
    ] {
        let mut record = serde_json::to_value(full_record(1)).unwrap();
        record[field] = value;
        assert!(!validator.is_valid(&record), "{field}: {}", record[field]);
    }
    for name in ["schema", "build_id", "timestamp", "tool", "outcome", "phases", "counts"] {
        let mut record = serde_json::to_value(full_record(1)).unwrap();
        record.as_object_mut().unwrap().remove(name);
        assert!(!validator.is_valid(&record), "without {name}");
    }
}

#[test]
fn the_types_describe_every_field_that_is_written() {
    let schema: Value = serde_json::from_str(CHECKED_IN).unwrap();
    let described = schema["properties"].as_object().unwrap();
    let mut names: Vec<&str> = perf_history::field_names().to_vec();
    names.sort_unstable();
    assert!(described.keys().eq(names));
    for property in described.values() {
        assert!(property["description"].is_string(), "{property}");
    }
}
