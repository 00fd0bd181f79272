//! What one build leaves behind: the types of a record, pure data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the record's format that this crate writes.
pub const SCHEMA: u32 = 1;

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It returned, and not with an error.
    #[default]
    Success,
    /// It returned an error, or was abandoned.
    Failed,
    /// A panic ended it.
    Panicked,
}

/// Whether the clock can be trusted for this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// The machine slept, or the counter stepped back, while the build ran.
    Suspect,
}

/// How the tool that built was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// With debug assertions.
    Debug,
    /// Without debug assertions.
    Release,
}

/// The record of one build: one line of `history.jsonl`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BuildStats {
    pub schema: u32,
    pub build_id: String,
    /// UTC, RFC 3339.
    pub timestamp: String,
    pub tool: String,
    pub tool_version: Option<String>,
    pub outcome: Outcome,
    pub build_time_ms: f64,
    pub cpu_user_ms: Option<f64>,
    pub cpu_system_ms: Option<f64>,
    pub parallel: Option<bool>,
    pub incremental: Option<bool>,
    pub skipped: Option<bool>,
    pub clock: Option<Clock>,
    /// The user's counts; flattened into the record's top level, names listed in `counts`.
    pub counts: BTreeMap<String, u64>,
    pub memory_rss_mb: Option<f64>,
    pub memory_heap_mb: Option<f64>,
    pub memory_peak_mb: Option<f64>,
    pub memory_peak_rss_mb: Option<f64>,
    pub alloc_count: Option<u64>,
    pub alloc_bytes: Option<u64>,
    pub phase_timings_ms: BTreeMap<String, f64>,
    pub phases: Vec<PhaseStats>,
    pub unattributed: Option<Unattributed>,
    pub unclaimed: Option<Unclaimed>,
    pub overhead_ms: Option<f64>,
    pub rust_version: Option<String>,
    pub platform: Option<String>,
    pub system: Option<System>,
    pub noise: Option<Noise>,
    pub git: Option<Git>,
    pub ci: Option<Ci>,
    pub profile: Option<Profile>,
    pub labels: BTreeMap<String, String>,
    /// Fields that this version does not know.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// One phase of a build.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PhaseStats {
    pub path: String,
    pub calls: u64,
    pub open_calls: u64,
    pub total_ms: f64,
    pub self_ms: f64,
    /// `None` where the phase never ran on the build's own thread.
    pub own_ms: Option<f64>,
    pub own_self_ms: Option<f64>,
    pub window_ms: f64,
    pub started_ms: f64,
    pub threads: u64,
    /// Async phases only.
    pub latency_ms: Option<f64>,
    pub polls: u64,
    /// Absent where no call finished.
    pub min_ms: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub items: u64,
    pub panics: u64,
    pub cancelled: u64,
    /// Memory: `None` where the allocator is not in the program. In a record that has
    /// `alloc_count`, a counter left out reads as `Some(0)`.
    pub alloc_count: Option<u64>,
    pub alloc_bytes: Option<u64>,
    pub freed_count: Option<u64>,
    pub freed_bytes: Option<u64>,
    pub realloc_count: Option<u64>,
    pub net_bytes: Option<i64>,
    pub peak_bytes: Option<u64>,
    /// Only for phases that ran on the build's own thread.
    pub process_peak_bytes: Option<u64>,
    pub self_alloc_count: Option<u64>,
    pub self_alloc_bytes: Option<u64>,
    pub rss_delta_mb: Option<f64>,
}

/// What ran inside the build but in no phase.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Unattributed {
    /// On the build's own thread.
    pub own_ms: f64,
    pub alloc_count: Option<u64>,
    pub alloc_bytes: Option<u64>,
    pub freed_count: Option<u64>,
    pub freed_bytes: Option<u64>,
    pub realloc_count: Option<u64>,
    pub net_bytes: Option<i64>,
}

/// What belonged to none of the several builds that were open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Unclaimed {
    pub alloc_count: u64,
    pub alloc_bytes: u64,
    pub freed_count: u64,
    pub freed_bytes: u64,
    pub realloc_count: u64,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct System {
    pub os: Option<String>,
    pub os_version: Option<String>,
    pub arch: Option<String>,
    pub cpu_model: Option<String>,
    /// Logical processors.
    pub cores: Option<u64>,
    pub memory_mb: Option<f64>,
}

/// What else may have disturbed the build.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Noise {
    pub involuntary_context_switches: Option<u64>,
    pub major_page_faults: Option<u64>,
    /// One-minute load average at the end of the build.
    pub load_average: Option<f64>,
}

/// The checkout that was built with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Git {
    pub commit: Option<String>,
    pub branch: Option<String>,
    pub dirty: Option<bool>,
}

/// The continuous integration job that built.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ci {
    pub provider: Option<String>,
    pub run_id: Option<String>,
    /// The pull or merge request.
    pub change_id: Option<String>,
    pub base_branch: Option<String>,
}
