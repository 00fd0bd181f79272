//! The record of a build: its types, pure data.
//!
//! A record is one JSON object on one line. Its top level is flat: the fields of [`BuildStats`]
//! and, among them, the user's counts, each under its own name, with the list of these names as
//! `counts`. Absent means unknown, never 0. Inside `phases`, counters that are 0 are left out.
//! Numbers that are not finite are left out too; a record whose `build_time_ms` is not finite
//! cannot be written. Times and megabytes keep six significant digits, but never less than
//! three decimals and never more than six.
//!
//! # Reading what others wrote
//!
//! - *This version, `schema` 1.* A value of a wrong type, a field that comes twice, or a missing
//!   `build_id`, `timestamp`, `tool`, `outcome` or `build_time_ms` makes the line unreadable:
//!   it was damaged. Fields that are unknown are kept in `unknown_fields` of the object that has them.
//! - *A later version.* The same, but a known field whose value is not understood is unknown, and
//!   its value is kept in `unknown_fields` under its name, so that rewriting gives it back. An outcome
//!   that is not understood reads as failed and a clock as suspect, so that neither
//!   enters a baseline. Only an identity, a time stamp, a tool or a build time that is not
//!   understood makes the line unreadable.
//! - *No `schema`:* a record of the Python model that this format comes from. It reads as a
//!   build of the tool `bengal`, its `X_time_ms` as top-level phases `X`, its whole numbers as
//!   counts. Its time stamp has no offset and is taken as UTC; its id is derived from it.

mod facts;
mod phase;
mod python_model;
#[cfg(test)]
#[path = "../../tests/records/mod.rs"]
mod records;
#[cfg(feature = "schema")]
mod schema;
mod summary;
mod timestamp;
mod top_level;
mod unknown;
mod values;

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub use facts::{AllocatorFacts, Ci, Git, Noise, System, TimelineFacts};
pub use phase::{AllocationPlace, PhaseStats, Unattributed, Unclaimed};
#[cfg(feature = "schema")]
pub use schema::json_schema;
pub use summary::RecordSummary;
pub use unknown::UnknownFields;

/// The version of the record's format that this crate writes.
pub const SCHEMA: u32 = 1;

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// It returned, but not an error.
    #[default]
    Success,
    /// It returned an error, or was abandoned.
    Failed,
    /// A panic ended it.
    Panicked,
}

impl Outcome {
    /// The outcome's name in a record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
        }
    }
}

/// Whether the clock can be trusted for this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Clock {
    /// The machine slept, or the counter stepped back, while the build ran.
    Suspect,
}

/// How the tool that built was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Profile {
    /// With debug assertions.
    Debug,
    /// Without debug assertions.
    Release,
}

impl Profile {
    /// The profile's name in a record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// The record of one build: one line of `history.jsonl`.
///
/// Times are milliseconds, megabytes are 2^20 bytes. `None` is unknown, never 0.
///
/// ```
/// use perf_history::{BuildStats, Outcome};
///
/// let line = r#"{"schema":1,"build_id":"0192b6e4-5b1c-7c3e-8f00-1d2c3b4a5968",
///     "timestamp":"2026-11-23T08:56:00.123Z","tool":"my-site","outcome":"success",
///     "build_time_ms":412.5,"total_pages":83,"counts":["total_pages"],
///     "phases":[{"path":"render","calls":1,"total_ms":300.0,"self_ms":20.0},
///               {"path":"render/markdown","calls":83,"total_ms":280.0,"self_ms":280.0}]}"#;
/// let stats: BuildStats = serde_json::from_str(line)?;
///
/// assert_eq!(stats.outcome, Outcome::Success);
/// assert_eq!(stats.counts["total_pages"], 83);
/// assert_eq!(stats.phase("render/markdown").map(|phase| phase.calls), Some(83));
/// assert_eq!(stats.memory_rss_mb, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(
        description = "The record of one build: one line of `history.jsonl`. Times are \
            milliseconds, megabytes are 2^20 bytes. What is absent is unknown, never 0; but \
            inside `phases`, counters that are 0 are left out.",
        extend("required" = [
            "schema", "build_id", "timestamp", "tool", "outcome", "build_time_ms", "counts",
            "phase_timings_ms", "phases", "labels"
        ]),
        extend("additionalProperties" = {
            "description": "A count of the user's, under its own name, which `counts` lists.",
            "type": "integer",
            "minimum": 0
        })
    )
)]
#[non_exhaustive]
pub struct BuildStats {
    #[cfg_attr(
        feature = "schema",
        schemars(description = "The version of this format.", extend("const" = 1))
    )]
    /// The version of the format that the record was read in. 0 where it was read in none (a
    /// new record, or one of the Python model): it is then written as [`SCHEMA`].
    pub schema: u32,
    /// A `UUIDv7`, so that ids sort by time. A history takes ids of 1 to 64 ASCII letters, digits,
    /// `-` and `_`.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9A-Za-z_-]{1,64}$")))]
    pub build_id: String,
    /// When the build started: UTC, RFC 3339.
    pub timestamp: String,
    /// The program that built.
    pub tool: String,
    /// Its version.
    pub tool_version: Option<String>,
    /// How the build ended.
    pub outcome: Outcome,
    /// From start to end, on the monotonic clock.
    pub build_time_ms: f64,
    /// Processor time of the process outside the kernel, over all threads.
    pub cpu_user_ms: Option<f64>,
    /// Processor time of the process inside the kernel, over all threads.
    pub cpu_system_ms: Option<f64>,
    /// Whether the tool worked on several threads.
    pub parallel: Option<bool>,
    /// Whether only what changed was built.
    pub incremental: Option<bool>,
    /// Whether there was nothing to build.
    pub skipped: Option<bool>,
    /// Present where the build's times cannot be trusted.
    pub clock: Option<Clock>,
    /// The user's counts. In the file each has a field of its own name, and this is the list of
    /// the names.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeSet<String>"))]
    pub counts: BTreeMap<String, u64>,
    /// Resident set at the build's end.
    pub memory_rss_mb: Option<f64>,
    /// Resident set at the build's start.
    pub memory_start_rss_mb: Option<f64>,
    /// Live heap at the build's end.
    pub memory_heap_mb: Option<f64>,
    /// Highest live heap during the build.
    pub memory_peak_mb: Option<f64>,
    /// The path of the phase in which the live heap was highest: of those whose `process_peak_bytes`
    /// is `memory_peak_mb`, the first that raised the heap, and the innermost one there. Absent
    /// where the peak was in no phase.
    pub peak_phase: Option<String>,
    /// Highest resident set of the process so far.
    pub memory_peak_rss_mb: Option<f64>,
    /// Allocations, on all threads.
    pub alloc_count: Option<u64>,
    /// Bytes requested, on all threads.
    pub alloc_bytes: Option<u64>,
    /// Top-level phases: `build_thread_ms`, or `elapsed_ms` where the phase never ran on the
    /// build thread.
    pub phase_timings_ms: BTreeMap<String, f64>,
    /// The phases in the order of their tree.
    pub phases: Vec<PhaseStats>,
    /// What ran in no phase.
    pub unattributed: Option<Unattributed>,
    /// What belonged to none of the builds that were open.
    pub unclaimed: Option<Unclaimed>,
    /// The timeline that was recorded beside this; absent where none was.
    pub timeline: Option<TimelineFacts>,
    /// How allocations were sampled, for `top_allocators` and `retained_bytes`; absent where they
    /// were not.
    pub allocators: Option<AllocatorFacts>,
    /// A lower bound of what measuring cost, subtracted nowhere.
    pub overhead_ms: Option<f64>,
    /// The compiler that built the tool.
    pub rust_version: Option<String>,
    /// The platform that the tool was built for.
    pub platform: Option<String>,
    /// The machine.
    pub system: Option<System>,
    /// What else may have disturbed the build.
    pub noise: Option<Noise>,
    /// The checkout.
    pub git: Option<Git>,
    /// The job.
    pub ci: Option<Ci>,
    /// How the tool was compiled.
    pub profile: Option<Profile>,
    /// The user's labels of the build.
    pub labels: BTreeMap<String, String>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

impl BuildStats {
    /// The phase with this path, such as `render/markdown`.
    #[must_use]
    pub fn phase(&self, path: &str) -> Option<&PhaseStats> {
        self.phases.iter().find(|phase| phase.path == path)
    }

    /// When the build started; `None` where `timestamp` is not of RFC 3339. A time stamp
    /// without an offset, as the Python model wrote, is taken as UTC.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// let mut stats = perf_history::BuildStats::default();
    /// stats.timestamp = "1970-01-02T00:00:00.5Z".to_owned();
    /// let expected = SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_500);
    /// assert_eq!(stats.started_at(), Some(expected));
    /// ```
    #[must_use]
    pub fn started_at(&self) -> Option<SystemTime> {
        timestamp::parse(&self.timestamp)
    }

    /// Sets when the build started: in UTC, to the millisecond.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// let mut stats = perf_history::BuildStats::default();
    /// stats.set_started_at(SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_500));
    /// assert_eq!(stats.timestamp, "1970-01-02T00:00:00.500Z");
    /// ```
    pub fn set_started_at(&mut self, time: SystemTime) {
        self.timestamp = timestamp::format(time);
    }
}

/// The names of a record's top-level fields, in the order in which they are written. Later
/// versions add fields only inside existing objects, so no name joins them that a count may have.
#[must_use]
pub fn field_names() -> &'static [&'static str] {
    top_level::FIELDS
}

/// Whether a count may not have this name, because a field of the record has it.
///
/// ```
/// use perf_history::record::is_reserved;
///
/// assert!(is_reserved("tool"));
/// assert!(!is_reserved("total_pages"));
/// ```
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    top_level::FIELDS.contains(&name)
}
