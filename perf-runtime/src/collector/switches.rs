//! The environment variables that control a build, parsed by `perf_history`.

use std::sync::Once;

use perf_history::switches::{AllocatorSwitch, Switches};

use super::warning::warn;
use crate::AllocationSampling;
use crate::environment::GitOptions;

/// Reads the environment. A value that cannot be parsed is named in a warning, once per process.
pub(super) fn from_env() -> Switches {
    static WARNED: Once = Once::new();
    let switches = Switches::from_env();
    WARNED.call_once(|| switches.complaints.iter().for_each(|complaint| warn(complaint)));
    switches
}

/// How to sample allocations. `default` is what the tool itself asks for.
pub(super) fn sampling(
    switch: AllocatorSwitch,
    default: Option<AllocationSampling>,
) -> Option<AllocationSampling> {
    match switch {
        AllocatorSwitch::Off => None,
        AllocatorSwitch::On => Some(AllocationSampling::default()),
        AllocatorSwitch::Every(bytes) => Some(AllocationSampling::every(bytes)),
        _ => default,
    }
}

/// What to record about the checkout.
pub(super) fn git(switches: &Switches) -> GitOptions {
    GitOptions {
        look: switches.git,
        commit: switches.commit.clone(),
        branch: switches.branch.clone(),
    }
}
