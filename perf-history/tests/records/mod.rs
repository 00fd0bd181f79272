//! Records for the tests.

use perf_history::{BuildStats, SCHEMA};
use serde_json::{Value, json};

/// A record with little in it but its id.
pub(crate) fn record(id: &str) -> BuildStats {
    let mut stats = BuildStats::default();
    stats.schema = SCHEMA;
    stats.build_id = id.into();
    stats.timestamp = "2026-11-23T08:56:00.123Z".into();
    stats.tool = "my-site".into();
    stats.build_time_ms = 412.5;
    stats
}

/// The top level of a record with every field set but those of phases.
const TOP_LEVEL: &str = r#"{
    "schema": 1,
    "build_id": "0192b6e4-5b1c-7c3e-8f00-1d2c3b4a5968",
    "timestamp": "2026-11-23T08:56:00.123456Z",
    "tool": "my-site",
    "tool_version": "1.12.3-beta.4",
    "outcome": "failed",
    "build_time_ms": 6444.974,
    "cpu_user_ms": 21012.346,
    "cpu_system_ms": 1301.2,
    "parallel": true,
    "incremental": false,
    "skipped": false,
    "clock": "suspect",
    "counts": ["total_pages", "regular_pages", "generated_pages", "total_assets"],
    "total_pages": 83,
    "regular_pages": 39,
    "generated_pages": 44,
    "total_assets": 0,
    "memory_rss_mb": 114.328,
    "memory_start_rss_mb": 12.0625,
    "memory_heap_mb": 55.7715,
    "memory_peak_mb": 58.7144,
    "peak_phase": "discover/syntax-41",
    "memory_peak_rss_mb": 221.254,
    "alloc_count": 12345678,
    "alloc_bytes": 9876543210,
    "unattributed": {
        "build_thread_ms": 12.3457, "alloc_count": 0, "alloc_bytes": 0, "freed_count": 12,
        "freed_bytes": 3456, "realloc_count": 7, "net_bytes": -3456,
        "retained_bytes": 262144, "retained_bytes_low": 131,
        "retained_bytes_high": 2621440, "top_allocators": []
    },
    "unclaimed": {
        "alloc_count": 1, "alloc_bytes": 2, "freed_count": 3, "freed_bytes": 4,
        "realloc_count": 5
    },
    "timeline": { "intervals": 1048576, "dropped": 0 },
    "allocators": {
        "sample_bytes": 262144, "samples": 123456, "dropped": 0, "debug_info": true
    },
    "overhead_ms": 0.123456,
    "rust_version": "1.95.0 (59807616e 2026-04-14)",
    "platform": "x86_64-unknown-linux-gnu",
    "system": {
        "os": "Linux", "os_version": "Debian GNU/Linux 13 (trixie)", "arch": "x86_64",
        "cpu_model": "AMD EPYC 7763 64-Core Processor", "cores": 128,
        "memory_mb": 515934.25
    },
    "noise": {
        "involuntary_context_switches": 1234, "major_page_faults": 0, "load_average": 12.25
    },
    "git": {
        "commit": "59807616e1bfc0a4a9a4e0a2d0a1b8f2c3d4e5f6",
        "branch": "feature/faster-markdown", "dirty": true
    },
    "ci": {
        "provider": "github", "run_id": "18273645546/1", "change_id": "1234",
        "base_branch": "main"
    },
    "profile": "release",
    "labels": { "run": "before", "session": "0192b6e4" }
}"#;

/// A record with every field set, as a build with this many phases would leave it.
#[allow(dead_code, reason = "not every test binary needs it")]
pub(crate) fn full_record(phases: u32) -> BuildStats {
    let phases: Vec<Value> = (0..phases).map(full_phase).collect();
    let top_level = phases.iter().filter_map(|phase| {
        let path = phase["path"].as_str().filter(|path| !path.contains('/'))?;
        Some((path.to_owned(), phase["elapsed_ms"].clone()))
    });
    let mut stats: Value = serde_json::from_str(TOP_LEVEL).unwrap();
    stats["phase_timings_ms"] = Value::Object(top_level.collect());
    stats["unattributed"]["top_allocators"] = json!([place()]);
    stats["phases"] = phases.into();
    serde_json::from_value(stats).unwrap()
}

/// A place with every field set.
fn place() -> Value {
    json!({
        "function": "my_site::render::markdown::highlight::{closure#0}",
        "file": "crates/my-site/src/render/markdown.rs",
        "line": 117,
        "alloc_bytes": 12_345_678,
        "alloc_bytes_low": 11_234_567,
        "alloc_bytes_high": 13_456_789,
        "alloc_count": 123_456,
        "realloc_count": 1_234,
        "retained_bytes": 262_144,
        "samples": 47
    })
}

/// A phase with every field set to what one sees in builds of some seconds. Each fifth phase is
/// at the top.
fn full_phase(index: u32) -> Value {
    let share = f64::from(index % 7 + 1);
    let n = u64::from(index % 7 + 1);
    let top = ["discover", "parse", "render", "assets", "postprocess"][index as usize / 5 % 5];
    let path = if index.is_multiple_of(5) {
        format!("{top}{index}")
    } else {
        format!("{top}/syntax-{index}")
    };
    let mut phase = json!({
        "path": path,
        "file": "src/render.rs",
        "line": index + 17,
        "calls": n * 1_234,
        "open_calls": 1,
        "total_ms": share * 591.234_567_89,
        "self_ms": share * 91.234_567_89,
        "build_thread_ms": share * 123.456_789_01,
        "build_thread_self_ms": share * 23.456_789_01,
        "elapsed_ms": share * 601.234_567_89,
        "started_ms": share * 101.987_654_32,
        "threads": 16,
        "latency_ms": share * 611.234_567_89,
        "polls": n * 2_345,
        "min_ms": share * 0.012_345_678,
        "p50_ms": share * 0.112_345_678,
        "p95_ms": share * 0.512_345_678,
        "p99_ms": share * 0.912_345_678,
        "max_ms": share * 3.123_456_789,
        "items": n * 83,
        "panics": 1,
        "cancelled": 2,
        "alloc_count": n * 123_456,
        "alloc_bytes": n * 12_345_678,
        "freed_count": n * 123_123,
        "freed_bytes": n * 12_123_456,
        "realloc_count": n * 1_234,
        "net_bytes": -222_222,
        "peak_bytes": n * 1_234_567,
        "process_peak_bytes": 61_566_789,
        "self_alloc_count": n * 12_345,
        "self_alloc_bytes": n * 1_234_567,
        "rss_delta_mb": share * 1.234_567_8
    });
    if index == 0 {
        // Samples are few, and found in one phase.
        phase["retained_bytes"] = json!(n * 262_144);
        phase["retained_bytes_low"] = json!(n * 26_214);
        phase["retained_bytes_high"] = json!(n * 2_621_440);
        phase["top_allocators"] = json!([place()]);
    }
    phase
}
