//! Switches for a program already shipped: variables of the environment, which `perf_history`
//! parses for all who need them.

use std::sync::Once;

use perf_history::switches::{AllocatorSwitch, Switches};

use super::warning::warn;
use crate::AllocationSampling;

/// Reads the switches. A value that cannot be read is named in a warning, once in a process.
pub(super) fn from_env() -> Switches {
    static WARNED: Once = Once::new();
    let switches = Switches::from_env();
    WARNED.call_once(|| switches.complaints.iter().for_each(|complaint| warn(complaint)));
    switches
}

/// How to sample allocations where the tool itself asks for `tool`.
pub(super) fn sampling(
    switch: AllocatorSwitch,
    tool: Option<AllocationSampling>,
) -> Option<AllocationSampling> {
    match switch {
        AllocatorSwitch::Off => None,
        AllocatorSwitch::On => Some(AllocationSampling::default()),
        AllocatorSwitch::Every(bytes) => Some(AllocationSampling::every(bytes)),
        _ => tool,
    }
}
