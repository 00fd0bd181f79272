//! What a record says of the machine, the checkout and the job that the build ran in.

use super::UnknownFields;
use super::object::{nested_object, object};

/// The machine.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct System {
    /// The operating system.
    pub os: Option<String>,
    /// Its version.
    pub os_version: Option<String>,
    /// The processor's architecture.
    pub arch: Option<String>,
    /// The processor's model, in its maker's words.
    pub cpu_model: Option<String>,
    /// Logical processors.
    pub cores: Option<u64>,
    /// Memory, in 2^20 bytes.
    pub memory_mb: Option<f64>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(System { os, os_version, arch, cpu_model, cores, memory_mb });

/// What else may have disturbed the build.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Noise {
    /// How often the system took the processor from the build.
    pub involuntary_context_switches: Option<u64>,
    /// Page faults that had to wait for a disk.
    pub major_page_faults: Option<u64>,
    /// One-minute load average at the end of the build.
    pub load_average: Option<f64>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(Noise { involuntary_context_switches, major_page_faults, load_average });

/// The checkout that was built with.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Git {
    /// The full hash.
    pub commit: Option<String>,
    /// The branch's short name; absent where the head is detached.
    pub branch: Option<String>,
    /// Whether anything tracked differed from the commit.
    pub dirty: Option<bool>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(Git { commit, branch, dirty });

/// The continuous integration job that built.
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Ci {
    /// Whose service it is.
    pub provider: Option<String>,
    /// The run, as the provider numbers it.
    pub run_id: Option<String>,
    /// The pull or merge request.
    pub change_id: Option<String>,
    /// The branch that the change is to be merged into.
    pub base_branch: Option<String>,
    /// Fields that this version does not know, or whose values it does not understand.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub unknown_fields: UnknownFields,
}

object!(Ci { provider, run_id, change_id, base_branch });

nested_object!(System, Noise, Git, Ci);
