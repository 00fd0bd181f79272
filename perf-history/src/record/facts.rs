//! The facts in a record about the machine, the checkout, the job and the measuring itself.

use serde::{Deserialize, Serialize};

use super::UnknownFields;
use super::values::{no_number, rounded};

/// The machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[serde(default)]
pub struct System {
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// The processor's architecture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// The processor's model, in its maker's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// Logical processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u64>,
    /// Memory, in 2^20 bytes.
    #[serde(skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub memory_mb: Option<f64>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

/// What may have disturbed the build.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[serde(default)]
pub struct Noise {
    /// How often the system took the processor from the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub involuntary_context_switches: Option<u64>,
    /// Page faults that had to wait for a disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub major_page_faults: Option<u64>,
    /// One-minute load average at the end of the build.
    #[serde(skip_serializing_if = "no_number", serialize_with = "rounded")]
    pub load_average: Option<f64>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

/// The checkout that was built with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[serde(default)]
pub struct Git {
    /// The full hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch's short name; absent where the head is detached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Whether anything tracked differed from the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

/// The continuous integration job that built.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[serde(default)]
pub struct Ci {
    /// The name of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The run, as the provider numbers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The pull or merge request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<String>,
    /// The branch that the change is to be merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_branch: Option<String>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

/// The timeline of a build, which has a file of its own: see [`timeline`](crate::timeline). The
/// file may have been removed since.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["intervals", "dropped"])))]
#[non_exhaustive]
#[serde(default)]
pub struct TimelineFacts {
    /// Calls that are in it.
    pub intervals: u64,
    /// Calls that did not fit into it.
    pub dropped: u64,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}

/// How allocations were sampled.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(extend("required" = ["sample_bytes", "samples", "dropped"]))
)]
#[non_exhaustive]
#[serde(default)]
pub struct AllocatorFacts {
    /// One of how many bytes was picked, on average.
    pub sample_bytes: u64,
    /// Samples that were taken.
    pub samples: u64,
    /// Samples for which there was no room: the estimates lack them.
    pub dropped: u64,
    /// Whether the program holds line numbers for its own code. `None` where there was no
    /// sample to find out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug_info: Option<bool>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(flatten)]
    pub unknown_fields: UnknownFields,
}
