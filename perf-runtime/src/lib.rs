//! Continuous performance tracking for build tools.
//!
//! Annotate the functions that are the phases of a build; every build then leaves one record of
//! where its time and memory went in an append-only history.
//!
//! ```
//! use perf_runtime::{TrackingAllocator, tracked_build, tracked_phase};
//!
//! #[global_allocator]
//! static ALLOCATOR: TrackingAllocator = TrackingAllocator::system();
//!
//! #[tracked_phase("render", items = pages.len())]
//! fn render(pages: &[&str]) -> Vec<String> {
//!     pages.iter().map(|page| format!("<p>{page}</p>")).collect()
//! }
//!
//! #[tracked_build("my-site")]
//! fn build() -> Result<usize, std::io::Error> {
//!     let pages = render(&["one", "two"]);
//!     perf_runtime::build().count("total_pages", pages.len());
//!     Ok(pages.len())
//! }
//! # fn main() {
//! # let dir = std::env::temp_dir().join(format!("perf-runtime-doc-root-{}", std::process::id()));
//! # // SAFETY: nothing else runs.
//! # unsafe { std::env::set_var("BUILD_METRICS_DIR", &dir) };
//! assert_eq!(build().unwrap(), 2);
//! # assert_eq!(dir.join("history.jsonl").exists(), cfg!(feature = "track"));
//! # let _ = std::fs::remove_dir_all(dir);
//! # }
//! ```
//!
//! The record goes to `.build-metrics/history.jsonl`. What its numbers mean is told at
//! [`BuildStats`] and [`PhaseStats`].
//!
//! # Switches
//!
//! Variables of the environment, for a program already shipped:
//!
//! | variable | meaning |
//! |---|---|
//! | `BUILD_METRICS=off` | nothing is measured or written |
//! | `BUILD_METRICS_DIR` | where records go, instead of `.build-metrics` |
//! | `BUILD_METRICS_LABELS=key=value,…` | labels for the record |
//! | `BUILD_METRICS_TIMELINE=1` | each call leaves an interval: a [`Timeline`] beside the history, of up to 1,048,576 calls |
//! | `BUILD_METRICS_ALLOCATORS=1` | allocations are sampled, one byte in 256 KiB on average (or `=64KiB`, say): each phase tells its [top allocators](PhaseStats::top_allocators); takes the feature `allocators` |
//!
//! A switch whose value cannot be read is named in one warning, and ignored.
//!
//! # Features
//!
//! | feature | meaning |
//! |---|---|
//! | `track` (default) | all measuring; without it an annotated function compiles to the machine code of the bare one, and the functions of this crate do nothing |
//! | `allocators` | sampling of allocations, on Linux on x86-64 and ARM64: see `BUILD_METRICS_ALLOCATORS`, [`PerformanceCollector::sample_allocations`] and [`AllocationPlace`] |
//! | `tracing` | `PhaseLayer`: the spans of a tool that is instrumented with `tracing` are phases, too |

mod allocation_sampling;
mod allocator;
mod item_count;
mod phase_macro;

#[cfg(feature = "track")]
mod collector;
#[cfg(feature = "track")]
mod environment;
#[cfg(feature = "track")]
mod measure;
mod outcome;
#[cfg(feature = "track")]
mod phase;
#[cfg(feature = "track")]
mod registry;

#[cfg(not(feature = "track"))]
mod untracked;

#[cfg(feature = "tracing")]
mod tracing_layer;

pub use allocation_sampling::AllocationSampling;
pub use allocator::TrackingAllocator;
pub use item_count::ItemCount;
pub use perf_history::*;
pub use perf_macros::{in_current_phase, tracked_build, tracked_phase};

#[cfg(feature = "track")]
pub use collector::{BuildHandle, PerformanceCollector, build};
#[cfg(feature = "track")]
pub use phase::guard::{PhaseGuard, add_items, enter};
#[cfg(feature = "track")]
pub use phase::handle::{HandedFuture, InCurrentPhase, PhaseHandle};
#[cfg(feature = "track")]
pub use registry::CountError;

#[cfg(feature = "tracing")]
pub use tracing_layer::PhaseLayer;

#[cfg(not(feature = "track"))]
pub use untracked::{
    BuildHandle, CountError, HandedFuture, InCurrentPhase, PerformanceCollector, PhaseGuard,
    PhaseHandle, add_items, build, enter,
};

/// Whether a phase may be called so: the name is not empty and holds neither `/` nor a control
/// character.
#[cfg(feature = "track")]
const fn name_is_valid(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        // C1 controls are the only control characters beyond ASCII: C2 80 to C2 9F.
        let c1 = bytes[index] == 0xC2 && index + 1 < bytes.len() && bytes[index + 1] < 0xA0;
        if bytes[index] == b'/' || bytes[index].is_ascii_control() || c1 {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}

/// What the expansions of the macros refer to. Not part of the API.
#[doc(hidden)]
pub mod __private {
    pub use core;
    pub use std::boxed::Box;

    #[cfg(not(feature = "track"))]
    pub use crate::untracked::expansion::*;
    #[cfg(feature = "track")]
    pub use crate::{
        collector::{BuildGuard, build_future},
        outcome::{OutcomeOfAny, OutcomeProbe},
        phase::handle::{CarriedPhase, carried_future, carry, enter_carried},
        phase::open_builds::any_build_open,
        phase::site::Site,
    };

    /// Whether anything is measured.
    pub const MEASURES: bool = cfg!(feature = "track");
}

#[cfg(all(test, feature = "track"))]
mod tests {
    use super::name_is_valid;

    #[test]
    fn a_name_holds_no_slash_and_no_control_character_and_is_not_empty() {
        for valid in ["render", "a b", "größe", "ページ", "\u{a0}"] {
            assert!(name_is_valid(valid), "{valid:?}");
            assert!(!valid.contains(char::is_control));
        }
        for invalid in ["", "a/b", "\n", "a\u{7f}", "\u{85}"] {
            assert!(!name_is_valid(invalid), "{invalid:?}");
        }
    }
}
